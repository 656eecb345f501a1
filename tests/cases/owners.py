# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an owner no longer declares, what is made anew, moved, or refused."""

from __future__ import annotations

from .case import Case

PAIR = {"name": "v0", "peer": {"name": "v1"}}
WEB = {"namespaces": [{"name": "web"}]}
TUNNEL = {"name": "vx0", "vni": 7}
PEER = {"underlay": "192.0.2.2", "mac": "02:00:00:00:00:0a"}

RECREATING = "set recreate: true to have it made anew"

PRUNE = (
    Case("all is pruned", {}, ("delete veth 'v0'",), earlier={"veth": [PAIR]}, after={"link /v0": None}),
    Case(
        "one of two containers is pruned",
        {"namespaces": [{"name": "a"}], "veth": [{"name": "va", "peer": {"name": "eth0", "netns": "a"}}]},
        ("delete veth 'vb'", "delete netns 'b'"),
        earlier={
            "namespaces": [{"name": "a"}, {"name": "b"}],
            "veth": [
                {"name": "va", "peer": {"name": "eth0", "netns": "a"}},
                {"name": "vb", "peer": {"name": "eth0", "netns": "b", "addresses": ["10.1.0.2/24"]}},
            ],
            "route": [{"dest": "10.9.0.0/24", "type": "blackhole", "netns": "b"}],
        },
        after={"link a/eth0": {"up": True}, "netns /b": None, "link /vb": None},
    ),
    Case(
        "an address, a route and a rule are pruned",
        {"veth": [PAIR]},
        (
            "delete rule 'ipv4 9 action=lookup table=254'",
            "delete route '10.2.0.0/24'",
            "delete address 'v0 10.1.0.1/24'",
        ),
        earlier={
            "veth": [{**PAIR, "addresses": ["10.1.0.1/24"]}],
            "route": [{"dest": "10.2.0.0/24", "gateway": "10.1.0.2"}],
            "rule": [{"priority": 9, "table": "main"}],
        },
    ),
    Case(
        "what was changed gets its old value",
        {},
        ("change link 'v0' (mtu)", "change sysctl 'net/ipv4/ip_forward' in netns 'web' (value)"),
        foreign={**WEB, "veth": [PAIR]},
        earlier={
            "link": [{"name": "v0", "mtu": 1300}],
            "namespaces": [{"name": "web", "sysctls": {"net.ipv4.ip_forward": 1}}],
        },
        after={"link /v0": {"mtu": 1500}, "sysctl web/net/ipv4/ip_forward": {"value": "0"}},
    ),
    Case(
        "what was there before is not pruned",
        {},
        foreign={**WEB, "veth": [{**PAIR, "addresses": ["10.1.0.1/24"]}]},
        earlier={**WEB, "veth": [{**PAIR, "addresses": ["10.1.0.1/24"]}]},
        after={"netns /web": {}, "address /v0 10.1.0.1/24": {}},
    ),
    Case(
        "a port is let go, its bridge stays",
        {"bridge": [{"name": "br0"}]},
        ("change link 'v0' (master)",),
        foreign={"veth": [PAIR]},
        earlier={"bridge": [{"name": "br0", "ports": ["v0"]}]},
        after={"link /v0": {"master": ""}, "link /br0": {}},
    ),
)

RECREATE = (
    Case(
        "another VNI is refused",
        {"vxlan": [{"name": "vx0", "vni": 8}]},
        foreign={"vxlan": [TUNNEL]},
        error="vxlan[0]: vxlan 'vx0' has vni 7, which cannot become 8 in place; " + RECREATING,
    ),
    Case(
        "another VNI by recreate, with what is on it",
        {"vxlan": [{"name": "vx0", "vni": 8, "recreate": True, "addresses": ["10.3.0.1/24"], "peers": [PEER]}]},
        (
            "replace vxlan 'vx0' (vni)",
            "create address 'vx0 10.3.0.1/24'",
            "create fdb 'vx0 02:00:00:00:00:0a self'",
        ),
        earlier={"vxlan": [{**TUNNEL, "addresses": ["10.3.0.1/24"], "peers": [PEER]}]},
        after={"link /vx0": {"vni": 8, "up": True}, "address /vx0 10.3.0.1/24": {}},
    ),
    Case(
        "another peer is refused",
        {"veth": [{"name": "v0", "peer": {"name": "v2"}}]},
        foreign={"veth": [PAIR]},
        error="veth[0]: veth 'v0' has peer v1, which cannot become v2 in place; " + RECREATING,
    ),
    Case(
        "another peer by recreate",
        {"veth": [{"name": "v0", "recreate": True, "peer": {"name": "v2"}}]},
        ("create veth 'v0'", "create veth 'v2'", "delete veth 'v1'"),
        earlier={"veth": [PAIR]},
        after={"link /v1": None, "link /v2": {"peer": ("", "v0")}},
    ),
    Case(
        "another kind is refused",
        {"bridge": [{"name": "v0", "recreate": True}]},
        foreign={"veth": [PAIR]},
        error="bridge[0]: veth 'v0' exists and is not a bridge; delete it first, or use another name",
    ),
    Case(
        "another kind is not taken away",
        {"bridge": [{"name": "v0", "state": "absent"}]},
        foreign={"veth": [PAIR]},
        error="veth 'v0' is not a bridge and is left alone",
    ),
)

