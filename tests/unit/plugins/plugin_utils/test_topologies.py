# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles hand to the modules, and how pings are judged and drawn."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import (
    fleet,
    reachability,
    reachability_matrix,
    topologies,
)
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options


def plan(**options: Any) -> dict[str, Any]:
    containers = ({"name": "web"}, {"name": "db", "attach": "docker:db", "command": "run it"})
    nodes = [NodeInput(f"node{k}", f"192.0.2.{10 + k}", f"2001:db8::{k}", containers=containers) for k in (1, 2, 3)]
    return fleet.plan(nodes, Options(**options))


def measured(made: dict[str, Any], node: str, device: str, **spoilt: int | None) -> dict[str, Any]:
    """Answers as expected, but for the addresses that are `spoilt` (dots as underscores)."""
    places = reachability.targets(made, node)
    rows: dict[str, list[int | None]] = {}
    for source in reachability.sources(made, node):
        kind = "node" if source["name"] == node else "container"
        place = reachability.Place(node, kind, "", "")
        rows[source["name"]] = [
            spoilt.get("a" + p.address.replace(".", "_"), 64 - reachability.expect(made, place, p).hops) for p in places
        ]
    return {"targets": [p.address for p in places], "ttl": rows, "errors": [], "devices": [device] * len(places)}


def test_containers_topology_of_ipv4_has_no_ipv6() -> None:
    made = topologies.containers_topology(plan(), "node1", bridge="br0")
    assert [entry["name"] for entry in made["namespaces"]] == ["web"]  # an attached one is not made
    assert made["namespaces"][0]["sysctls"]["net.ipv6.conf.all.disable_ipv6"] == 1
    assert made["sysctls"]["net/ipv6/conf/br0/disable_ipv6"] == 1
    assert [veth["peer"]["netns"] for veth in made["veth"]] == ["web", "docker:db"]
    assert all(veth["master"] == "br0" and veth["mtu"] == veth["peer"]["mtu"] == 1450 for veth in made["veth"])
    assert not any(veth["hairpin"] for veth in made["veth"])  # nothing is published
    assert made["route"][0] == {
        "netns": "web",
        "dest": "default",
        "family": "ipv4",
        "gateway": "10.244.11.1",
        "device": "eth0",
    }
    assert made["commands"] == [
        {
            "name": "db",
            "netns": "docker:db",
            "command": "run it",
            "environment": {"CONTAINER": "db", "NODE": "node1"},
        }
    ]


def test_a_container_of_an_engine_keeps_its_way_out_and_answers_by_ours() -> None:
    made = topologies.containers_topology(plan(), "node1", bridge="br0")
    peer = made["veth"][1]["peer"]
    assert peer["name"] == "ctl0"  # it has an eth0
    (address,) = peer["addresses"]
    routes = [route for route in made["route"] if route["netns"] == "docker:db"]
    assert [(route["dest"], route.get("gateway"), "table" in route) for route in routes] == [
        ("10.244.0.0/16", "10.244.11.1", False),
        ("10.244.11.0/24", None, True),
        ("default", "10.244.11.1", True),
    ]
    (rule,) = made["rule"]
    assert rule == {
        "netns": "docker:db",
        "priority": 10244,
        "from": address.replace("/24", "/32"),
        "table": routes[1]["table"],
    }
    other = topologies.containers_topology(plan(), "node1", bridge="br1")
    assert other["rule"][0]["table"] != rule["table"]


@pytest.mark.parametrize("options", [{"style": "l2"}, {"prefix": "10.9.0.0/24", "node_length": 24}])
def test_what_is_on_the_link_has_no_route_beside_that(options: dict[str, Any]) -> None:
    containers = ({"name": "db", "attach": "docker:db"}, {"name": "own", "attach": "docker:own", "default_route": True})
    made = fleet.plan([NodeInput("node1", "192.0.2.11", containers=containers)], Options(**options))
    routes = topologies.containers_topology(made, "node1")["route"]
    assert [(r["netns"], r["dest"]) for r in routes if "table" not in r] == [("docker:own", "default")]


