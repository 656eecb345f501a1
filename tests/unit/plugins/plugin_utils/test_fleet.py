# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet plan: what is derived, that nothing shifts, and what is refused in which words."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, fleet_containers
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options
from netaddr import IPAddress, IPNetwork


def node(name: str, underlay: str = "", *containers: Any, **more: Any) -> NodeInput:
    """A node; containers are names or dictionaries."""
    listed = tuple(c if isinstance(c, dict) else {"name": c} for c in containers)
    return NodeInput(name, underlay, containers=listed, **more)


def three(*containers: Any) -> list[NodeInput]:
    return [node(f"node{k}", f"192.0.2.{10 + k}", *containers) for k in (1, 2, 3)]


def address_of(plan: dict[str, Any], name: str, container: str) -> str:
    found = {c["name"]: c["addresses"][0] for c in plan["nodes"][name]["containers"]}
    return str(found[container])


def test_subnets_are_readable_from_the_underlay_address() -> None:
    plan = fleet.plan(three("web1"), Options(prefix6="fd00:244::/48"))
    mine = plan["nodes"]["node1"]
    assert mine["subnets"] == ["10.244.11.0/24", "fd00:244:0:20b::/64"]
    assert mine["bridge"]["addresses"] == ["10.244.11.1/24", "fd00:244:0:20b::1/64"]
    assert mine["vtep"]["addresses"] == ["10.244.11.0", "fd00:244:0:20b::"]
    (web,) = mine["containers"]
    assert web["gateways"] == ["10.244.11.1", "fd00:244:0:20b::1"]
    seat = int(IPAddress(web["addresses"][0].split("/")[0])) - int(IPAddress("10.244.11.0"))
    assert int(IPAddress(web["addresses"][1].split("/")[0])) - int(IPAddress("fd00:244:0:20b::")) == seat
    assert web["mac"] == f"0a:58:0a:f4:0b:{seat:02x}"


def test_peers_are_one_list_for_all() -> None:
    plan = fleet.plan(three(), Options())
    assert [peer["name"] for peer in plan["peers"]] == ["node1", "node2", "node3"]
    assert plan["peers"][1] == {
        "name": "node2",
        "underlay": "192.0.2.12",
        "underlay6": "",
        "subnets": ["10.244.12.0/24"],
        "mac": fleet.vtep_mac("node2", 4096),
        "gateways": ["10.244.12.0"],
    }


@pytest.mark.parametrize(
    ("network", "underlay", "mtu", "expected"),
    [
        ("overlay", "192.0.2.11", 1500, 1450),
        ("overlay", "2001:db8::11", 1500, 1430),
        ("overlay", "192.0.2.11", 9000, 8950),
        ("routed", "192.0.2.11", 1500, 1500),
        ("none", "", 1500, 1500),
    ],
)
def test_mtu_leaves_room_for_the_outer_headers(network: str, underlay: str, mtu: int, expected: int) -> None:
    plan = fleet.plan([node("node1", underlay, "web", mtu=mtu)], Options(network=network))
    assert plan["nodes"]["node1"]["mtu"] == expected
    assert plan["nodes"]["node1"]["containers"][0]["mtu"] == expected


def test_one_bridge_domain_has_the_whole_prefix_on_link() -> None:
    plan = fleet.plan(three("web"), Options(style="l2"))
    mine = plan["nodes"]["node1"]
    assert mine["bridge"]["addresses"] == ["10.244.11.1/16"]
    assert mine["containers"][0]["addresses"][0].endswith("/16")
    assert plan["peers"][0]["macs"] == [mine["bridge"]["mac"], mine["containers"][0]["mac"]]


def test_vtep_macs_are_unicast_local_and_depend_on_name_and_vni() -> None:
    macs = {fleet.vtep_mac(f"node{k}", vni) for k in range(200) for vni in (1, 2)}
    assert len(macs) == 400
    assert all(int(mac[:2], 16) & 3 == 2 for mac in macs)


def test_numbered_replicas_sit_side_by_side() -> None:
    plan = fleet.plan([node("node1", "192.0.2.11", *(f"web{k}" for k in range(1, 201)))], Options())
    addresses = [c["addresses"][0] for c in plan["nodes"]["node1"]["containers"]]
    assert len(set(addresses)) == 200
    assert plan["notes"] == []


def test_pins_decide() -> None:
    given = [
        node("node1", "192.0.2.11", {"name": "web", "address": "10.244.7.9"}, {"name": "db", "address": 20}),
        node("node2", "192.0.2.12"),
    ]
    given[0] = NodeInput(**{**given[0].__dict__, "subnet": "10.244.7.0/24"})
    plan = fleet.plan(given, Options())
    assert address_of(plan, "node1", "web") == "10.244.7.9/24"
    assert address_of(plan, "node1", "db") == "10.244.7.20/24"


