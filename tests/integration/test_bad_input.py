# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused: in one sentence with the option's path, before anything changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import same, sh, snapshot
from tests.integration.support.run import apply

VETH = {"name": "a", "peer": {"name": "b"}}
VX = {"name": "vx0", "vni": 1}
NAMES = [
    "",
    ".",
    "..",
    "a/b",
    "a b",
    "a\tb",
    "a\nb",
    "a:b",
    "v%d",
    "-a",
    "eth+",
    "all",
    "default",
    "x" * 16,
    "ü" * 8,
    "\x00",
]
NETNS_NAMES = ["", ".", "..", "a/b", "../x", "a\nb", "-a", "a:b", "x" * 256, ".hidden"]

#: (module, options, how the message begins)
CASES: list[tuple[str, dict[str, Any], str]] = [
    *(("bridge", {"name": name}, "name: ") for name in NAMES),
    *(("veth", {"name": "a", "peer": {"name": name}}, "peer.name: ") for name in NAMES),
    *(("netns", {"name": name}, "name: ") for name in NETNS_NAMES),
    *(
        ("bridge", {"name": "b0", "netns": ref}, "netns: ")
        for ref in ("a b", "../etc", "/run/../etc", "lxc:x", "pid:0", "pid:x", "docker:", "docker:-x")
    ),
    ("bridge", {"name": "b0", "netns": "nowhere"}, "netns: there is no namespace 'nowhere'"),
    ("bridge", {"name": "b0", "netns": "/etc/passwd"}, "netns: "),
    ("bridge", {"name": "b0", "netns": "/proc/999999999/ns/net"}, "netns: "),
    ("bridge", {"name": "b0", "netns": "pid:999999999"}, "netns: "),
    ("bridge", {"name": "b0", "ports": ["nothing"]}, "ports[0]: there is no link 'nothing'"),
    ("bridge", {"name": "b0", "ports": {"name": "x"}}, "ports: must be a list"),
    ("bridge", {"name": "b0", "ports": [{"name": "fo0", "colour": 1}]}, "ports[0].colour: no such option"),
    ("bridge", {"name": "b0", "addresses": ["10.0.0.1"]}, "addresses[0]: give the prefix length"),
    ("bridge", {"name": "b0", "addresses": ["10.0.0.1/33"]}, "addresses[0]: not an address"),
    ("bridge", {"name": "b0", "addresses": ["10.0.0.1/24", "10.0.0.1/24"]}, "addresses[1]: "),
    ("bridge", {"name": "b0", "mtu": 67}, "mtu: must be between"),
    ("bridge", {"name": "b0", "mtu": True}, "mtu: must be a whole number"),
    ("bridge", {"name": "b0", "mtu": 1279, "addresses": ["fd00::1/64"]}, "mtu: IPv6 needs"),
    ("bridge", {"name": "b0", "stp": "maybe"}, "stp: must be true or false"),
    ("bridge", {"name": "b0", "mac": "01:00:00:00:00:01"}, "mac: not a unicast"),
    ("bridge", {"name": "b0", "mac": "02:00:00:00:00"}, "mac: not a MAC"),
    ("bridge", {"name": "b0", "alias": "a\nb"}, "alias: control characters"),
    ("bridge", {"name": "b0", "alias": "ü" * 128}, "alias: has more than 255 bytes"),
    ("bridge", {"name": "b0", "colour": "red"}, "colour: no such option"),
    ("bridge", {}, "name: is required"),
    ("bridge", {"name": ["b0"]}, "name: must be a text"),
    ("bridge", {"name": "fo0"}, "veth 'fo0' exists and is not a bridge"),
    ("bridge", {"name": "fo0", "state": "absent"}, "veth 'fo0' is not a bridge and is left alone"),
    ("bridge", {"name": "b0", "state": "gone"}, "state: must be one of"),
    ("veth", {"name": "a"}, "peer: is required"),
    ("veth", {"name": "a", "peer": {"name": "a"}}, "peer.name: both ends"),
    ("veth", {**VETH, "master": "nothing"}, "master: there is no link 'nothing'"),
    ("veth", {**VETH, "source_guard": True}, "peer.mac: is required with source_guard"),
    ("veth", {"name": "fo0", "source_guard": True}, "peer.mac: is required with source_guard"),
    ("veth", {**VETH, "source_addresses": ["10.0.0.1"]}, "source_addresses: means nothing without"),
    ("vxlan", {"name": "vx0", "source_guard": True}, "vni: is required with source_guard"),
    (
        "vxlan",
        {**VX, "group_address": "239.0.0.1", "device": "fo0", "source_guard": True},
        "source_guard: cannot be combined with group_address",
    ),
    (
        "vxlan",
        {**VX, "local": "10.0.0.1", "peers": [{"underlay": "fd00::1"}], "source_guard": True},
        "source_guard: the local address and the peers are not all of one IP version",
    ),
    ("veth", {**VETH, "master": "", "isolated": True}, "isolated: is for ports only"),
    ("veth", {"name": "a", "peer": {"name": "b", "netns": "nowhere"}}, "peer.netns: there is no namespace"),
    ("veth", {"name": "fbr", "peer": {"name": "b"}}, "bridge 'fbr' exists and is not a veth"),
    ("veth", {"name": "a", "peer": {"name": "fbr"}}, "peer: bridge 'fbr' exists"),
    ("veth", {**VETH, "vlans": [{"vid": 4095}]}, "vlans[0].vid: must be between"),
    ("veth", {**VETH, "vlans": [{"vid": 1}, {"vid": 1}]}, "vlans: a vid is listed twice"),
    ("veth", {**VETH, "vlans": [{"vid": 1, "pvid": True}, {"vid": 2, "pvid": True}]}, "vlans: only one"),
    ("vxlan", {"name": "vx0"}, "vni: is required"),
    ("vxlan", {**VX, "vni": 2**24}, "vni: must be between"),
    ("vxlan", {**VX, "port": 0}, "port: must be between"),
    ("vxlan", {**VX, "remote": "10.0.0.1", "group_address": "239.0.0.1"}, "group_address: cannot be combined"),
    ("vxlan", {**VX, "group_address": "239.0.0.1"}, "device: is required"),
    ("vxlan", {**VX, "group_address": "10.0.0.1", "device": "fbr"}, "group_address: not a multicast"),
    ("vxlan", {**VX, "device": "nothing"}, "device: there is no link"),
    ("vxlan", {**VX, "local": "10.0.0.1", "remote": "fd00::1"}, ""),
    ("vxlan", {**VX, "local": "10.0.0.1/24"}, "local: not an IP address"),
    ("vxlan", {**VX, "peers": [{"mac": "02:00:00:00:00:01"}]}, "peers[0].underlay: is required"),
    ("vxlan", {**VX, "peers": [{"underlay": "10.0.0.2", "gateway": "10.1.0.0"}]}, "peers[0].mac: is required"),
    (
        "vxlan",
        {**VX, "peers": [{"underlay": "10.0.0.2", "mac": "02:00:00:00:00:01", "destinations": ["10.1.0.0/24"]}]},
        "peers[0].gateway: is required",
    ),
    ("vxlan", {**VX, "peers": [{"underlay": "10.0.0.2"}, {"underlay": "10.0.0.2"}]}, "peers[1]: the same object"),
    ("vxlan", {"name": "vx1", "vni": 999, "local": "203.0.113.1"}, ""),
    ("link", {"name": "nothing", "mtu": 1400}, "there is no link 'nothing'"),
    ("link", {"name": "m0", "kind": "macvlan"}, "parent: is required"),
    ("link", {"name": "m0", "kind": "macvlan", "parent": "nothing"}, "parent: there is no link"),
    ("link", {"name": "m0", "kind": "macvlan", "parent": "fo0", "mode": "l3"}, "mode: must be one of"),
    ("link", {"name": "m0", "kind": "macvlan", "parent": "fo0", "vni": 3}, "vni: is not an option"),
    ("link", {"name": "m0", "kind": "bridge"}, "kind: must be one of"),
    ("link", {"name": "m0", "adopt": {"name": "nothing"}}, "there is no link 'nothing'"),
    ("link", {"name": "m0", "kind": "ifb", "adopt": {"name": "fo0"}}, "adopt: is for an existing link"),
    ("route", {"dest": "10.0.0.1/24", "gateway": "203.0.113.2"}, "dest: not a prefix"),
    ("route", {"dest": "10.0.0.0/24"}, "gateway: gateway or device is required"),
    ("route", {"dest": "fd00::/64", "gateway": "10.0.0.1"}, "gateway: an IPv6 route"),
    ("route", {"dest": "10.0.0.0/24", "device": "nothing"}, "device: there is no link"),
    ("route", {"dest": "10.0.0.0/24", "gateway": "192.0.2.99"}, ""),
    ("route", {"dest": "10.0.0.0/24", "type": "blackhole", "gateway": "203.0.113.2"}, "gateway: has no meaning"),
    ("route", {"dest": "10.0.0.0/24", "nexthops": []}, "nexthops: is empty"),
    ("route", {"dest": "10.0.0.0/24", "nexthops": [{"weight": 1}]}, "nexthops[0]: needs"),
    (
        "route",
        {"dest": "10.0.0.0/24", "nexthops": [{"gateway": "203.0.113.2", "weight": 257}]},
        "nexthops[0].weight: must be",
    ),
    ("route", {"dest": "10.0.0.0/24", "gateway": "203.0.113.2", "table": "0"}, "table: routing table 0"),
    ("route", {"dest": "10.0.0.0/24", "gateway": "203.0.113.2", "table": "shop"}, "table: not a routing table"),
    ("route", {"dest": "10.0.0.0/24", "gateway": "203.0.113.2", "source": "fd00::1"}, "source: is of another"),
    ("route", {"dest": "10.0.0.0/24", "family": "ipv6", "device": "fbr"}, "family: is not"),
    ("rule", {"from": "10.0.0.0/8", "table": "5"}, "priority: is required"),
    ("rule", {"priority": 5, "from": "10.0.0.0/8"}, "table: is required"),
    ("rule", {"priority": 5, "from": "10.0.0.0/8", "to": "fd00::/8", "table": "5"}, "to: from, to and family"),
    ("rule", {"priority": 5, "fwmask": 5, "table": "5"}, "fwmark: is required"),
    ("rule", {"priority": 5, "source_ports": "9-1", "table": "5"}, "source_ports: not a range"),
    ("neighbor", {"address": "203.0.113.9", "device": "fbr"}, "mac: is required"),
    (
        "neighbor",
        {"address": "203.0.113.9", "device": "nothing", "mac": "02:00:00:00:00:01"},
        "device: there is no link",
    ),
    ("neighbor", {"address": "203.0.113.9/24", "device": "fbr", "mac": "02:00:00:00:00:01"}, "address: not an IP"),
    ("fdb", {"mac": "00:00:00:00:00:00", "device": "fvx"}, "destination: is required"),
    ("fdb", {"mac": "02:00:00:00:00:01", "device": "nothing"}, "device: there is no link"),
    ("fdb", {"mac": "02:00:00:00:00:01", "device": "fo0", "target": "master", "vni": 4}, "vni: is only for"),
    ("fdb", {"mac": "02:00:00:00:00:01", "device": "fo0", "destination": "10.0.0.1"}, ""),
    ("netns", {"name": "blue", "sysctls": {"kernel.hostname": "x"}}, "sysctls.kernel.hostname: not a sysctl below net"),
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.../../x": "x"}}, "sysctls."),
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.ip_forward": "1\n0"}}, "sysctls.net.ipv4.ip_forward: control"),
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.ip_forward": [1]}}, "sysctls.net.ipv4.ip_forward: must be"),
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.no_such_thing": 1}}, ""),
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.ip_forward": "many"}}, ""),
    ("topology", {"name": "../x"}, "name: use letters"),
    ("topology", {"name": "t", "veth": [VETH, {"name": "b", "peer": {"name": "c"}}]}, "veth[1]: the same object"),
    ("topology", {"name": "t", "veth": [{"name": "a"}]}, "veth[0].peer: is required"),
    (
        "topology",
        {"name": "t", "route": [{"dest": "10.0.0.0/33", "gateway": "10.0.0.1"}]},
        "route[0].dest: not a prefix",
    ),
    ("topology", {"name": "t", "bridge": [{"name": "b0", "master": "b1"}, {"name": "b1", "master": "b0"}]}, "bridge["),
    ("topology", {"name": "t", "bridge": [{"name": "b0", "master": "b0"}]}, "bridge[0]"),
    ("topology", {"name": "t", "bridge": [{"name": "b0"}, {"name": "b0", "state": "absent"}]}, "bridge[1]: is both"),
    ("topology", {"name": "t", "bridge": [{"name": "b0"}], "state": "absent"}, "bridge: means nothing"),
    ("topology", {"name": "t", "bridge": "b0"}, "bridge"),
    ("topology", {"name": "t", "bridges": []}, "bridges: no such option"),
    (
        "topology",
        {"name": "t", "netns": "nowhere", "bridge": [{"name": "b0"}]},
        "bridge[0].netns: there is no namespace",
    ),
    (
        "topology",
        {"name": "t", "veth": [{**VETH, "mtu": 1400}], "link": [{"name": "a", "mtu": 1300}]},
        "link[0]: mtu is",
    ),
]


@pytest.mark.parametrize(("module", "options", "begins"), CASES)
def test_refused(module: str, options: dict[str, Any], begins: str) -> None:
    sh(FOREIGN)
    before = snapshot()
    with pytest.raises(ContainerlandError) as problem:
        apply(module, options)
    said = str(problem.value)
    assert said.startswith(begins) and "\n" not in said and "Traceback" not in said, said
    same(snapshot(), before, said)
