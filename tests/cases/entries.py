# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on links: addresses, routes, rules, neighbours and forwarding entries."""

from __future__ import annotations

from .case import Case

PAIR = {"name": "v0", "peer": {"name": "v1"}}
LINK = {"veth": [PAIR]}
ADDRESSED = {"veth": [{**PAIR, "addresses": ["10.1.0.1/24"]}]}
TUNNEL = {"name": "vx0", "vni": 7, "local": "192.0.2.1", "learning": False}
FAR_MAC = "02:00:00:00:00:0a"


def route(**options: object) -> dict[str, object]:
    return {"route": [{"dest": "10.2.0.0/24", **options}]}


CASES = (
    Case(
        "addresses are added",
        {"link": [{"name": "v0", "addresses": ["10.1.0.2/24", "fd00::2/64"], "nodad": True}]},
        ("create address 'v0 10.1.0.2/24'", "create address 'v0 fd00::2/64'"),
        foreign=ADDRESSED,
        after={"address /v0 10.1.0.1/24": {}, "address /v0 fd00::2/64": {"nodad": True}},
    ),
    Case("address is there", {"link": [{"name": "v0", "addresses": ["10.1.0.1/24"]}]}, foreign=ADDRESSED),
    Case(
        "exact addresses",
        {"link": [{"name": "v0", "addresses": ["10.9.0.1/24"], "exact_addresses": True}]},
        ("create address 'v0 10.9.0.1/24'", "delete address 'v0 10.1.0.1/24'"),
        foreign=ADDRESSED,
        after={"address /v0 10.1.0.1/24": None, "address /v0 10.9.0.1/24": {}},
        lasting=True,
    ),
    Case(
        "the only address becomes another one of its subnet",
        {"link": [{"name": "v0", "addresses": ["10.1.0.2/24"], "exact_addresses": True}]},
        ("create address 'v0 10.1.0.2/24'", "delete address 'v0 10.1.0.1/24'"),
        foreign=ADDRESSED,
        after={"address /v0 10.1.0.1/24": None, "address /v0 10.1.0.2/24": {}},
        lasting=True,
    ),
    Case(
        "an earlier address makes room for another one of its subnet",
        {"veth": [{**PAIR, "addresses": ["10.1.0.2/24"]}]},
        ("create address 'v0 10.1.0.2/24'", "delete address 'v0 10.1.0.1/24'"),
        earlier=ADDRESSED,
        after={"address /v0 10.1.0.1/24": None, "address /v0 10.1.0.2/24": {}},
    ),
    Case(
        "no addresses at all",
        {"link": [{"name": "v0", "addresses": [], "exact_addresses": True}]},
        ("delete address 'v0 10.1.0.1/24'",),
        foreign=ADDRESSED,
        lasting=True,
    ),
    Case(
        "route over a new address",
        {**ADDRESSED, **route(gateway="10.1.0.2")},
        (
            "create veth 'v0'",
            "create veth 'v1'",
            "create address 'v0 10.1.0.1/24'",
            "create route '10.2.0.0/24'",
        ),
        after={"route /10.2.0.0/24 254 0": {"type": "unicast"}},
    ),
    Case("route is there", route(gateway="10.1.0.2"), foreign={**ADDRESSED, **route(gateway="10.1.0.2")}),
    Case(
        "route changes its gateway and comes back",
        route(gateway="10.1.0.3", mtu=1400),
        ("change route '10.2.0.0/24' (nexthops, mtu)",),
        foreign={**ADDRESSED, **route(gateway="10.1.0.2")},
        after={"route /10.2.0.0/24 254 0": {"mtu": 1400}},
    ),
    Case(
        "route becomes a black hole and comes back",
        route(type="blackhole"),
        ("change route '10.2.0.0/24' (type, nexthops)",),
        foreign={**ADDRESSED, **route(gateway="10.1.0.2")},
        after={"route /10.2.0.0/24 254 0": {"type": "blackhole", "nexthops": ()}},
    ),
    Case(
        "routes of several metrics and tables",
        {
            "route": [
                {"dest": "default", "gateway": "10.1.0.2"},
                {"dest": "default", "gateway": "10.1.0.3", "metric": 50},
                {"dest": "10.2.0.0/24", "device": "v0", "table": "100", "scope": "link"},
                {"dest": "10.3.0.0/24", "type": "unreachable"},
                {"dest": "10.4.0.0/24", "gateway": "10.99.0.1", "device": "v0", "onlink": True, "source": "10.1.0.1"},
            ]
        },
        (
            "create route '0.0.0.0/0'",
            "create route '0.0.0.0/0 metric 50'",
            "create route '10.2.0.0/24 table 100'",
            "create route '10.3.0.0/24'",
            "create route '10.4.0.0/24'",
        ),
        foreign=ADDRESSED,
        after={
            "route /0.0.0.0/0 254 50": {},
            "route /10.2.0.0/24 100 0": {"scope": 253},
            "route /10.4.0.0/24 254 0": {"source": "10.1.0.1"},
        },
    ),
    Case(
        "route over several hops",
        route(nexthops=[{"gateway": "10.1.0.2", "weight": 2}, {"gateway": "10.1.0.3"}]),
        ("create route '10.2.0.0/24'",),
        foreign=ADDRESSED,
    ),
    Case(
        "hops in another order",
        route(nexthops=[{"gateway": "10.1.0.3"}, {"gateway": "10.1.0.2", "weight": 2}]),
        foreign={**ADDRESSED, **route(nexthops=[{"gateway": "10.1.0.2", "weight": 2}, {"gateway": "10.1.0.3"}])},
    ),
    Case(
        "IPv6 route",
        {"route": [{"dest": "fd01::/64", "gateway": "fd00::2"}]},
        ("create route 'fd01::/64'",),
        foreign={"veth": [{**PAIR, "addresses": ["fd00::1/64"], "nodad": True}]},
    ),
    Case(
        "route taken away",
        {"route": [{"dest": "10.2.0.0/24", "state": "absent"}]},
        ("delete route '10.2.0.0/24'",),
        foreign={**ADDRESSED, **route(gateway="10.1.0.2")},
        lasting=True,
    ),
    Case("route absent that is not there", {"route": [{"dest": "10.2.0.0/24", "state": "absent"}]}),
    Case(
        "rules",
        {
            "rule": [
                {"priority": 100, "from": "10.1.0.0/24", "table": "100"},
                {"priority": 100, "to": "10.1.0.0/24", "action": "prohibit"},
                {"priority": 101, "fwmark": 7, "iif": "lo", "table": "main", "invert": True},
                {"priority": 102, "from": "fd00::/64", "table": "100"},
            ]
        },
        (
            "create rule 'ipv4 100 from=10.1.0.0/24 action=lookup table=100'",
            "create rule 'ipv4 100 to=10.1.0.0/24 action=prohibit'",
            "create rule 'ipv4 101 iif=lo fwmark=7 fwmask=4294967295 invert=True action=lookup table=254'",
            "create rule 'ipv6 102 from=fd00::/64 action=lookup table=100'",
        ),
    ),
    Case(
        "rule is there",
        {"rule": [{"priority": 100, "from": "10.1.0.0/24", "table": "100"}]},
        foreign={"rule": [{"priority": 100, "from": "10.1.0.0/24", "table": "100"}]},
    ),
    Case(
        "rule changes: it is another one",
        {"rule": [{"priority": 100, "from": "10.1.0.0/24", "table": "101"}]},
        (
            "create rule 'ipv4 100 from=10.1.0.0/24 action=lookup table=101'",
            "delete rule 'ipv4 100 from=10.1.0.0/24 action=lookup table=100'",
        ),
        earlier={"rule": [{"priority": 100, "from": "10.1.0.0/24", "table": "100"}]},
    ),
    Case(
        "neighbours",
        {
            "neighbor": [
                {"device": "v0", "address": "10.1.0.9", "mac": FAR_MAC},
                {"device": "v0", "address": "10.1.0.8", "proxy": True},
                {"device": "v0", "address": "fd00::9", "mac": FAR_MAC, "router": True},
            ]
        },
        (
            "create neighbor 'v0 10.1.0.9'",
            "create neighbor 'v0 10.1.0.8 proxy'",
            "create neighbor 'v0 fd00::9'",
        ),
        foreign=ADDRESSED,
        after={"neighbor /v0 10.1.0.9": {"mac": FAR_MAC, "nud_state": "permanent"}, "neighbor /v0 10.1.0.8 proxy": {}},
    ),
    Case(
        "neighbour changes and comes back",
        {"neighbor": [{"device": "v0", "address": "10.1.0.9", "mac": "02:00:00:00:00:0b"}]},
        ("change neighbor 'v0 10.1.0.9' (mac)",),
        foreign={**ADDRESSED, "neighbor": [{"device": "v0", "address": "10.1.0.9", "mac": FAR_MAC}]},
        after={"neighbor /v0 10.1.0.9": {"mac": "02:00:00:00:00:0b"}},
    ),
    Case(
        "vxlan",
        {"vxlan": [{**TUNNEL, "addresses": ["10.244.1.0/32"], "mac": FAR_MAC}]},
        ("create vxlan 'vx0'", "create address 'vx0 10.244.1.0/32'"),
        after={"link /vx0": {"vni": 7, "port": 4789, "local": "192.0.2.1", "learning": False, "mac": FAR_MAC}},
    ),
    Case(
        "vxlan peer, layer 3 style",
        {
            "vxlan": [
                {
                    **TUNNEL,
                    "addresses": ["10.244.1.0/32"],
                    "peers": [
                        {
                            "underlay": "192.0.2.2",
                            "mac": FAR_MAC,
                            "gateway": "10.244.2.0",
                            "destinations": ["10.244.2.0/24"],
                        }
                    ],
                }
            ]
        },
        (
            "create vxlan 'vx0'",
            "create address 'vx0 10.244.1.0/32'",
            f"create fdb 'vx0 {FAR_MAC} self'",
            "create neighbor 'vx0 10.244.2.0'",
            "create route '10.244.2.0/24'",
        ),
        after={
            f"fdb /vx0 {FAR_MAC} self  ": {"destination": "192.0.2.2"},
            "neighbor /vx0 10.244.2.0": {"mac": FAR_MAC},
        },
    ),
    Case(
        "vxlan floods to its peers",
        {"vxlan": [{**TUNNEL, "peers": [{"underlay": "192.0.2.2"}, {"underlay": "192.0.2.3"}]}]},
        (
            "create vxlan 'vx0'",
            "create fdb 'vx0 00:00:00:00:00:00 self 192.0.2.2'",
            "create fdb 'vx0 00:00:00:00:00:00 self 192.0.2.3'",
        ),
    ),
    Case(
        "vxlan endpoints, layer 2 style",
        {
            "vxlan": [
                {
                    **TUNNEL,
                    "peers": [{"underlay": "192.0.2.2", "endpoints": [{"mac": FAR_MAC, "address": "10.244.0.9"}]}],
                }
            ]
        },
        ("create vxlan 'vx0'", f"create fdb 'vx0 {FAR_MAC} self'", "create neighbor 'vx0 10.244.0.9'"),
    ),
    Case(
        "a peer moves, another one goes",
        {"vxlan": [{**TUNNEL, "peers": [{"underlay": "192.0.2.4", "mac": FAR_MAC}]}]},
        (f"change fdb 'vx0 {FAR_MAC} self' (destination)", "delete fdb 'vx0 00:00:00:00:00:00 self 192.0.2.3'"),
        earlier={
            "vxlan": [{**TUNNEL, "peers": [{"underlay": "192.0.2.2", "mac": FAR_MAC}, {"underlay": "192.0.2.3"}]}]
        },
        after={f"fdb /vx0 {FAR_MAC} self  ": {"destination": "192.0.2.4"}},
    ),
    Case(
        "forwarding entry of a bridge port",
        {"fdb": [{"device": "v0", "mac": FAR_MAC}]},
        (f"create fdb 'v0 {FAR_MAC} master'",),
        foreign={"bridge": [{"name": "br0", "ports": ["v0"]}], "veth": [PAIR]},
        after={f"fdb /v0 {FAR_MAC} master  ": {"fdb_state": "static"}},
    ),
    Case(
        "vxlan changes in place and comes back",
        {"vxlan": [{**TUNNEL, "local": "192.0.2.9", "ttl": 9, "learning": True}]},
        ("change vxlan 'vx0' (local, ttl, learning)",),
        foreign={"vxlan": [TUNNEL]},
        after={"link /vx0": {"local": "192.0.2.9", "ttl": 9, "learning": True}},
    ),
)
