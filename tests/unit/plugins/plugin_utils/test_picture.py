# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of networks: complete, without overlaps, harmless, and the same every time."""

from __future__ import annotations

import copy
import itertools
import json
import random
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.containerland.net.plugins.filter.topology_svg import topology_svg
from ansible_collections.containerland.net.plugins.plugin_utils import picture_facts, picture_layout, picture_text
from ansible_collections.containerland.net.plugins.plugin_utils.picture_shapes import Box, Drawing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.pictures import CASES, HOSTILE, node, veth

SVG = "{http://www.w3.org/2000/svg}"
cases = pytest.mark.parametrize("name", CASES)


def drawn(results: Any, containers: int = 12) -> Drawing:
    return picture_layout.layout(picture_facts.fleet(results), containers)


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def check_places(picture: Drawing) -> None:
    """No box over another, none outside, every text within its box, no line through a box that it does not end at."""
    leaves = [box for box in picture.boxes if not box.frame]
    frames = [box for box in picture.boxes if box.frame]
    for kind in ("node", "root"):
        assert not [pair for pair in itertools.combinations([b for b in frames if b.kind == kind], 2) if meet(*pair)]
    for one, other in itertools.combinations(leaves, 2):
        assert not meet(one, other), (one.title, other.title)
    nodes = [box for box in frames if box.kind == "node"]
    for box in leaves:
        assert sum(within(box, node) for node in nodes) == 1, box.title
    for box in picture.boxes:
        assert box.x >= 0 and box.y >= 0 and box.right <= picture.width and box.bottom <= picture.height, box.title
        for text in box.texts:
            wide = picture_text.width(text.text, text.size, text.bold)
            if text.turned:
                area = Box("turned", text.x - text.size, text.y - wide / 2, text.size * 1.3, wide)
                assert within(area, box), text
                assert not [w for w in picture.wires for a, b in itertools.pairwise(w.points) if crosses(a, b, area)], (
                    text
                )
            else:
                assert text.x - wide / 2 >= box.x and text.x + wide / 2 <= box.right, text
                assert box.y <= text.y - text.size * 0.75 and text.y <= box.bottom, text
    for wire in picture.wires:
        for start, end in itertools.pairwise(wire.points):
            assert start[0] == end[0] or start[1] == end[1], wire
            for box in leaves:
                assert not crosses(start, end, box), (wire, box.title, box)
    for label in picture.labels:
        wide = picture_text.width(label.text, label.size, label.style.endswith("name"))
        left = label.x if label.anchor == "start" else label.x - wide
        area = Box("label", left, label.y - label.size * 0.8, wide, label.size)
        assert not [box.title for box in leaves if meet(area, box)], label
        assert left >= 0 and left + wide <= picture.width, label