@pytest.mark.parametrize("seed", range(20))
def test_nothing_shifts_when_nodes_and_containers_come_and_go(seed: int) -> None:
    """Whatever is removed or reordered: what stays keeps subnet, address, MACs."""
    chance = random.Random(seed)
    words = [f"{chance.choice('abcdefgh')}{chance.randrange(1000)}" for _turn in range(12)]
    everything = [
        node(f"n{k}", f"192.0.2.{k}", *dict.fromkeys(chance.sample(words, 6))) for k in chance.sample(range(1, 255), 20)
    ]
    options = Options(prefix6="fd00::/48", node_length=20, prefix="10.0.0.0/8")
    before = fleet.plan(everything, options)
    some = chance.sample(everything, 12)
    fewer = [
        NodeInput(**{**n.__dict__, "containers": tuple(chance.sample(n.containers, len(n.containers) // 2))})
        for n in some
    ]
    after = fleet.plan(fewer, options)
    for name, mine in after["nodes"].items():
        old = before["nodes"][name]
        assert {key: mine[key] for key in mine if key != "containers"} == {k: old[k] for k in old if k != "containers"}
        kept = {c["name"]: c for c in old["containers"]}
        assert all(kept[c["name"]] == c for c in mine["containers"])


def test_probing_appends_without_moving_anybody_and_says_who_sits_elsewhere() -> None:
    names = [f"c-{chance:x}" for chance in random.Random(1).sample(range(10**9), 150)]
    options = Options(collisions="probe")
    before: dict[str, str] = {}
    for count in (50, 100, 150):
        plan = fleet.plan([node("node1", "192.0.2.11", *names[:count])], options)
        now = {name: address_of(plan, "node1", name) for name in names[:count]}
        assert len(set(now.values())) == count
        assert all(now[name] == address for name, address in before.items())
        before = now
    assert plan["notes"]
    assert plan["notes"][0].startswith("node1: container 'c-")


def test_the_pins_that_a_refusal_proposes_settle_it() -> None:
    names = [f"c-{chance:x}" for chance in random.Random(1).sample(range(10**9), 60)]
    with pytest.raises(FleetError) as refused:
        fleet.plan([node("node1", "192.0.2.11", *names)], Options())
    message = str(refused.value)
    proposals = message.split("for example ")[1].strip("{}").split("}, {")
    pins = dict(part.removeprefix("name: ").split(", address: ") for part in proposals)
    listed = [{"name": name, **({"address": pins[name]} if name in pins else {})} for name in names]
    plan = fleet.plan([node("node1", "192.0.2.11", *listed)], Options())
    assert len({c["addresses"][0] for c in plan["nodes"]["node1"]["containers"]}) == 60


def test_a_thousand_nodes_of_ten_containers() -> None:
    fleet_of = [
        node(f"node{k}", str(IPAddress("192.168.0.0") + k), *(f"c{j}" for j in range(10))) for k in range(1, 1001)
    ]
    plan = fleet.plan(fleet_of, Options(prefix="10.128.0.0/9"))
    subnets = [IPNetwork(entry["subnets"][0]) for entry in plan["nodes"].values()]
    assert len({subnet.first for subnet in subnets}) == 1000
    assert len({c["addresses"][0] for entry in plan["nodes"].values() for c in entry["containers"]}) == 10000
    assert len({peer["mac"] for peer in plan["peers"]}) == 1000


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("web1", "c-web1"),
        ("exactly13char", "c-exactly13char"),
        ("fourteen-chars", "c-fourte-" + "e9ebba"),
        ("a" * 63, "c-aaaaaa-"),
    ],
)
def test_links_have_readable_names_of_at_most_15_bytes(name: str, link: str) -> None:
    made = fleet_containers.host_interface(name)
    assert len(made) <= 15
    assert made.startswith(link[:9])


A, B = "192.0.2.11", "192.0.2.12"
REFUSALS: list[tuple[str, list[NodeInput], Options, str]] = [
    ("prefix", [node("a", A)], Options(prefix="10.244.0.0"), "containers_prefix: '10.244.0.0' is not an IPv4 prefix"),
    ("host bits", [node("a", A)], Options(prefix="10.244.0.1/16"), "did you mean 10.244.0.0/16?"),
    ("family", [node("a", A)], Options(prefix6="10.0.0.0/8"), "containers_prefix6: '10.0.0.0/8' is not an IPv6 prefix"),
    ("full", [node("a", A), node("b", B)], Options(prefix="10.0.0.0/24"), "has room for 1 node subnets of /24, but"),
    ("length", [node("a", A)], Options(node_length=31), "containers_node_length: node subnets of /31 do not fit"),
    ("inside", [node("a", A)], Options(prefix="192.0.0.0/16"), "a: its underlay address 192.0.2.11 lies inside"),
    (
        "low bits",
        [node("a", A), node("b", "198.51.100.11")],
        Options(),
        "b: containers_subnet: 10.244.11.0/24 overlaps",
    ),
    ("same", [node("a", A), node("b", A)], Options(), "b: containers_underlay: 192.0.2.11 is already"),
    ("twice", [node("a", A), node("a", B)], Options(), "a: there are two nodes of this name"),
    ("no underlay", [node("a", A), node("b")], Options(), "b: containers_underlay: other nodes need this node's"),
    (
        "mixed",
        [node("a", A), node("b", "2001:db8::1")],
        Options(),
        "b: containers_underlay: 2001:db8::1 is IPv6, but a",
    ),
    (
        "host name",
        [node("a", "a.example.org")],
        Options(),
        "a: containers_underlay: not an IP address: 'a.example.org'",
    ),
    ("short", [node("a", "5")], Options(), "a: containers_underlay: not an IP address"),
    ("loopback", [node("a", "127.0.0.1")], Options(), "a: containers_underlay: 127.0.0.1 is not an address that"),
    ("pin outside", [node("a", A, subnet="10.9.0.0/24")], Options(), "a: containers_subnet: 10.9.0.0/24 is not inside"),
    ("pin bad", [node("a", A, subnet="10.244.x")], Options(), "a: containers_subnet: not a prefix: '10.244.x'"),
    (
        "pin taken",
        [node("a", A), node("b", B, subnet="10.244.11.0/25")],
        Options(),
        "a: containers_subnet: 10.244.11.0/24 overlaps 10.244.11.0/25 of b",
    ),
    ("mtu", [node("a", A, mtu=100)], Options(), "a: containers_underlay_mtu: must be from 576 to 65535, not 100"),
    ("mtu 6", [node("a", A, mtu=1300)], Options(prefix6="fd00::/48"), "a: containers_underlay_mtu: leaves 1250 bytes"),
    ("name", [node("a", A, "../x")], Options(), "a: containers_list[0].name: must be at most 63 letters"),
    ("long name", [node("a", A, "x" * 64)], Options(), "a: containers_list[0].name: must be at most 63 letters"),
    ("newline", [node("a", A, "web\n")], Options(), "a: containers_list[0].name: must be at most 63 letters"),
    ("no name", [node("a", A, {"labels": {}})], Options(), "a: containers_list[0].name: must be at most 63 letters"),
    (
        "container twice",
        [node("a", A, "x", "x")],
        Options(),
        "containers_list[1].name: there is already a container 'x'",
    ),
    (
        "address",
        [node("a", A, {"name": "x", "address": "10.9.9.9"})],
        Options(),
        "[0].address: 10.9.9.9 is not in this",
    ),
    (
        "bridge's",
        [node("a", A, {"name": "x", "address": 1})],
        Options(),
        "[0].address: 10.244.11.1 is the node's bridge",
    ),
    ("broadcast", [node("a", A, {"name": "x", "address": 255})], Options(), "10.244.11.255 is the broadcast address"),
    (
        "word",
        [node("a", A, {"name": "x", "address": "up"})],
        Options(),
        "[0].address: neither an IPv4 address nor a host",
    ),
    (
        "same pin",
        [node("a", A, {"name": "x", "address": 9}, {"name": "y", "address": "10.244.11.9"})],
        Options(),
        "containers_list[1].address: 10.244.11.9 is already pinned for container 'x'",
    ),
    (
        "many",
        [node("a", A, "x", "y")],
        Options(prefix="10.244.0.0/24", node_length=30),
        "a: containers_list: 2 containers do not fit into",
    ),
    ("vni", [node("a", A)], Options(vni=0), "overlay_vni: must be from 1 to 16777215, not 0"),
    ("network", [node("a", A)], Options(network="magic"), "containers_network: must be one of none, routed, overlay"),
    (
        "routed v6",
        [node("a", A), node("b", B)],
        Options(network="routed", prefix6="fd00::/48"),
        "a: containers_underlay6: routes to containers_prefix6 need an IPv6 address of the node",
    ),
]


@pytest.mark.parametrize(("nodes", "options", "words"), [case[1:] for case in REFUSALS], ids=[c[0] for c in REFUSALS])
def test_what_does_not_fit_is_refused_in_one_sentence(nodes: list[NodeInput], options: Options, words: str) -> None:
    with pytest.raises(FleetError) as refused:
        fleet.plan(nodes, options)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_proposed_subnet_is_free() -> None:
    given = [node("a", A), node("b", "198.51.100.11"), node("c", "192.0.2.12")]
    with pytest.raises(FleetError) as refused:
        fleet.plan(given, Options())
    proposal = str(refused.value).rsplit(" ", maxsplit=1)[1]
    given[1] = node("b", "198.51.100.11", subnet=proposal)
    assert fleet.plan(given, Options())["nodes"]["b"]["subnets"] == [proposal]