def test_containers_send_only_as_themselves_and_for_services() -> None:
    """But for those that may more; a bridge on which nobody is guarded learns as ever."""
    containers = (
        {"name": "web", "labels": {"app": "web"}, "source_addresses": ["10.8.0.2"]},
        {"name": "db", "source_guard": False},
    )
    listed = {"name": "s", "address": "10.96.0.1", "port": 80, "select": {"app": "web"}, "method": "gatewaying"}
    made = fleet.plan(
        [NodeInput("node1", "192.0.2.11", containers=containers)],
        Options(services=({**listed, "external_addresses": ["198.51.100.1"]},)),
    )
    web, db = topologies.containers_topology(made, "node1")["veth"]
    assert (web["source_guard"], "source_guard" in db) == (True, False)
    assert web["source_addresses"] == ["10.8.0.2", "10.96.0.1", "198.51.100.1"]
    open_ = topologies.containers_topology(plan(), "node1", source_guard=False)
    assert not any("source_guard" in veth for veth in open_["veth"])
    assert "linklocal_learning" not in open_["bridge"][0]
    assert "source_guard" not in topologies.overlay_topology(plan(), "node1", "vx0", source_guard=False)["vxlan"][0]
    assert topologies.overlay_topology(plan(), "node1", "vx0")["vxlan"][0]["source_guard"] is True


def test_containers_topology_of_both_families_takes_no_router_advertisements() -> None:
    made = topologies.containers_topology(plan(prefix6="fd00::/48"), "node1")
    assert made["namespaces"][0]["sysctls"]["net.ipv6.conf.all.accept_ra"] == 0
    assert made["sysctls"]["net/ipv6/conf/ctl0/accept_ra"] == 0
    defaults = [route for route in made["route"] if route["dest"] == "default"]
    assert [route["family"] for route in defaults] == ["ipv4", "ipv6"] * 2
    assert [rule["from"].partition("/")[2] for rule in made["rule"]] == ["32", "128"]
    assert made["veth"][0]["peer"]["nodad"] is True


def test_routes_go_by_the_underlay_of_their_family() -> None:
    routes = topologies.routed_routes(plan(network="routed", prefix6="fd00::/48"), "node1")
    assert routes[:2] == [
        {"dest": "10.244.12.0/24", "gateway": "192.0.2.12"},
        {"dest": "fd00:0:0:20c::/64", "gateway": "2001:db8::2"},
    ]
    assert len(routes) == 4


def test_overlay_of_layer_3() -> None:
    made = topologies.overlay_topology(plan(prefix6="fd00::/48"), "node1", "vxlan4096")
    (link,) = made["vxlan"]
    assert link["addresses"] == ["10.244.11.0/32", "fd00:0:0:20b::/128"]
    assert (link["port"], link["learning"], link["local"], link["mtu"]) == (4789, False, "192.0.2.11", 1450)
    assert [peer["underlay"] for peer in link["peers"]] == ["192.0.2.12", "192.0.2.13"]
    assert link["peers"][0]["destinations"] == ["10.244.12.0/24"]
    assert made["neighbor"][0]["address"] == "fd00:0:0:20c::"
    assert made["route"][0] == {
        "dest": "fd00:0:0:20c::/64",
        "gateway": "fd00:0:0:20c::",
        "device": "vxlan4096",
        "onlink": True,
    }


def test_overlay_of_layer_2() -> None:
    made = topologies.overlay_topology(plan(style="l2"), "node1", "vx", bridge="br0")
    (link,) = made["vxlan"]
    assert (link["master"], link["addresses"], made["route"]) == ("br0", [], [])
    assert {"underlay": "192.0.2.12"} in link["peers"]
    assert len(link["peers"][-1]["endpoints"]) == 3


def test_a_host_outside_the_plan_is_named() -> None:
    with pytest.raises(FleetError, match=r"^other: this host is not in the group"):
        topologies.containers_topology(plan(), "other")


NODE = reachability.Place("node1", "node", "", "")
CONTAINER = reachability.Place("node1", "container", "web", "")