def meet(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def within(inner: Box, outer: Box) -> bool:
    return outer.x <= inner.x and inner.right <= outer.right and outer.y <= inner.y and inner.bottom <= outer.bottom


def crosses(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Whether a line goes through the inside of a box; its edge may be touched."""
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    slack = 0.01
    return left < box.right - slack and right > box.x + slack and top < box.bottom - slack and bottom > box.y + slack


@cases
def test_nothing_overlaps(name: str) -> None:
    check_places(drawn(CASES[name]))
    check_places(drawn(CASES[name], 500))


@cases
def test_the_same_facts_are_the_same_picture(name: str) -> None:
    """In whatever order they come, and with whatever differs by itself."""
    shuffled = copy.deepcopy(CASES[name])
    order = random.Random(1)
    results = [shuffled] if "topology" in shuffled else list(shuffled.values())
    for result in results:
        for option, elements in result["topology"].items():
            if option not in ("ipvs_service", "iptables_chain"):
                order.shuffle(elements)
            for element in elements:
                element["mac"] = f"02:00:00:00:00:{order.randrange(16, 256):02x}"
    if "topology" not in shuffled:
        shuffled = dict(sorted(shuffled.items(), reverse=True))
    assert topology_svg(shuffled) == topology_svg(CASES[name])


@cases
def test_everything_is_drawn(name: str) -> None:
    """Every namespace, link and address by its name, every pair as a line or as two names."""
    results = CASES[name]
    svg = topology_svg(results, containers=500)
    found = " ".join(ElementTree.fromstring(svg).itertext()) if name != "hostile" else ""
    for result in results.values() if "topology" not in results else [results]:
        for option in ("namespaces", "bridge", "vxlan", "link", "veth"):
            for element in result["topology"].get(option, []) if found else []:
                for end in (element, element.get("peer", {})):
                    shown = end.get("addresses") or []
                    shown = shown if len(shown) <= 5 else shown[:4]
                    for text in (end.get("name", ""), *shown):
                        assert text in found, (option, text)


def test_lines_of_a_tangle() -> None:
    """One line for each cable, and for each port that is no cable's end."""
    titles = [wire.title for wire in drawn({"node1": CASES["tangle"]["node1"]}).wires]
    for title in (
        "c-web10 to web1", "c-web70 to web7", "c-left0 to left", "x of left to y of right", "patch0 to patch1",
        "in0 to in1", "patch0 on br0", "patch1 on br1", "eth1 on br1", "l2 on br1",
        "eth2 to mac", "eth2 to eth2.5", "eth3 on bond0",
        "eth4 on bond0", "c-both0 to both", "eth1 of both to c-both1",
    ):  # fmt: skip
        assert titles.count(title) == 1, (title, titles)


def test_tunnels_and_networks_are_rails() -> None:
    picture = drawn(CASES["three nodes"])
    rails = {wire.title: wire for wire in picture.wires if wire.kind.endswith("-rail")}
    assert set(rails) == {"VXLAN 1", "192.0.2.0/24"}
    for kind, title in (("tunnel", "VXLAN 1"), ("underlay", "192.0.2.0/24")):
        downs = [wire for wire in picture.wires if wire.kind == kind]
        assert len(downs) == 3
        assert {wire.points[-1][1] for wire in downs} == {rails[title].points[0][1]}


def test_overlays_that_do_not_know_each_other_are_apart() -> None:
    stranger = node(4)
    stranger["topology"]["fdb"] = []
    found = picture_facts.fleet({"a": node(1), "b": node(2), "c": stranger}).tunnels
    assert [(tunnel.ends, tunnel.strangers) for tunnel in found] == [
        ((("a", "", "vxlan1"), ("b", "", "vxlan1")), 1),
        ((("c", "", "vxlan1"),), 0),
    ]


def test_many_are_counted() -> None:
    shown = texts(topology_svg({"node1": node(1, 200)}))
    assert "and 189 more" in shown or "and 188 more" in shown
    assert sum(text.startswith("web") and "…" not in text for text in shown) <= 12
    assert "and" not in " ".join(texts(topology_svg({"node1": node(1, 200)}, containers=200)))


def test_services_are_named() -> None:
    shown = texts(topology_svg(CASES["tangle"]))
    for text in (
        "service, IPVS wrr", "tcp 10.96.0.1:80", "→ 10.244.1.2:80 web1@node1 weight 3", "→ [fd00::1]:80", "mark 5",
        "published web1", "tcp port 8080", "→ 10.244.1.2:80 web1@node1",
    ):  # fmt: skip
        assert text in shown, (text, shown)


def test_hostile_names_are_text() -> None:
    svg = topology_svg(CASES["hostile"], title=HOSTILE[0])
    root = ElementTree.fromstring(svg)
    allowed = {"svg", "title", "desc", "style", "rect", "g", "text", "polyline"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == allowed
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on") or "href" in key]
    assert not set(svg) & {*map(chr, range(9)), *map(chr, range(11, 32)), "\u202e", "\x7f"}
    assert root.findtext(f"{SVG}title") == HOSTILE[0]


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([], "not a dictionary"),
        ({"node1": {"msg": "failed"}}, "node1: not a result of containerland.net.network_info, it has no 'topology'"),
        ({"node1": {"topology": {"veth": {}}}}, "node1.topology.veth: not a list"),
        ({"node1": {"topology": {"vxlan": [{"vni": "x"}]}}}, "not a result of containerland.net.network_info"),
        ({"node1": {"topology": {"veth": [{"peer": 1}]}}}, "not a result of containerland.net.network_info"),
    ],
)
def test_other_input_is_refused(results: Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match="topology_svg: ") as refused:
        topology_svg(results)
    assert said in str(refused.value)


@pytest.mark.parametrize("options", [{"containers": 0}, {"width": "wide"}, {"containers": None}])
def test_limits_are_numbers(options: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="must be a number"):
        topology_svg({}, **options)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_network_has_a_place(data: st.DataObject) -> None:
    names = [f"n{n}" for n in range(data.draw(st.integers(0, 9)))]
    bridges = [f"br{n}" for n in range(data.draw(st.integers(0, 4)))]
    pairs: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(0, 14))):
        ends = [data.draw(st.sampled_from(["", *names])) for _turn in range(2)]
        if not ends[0] and ends[1]:
            pairs.append(veth(ends[1], number, data.draw(st.sampled_from(["", *bridges])), f"e{number}"))
            pairs[-1]["name"] = f"v{number}"
        else:
            masters = [data.draw(st.sampled_from(["", *bridges])) if not end else "" for end in ends]
            one, other = (
                {"name": f"{side}{number}", "netns": end, "master": m} for side, end, m in zip("xy", ends, masters)
            )
            pairs.append({**one, "peer": other})
    links = [
        {
            "name": f"l{n}",
            "kind": data.draw(st.sampled_from(["", "dummy", "vlan", "bond"])),
            "master": data.draw(st.sampled_from(["", *bridges])),
            "parent": data.draw(st.sampled_from(["", "l0", *bridges])) if n else "",
            "netns": data.draw(st.sampled_from(["", "", *names])),
            "parent_netns": "",
            "addresses": [f"198.51.{n}.1/24"][: data.draw(st.integers(0, 1))],
        }
        for n in range(data.draw(st.integers(0, 6)))
    ]
    topology = {
        "namespaces": [{"name": name} for name in names],
        "bridge": [{"name": name} for name in bridges],
        "veth": pairs,
        "link": links,
    }
    results = {"a": {"topology": topology}, "b": node(2)}
    check_places(drawn(results, data.draw(st.integers(1, 10))))
    shown = "\n".join(texts(topology_svg(results, containers=500)))
    assert all(element["name"] in shown for element in [*topology["namespaces"], *bridges_of(topology), *links]), (
        json.dumps(topology)
    )


def bridges_of(topology: dict[str, Any]) -> list[dict[str, Any]]:
    return list(topology["bridge"])