ADOPT = (
    Case(
        "a device is moved, renamed and given back",
        {**WEB, "link": [{"name": "wan0", "netns": "web", "adopt": {"name": "v1"}, "mtu": 1400}]},
        (
            "create netns 'web'",
            "change link 'lo' in netns 'web' (up)",
            "move link 'wan0' in netns 'web' from veth 'v1'",
        ),
        foreign={"veth": [{**PAIR, "peer": {"name": "v1", "up": False}}]},
        after={"link web/wan0": {"mtu": 1400, "up": True, "kind": "veth"}, "link /v1": None},
    ),
    Case(
        "a device is moved with an address and a route",
        {
            **WEB,
            "link": [{"name": "wan0", "netns": "web", "adopt": {"name": "v1"}, "addresses": ["10.1.0.2/24"]}],
            "route": [{"dest": "default", "gateway": "10.1.0.1", "netns": "web"}],
        },
        (
            "create netns 'web'",
            "change link 'lo' in netns 'web' (up)",
            "move link 'wan0' in netns 'web' from veth 'v1'",
            "create address 'wan0 10.1.0.2/24' in netns 'web'",
            "create route '0.0.0.0/0' in netns 'web'",
        ),
        foreign={"veth": [PAIR]},
        after={"link web/wan0": {"up": True}, "address web/wan0 10.1.0.2/24": {}},
    ),
    Case(
        "a device is renamed where it is",
        {"link": [{"name": "wan0", "adopt": {"name": "v1"}}]},
        ("move link 'wan0' from veth 'v1'",),
        foreign={"veth": [PAIR]},
        after={"link /wan0": {"up": True, "peer": ("", "v0")}, "link /v1": None},
    ),
    Case(
        "a renamed device keeps its address",
        {"link": [{"name": "wan0", "adopt": {"name": "v0"}, "addresses": ["10.1.0.1/24"]}]},
        ("move link 'wan0' from veth 'v0'",),
        foreign={"veth": [{**PAIR, "addresses": ["10.1.0.1/24"]}]},
        after={"address /wan0 10.1.0.1/24": {}},
    ),
    Case(
        "what was adopted is no longer declared",
        {},
        ("move link 'v1' from veth 'wan0'",),
        foreign={"veth": [PAIR]},
        earlier={"link": [{"name": "wan0", "adopt": {"name": "v1"}}]},
        after={"link /v1": {"up": True}, "link /wan0": None},
    ),
    Case(
        "settings of an existing link",
        {"link": [{"name": "lo", "mtu": 9000, "addresses": ["10.8.0.1/32"]}]},
        ("change link 'lo' (mtu)", "create address 'lo 10.8.0.1/32'"),
        foreign={"link": [{"name": "lo"}]},
        after={"link /lo": {"mtu": 9000}},
    ),
)

MISSING = (
    Case(
        "no such namespace",
        {"veth": [{"name": "v0", "peer": {"name": "eth0", "netns": "web"}}]},
        error="veth[0].peer.netns: there is no namespace 'web'; create it first, or declare it in the same topology",
    ),
    Case(
        "no such bridge",
        {"veth": [{**PAIR, "master": "br0"}]},
        error="veth[0].master: there is no link 'br0'; create it first, or declare it in the same topology",
    ),
    Case(
        "no such device",
        {"route": [{"dest": "10.2.0.0/24", "device": "eth7"}]},
        error="route[0].device: there is no link 'eth7'; create it first, or declare it in the same topology",
    ),
    Case(
        "no such link to set",
        {"link": [{"name": "eth7", "mtu": 1400}]},
        error="link[0]: there is no link 'eth7'; create it first, or declare it in the same topology",
    ),
    Case(
        "no such link to adopt",
        {"link": [{"name": "wan0", "adopt": {"name": "eth7"}}]},
        error="link[0]: there is no link 'eth7'; create it first, or declare it in the same topology",
    ),
    Case(
        "no such port",
        {"bridge": [{"name": "br0", "ports": ["eth7"]}]},
        error="bridge[0].ports[0]: there is no link 'eth7'; create it first, or declare it in the same topology",
    ),
    Case(
        "a veth needs its peer",
        {"veth": [{"name": "v0"}]},
        error="veth[0].peer: is required to create a link of kind veth",
    ),
    Case(
        "a tunnel needs its VNI",
        {"vxlan": [{"name": "vx0"}]},
        error="vxlan[0].vni: is required to create a link of kind vxlan",
    ),
    Case(
        "bridges are each other's ports",
        {"bridge": [{"name": "a", "ports": ["b"]}, {"name": "b", "ports": ["a"]}]},
        error="bridge[0]: links wait for each other in a loop: a → b → a",
    ),
)

CASES = (*PRUNE, *RECREATE, *ADOPT, *MISSING)