@pytest.mark.parametrize(
    ("network", "style", "source", "kind", "way", "hops"),
    [
        ("overlay", "l3", NODE, "node", "underlay", 1),
        ("overlay", "l3", NODE, "bridge", "overlay", 0),
        ("overlay", "l3", NODE, "container", "overlay", 1),
        ("overlay", "l3", CONTAINER, "node", "underlay", 1),
        ("overlay", "l3", CONTAINER, "bridge", "overlay", 1),
        ("overlay", "l3", CONTAINER, "container", "overlay", 2),
        ("overlay", "l2", CONTAINER, "container", "bridged", 0),
        ("overlay", "l2", CONTAINER, "node", "underlay", 0),
        ("overlay", "l2", NODE, "node", "underlay", 1),
        ("routed", "l3", NODE, "node", "underlay", 1),
        ("routed", "l3", NODE, "container", "routed", 2),
        ("routed", "l3", CONTAINER, "container", "routed", 3),
    ],
)
def test_expected_way(network: str, style: str, source: Any, kind: str, way: str, hops: int) -> None:
    """With one router on the underlay, so that it shows where it counts."""
    made = plan(network=network, style=style)
    target = reachability.Place("node2", kind, "", "")
    assert reachability.expect(made, source, target, underlay_hops=1) == (way, hops)
    here = reachability.Place("node1", kind, "", "")
    assert reachability.expect(made, source, here, underlay_hops=1) == ("local", 0)


def test_judgement_finds_misses_wrong_ttls_and_wrong_links() -> None:
    made = plan()
    places = reachability.targets(made, "node1")
    good = reachability.judge(made, "node1", measured(made, "node1", "vx"), places, "vx")
    assert {cell["verdict"] for cell in good} == {"ok"}
    elsewhere = reachability.judge(made, "node1", measured(made, "node1", "eth0"), places, "vx")
    assert {cell["verdict"] for cell in elsewhere if cell["way"] == "overlay"} == {"device"}
    spoilt = measured(made, "node1", "vx", a10_244_12_1=0, a10_244_13_1=61, a192_0_2_12=None)
    cells = reachability.judge(made, "node1", spoilt, places, "vx")
    assert [cell["verdict"] for cell in cells].count("miss") == 3
    assert [cell["verdict"] for cell in cells].count("ttl") == 3
    assert len(cells) == len(good) - 3
    assert "node1 -> node2 ctl0 (10.244.12.1): not measured" in [cell.get("problem") for cell in cells]


def test_targets_of_a_part_of_the_fleet() -> None:
    made = plan()
    assert {place.node for place in reachability.targets(made, "node3", remote_nodes=1)} == {"node3", "node1"}
    assert {place.node for place in reachability.targets(plan(network="none"), "node3")} == {"node3"}
    assert not [place for place in reachability.targets(made, "node3") if ":" in place.address]
    both = reachability.targets(plan(prefix6="fd00::/48"), "node3")
    assert sum(":" in place.address for place in both) * 2 == len(both) == 24
    nodes = [NodeInput("a", "192.0.2.1", containers=tuple({"name": f"c{k}"} for k in range(4)))]
    sources = reachability.sources(fleet.plan(nodes, Options()), "a", neighbors=1)
    assert [len(source.get("skip", [])) for source in sources] == [0, 2, 2, 2, 2]


def test_matrix() -> None:
    made = plan()
    cells = []
    for name in ("node1", "node2", "node3"):
        answers = measured(made, name, "vx", **({"a10_244_12_1": 0} if name == "node1" else {}))
        cells += reachability.judge(made, name, answers, reachability.targets(made, name), "vx")
    text = reachability_matrix.render(cells)
    lines = text.splitlines()
    assert lines[0].split() == ["IPv4", "│", "node1", "│", "node2", "│", "node3"]
    assert lines[1].split("│")[2].split() == ["node", "ctl0", "web", "db"]
    assert lines[3].split("│")[2].split() == ["─64", "✗", "═63", "═63"]
    assert len({line.index("│") for line in lines[:14] if "│" in line}) == 1
    assert "105 of 108 as expected" in text
    assert "✗ node1 web -> node2 ctl0 (10.244.12.1): not measured" in text
    coarse = reachability_matrix.render(cells, columns=3)
    assert coarse.splitlines()[2].split() == ["node1", "│", "12/12", "│", "✗9/12", "│", "12/12"]
    assert reachability_matrix.summary(cells) == {
        "total": 108,
        "passed": 105,
        "missed": 3,
        "wrong": 0,
        "ways": {"local": 36, "underlay": 18, "overlay": 51},
    }
