# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topologies with something of every kind, and what was there before them."""

from __future__ import annotations

from typing import Any

from tests.integration.support.cases import FOREIGN

FAR, OTHER = "02:00:00:00:00:aa", "02:00:00:00:00:ab"
#: What others have; parts of it are adopted, changed and set back.
BEFORE = (
    FOREIGN
    + """
ip -batch - <<END
link add spare0 address 02:00:00:00:00:d0 type veth peer name spare1 address 02:00:00:00:00:d1
link set spare0 up alias theirs
link add port0 type veth peer name port1
link set port0 up
link add base0 type veth peer name base1
address add fd09::1/64 dev port0 nodad
route add 10.99.0.0/24 via 203.0.113.2
END
ipset create theirs hash:ip
ipset add theirs 192.0.2.1
iptables-legacy -N OTHERS
iptables-legacy -A OTHERS -s 192.0.2.1 -j ACCEPT
iptables-legacy -A INPUT -j OTHERS
"""
)
NFT = """
iptables-nft -N OTHERS
iptables-nft -A OTHERS -s 192.0.2.1 -j ACCEPT
iptables-nft -A FORWARD -j OTHERS
"""


#: A client of what FIRST sends elsewhere; connection tracking has to forget it when SECOND does so no longer.
FLOW = """
conntrack -D -p udp --orig-dst 10.96.0.10 2>/dev/null || true
conntrack -I -p udp -s 10.9.9.9 -d 10.96.0.10 --sport 999 --dport 53 --timeout 100000 -r 10.1.0.10 -q 10.9.9.9 \
    --reply-port-src 53 --reply-port-dst 999
"""


def _leg(name: str, number: int, **more: Any) -> dict[str, Any]:
    peer = {"name": "eth0", "netns": name, "addresses": [f"10.1.0.{number}/24", f"fd01::{number}/64"], "nodad": True}
    macs = [f"02:00:00:00:{end:02x}:{number:02x}" for end in (1, 2)]
    return {"name": name, "master": "br1", "mac": macs[0], "peer": {"mtu": 1400, "mac": macs[1], **peer}, **more}


def _chain(backend: str, *rules: str, **more: Any) -> dict[str, Any]:
    return {"chain": "WEB", "backend": backend, "rules": [*rules, "-j DROP"], **more}


#: Made where nothing of it is there.
FIRST: dict[str, Any] = {
    "name": "t",
    "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.br1.rp_filter": 2},
    "namespaces": [{"name": "web", "sysctls": {"net.ipv4.conf.all.rp_filter": 2}}, {"name": "old"}],
    "bridge": [{"name": "br1", "mac": "02:00:00:00:00:01", "addresses": ["10.1.0.1/24", "fd01::1/64"], "nodad": True}],
    "veth": [_leg("web", 10, hairpin=True, source_guard=True), _leg("old", 11)],
    "vxlan": [
        {
            "name": "vx1",
            "vni": 1,
            "local": "10.1.0.1",
            "source_guard": True,
            "mac": "02:00:00:00:00:02",
            "addresses": ["10.7.0.1/24"],
            "peers": [{"underlay": "10.1.0.9", "mac": FAR, "gateway": "10.7.0.2", "destinations": ["10.8.0.0/24"]}],
        }
    ],
    "link": [
        {"name": "fo0", "mtu": 1400, "alias": "adopted"},
        {"name": "port0", "master": "br1"},
        {"name": "lan", "netns": "web", "adopt": {"name": "spare0"}, "addresses": ["10.9.0.1/24"]},
        {
            "name": "mv0",
            "kind": "macvlan",
            "mac": "02:00:00:00:00:03",
            "parent": "base0",
            "mode": "bridge",
            "up": False,
        },
        {"name": "ifb1", "kind": "ifb", "mac": "02:00:00:00:00:04", "alias": "mine"},
    ],
    "route": [
        {"dest": "10.50.0.0/16", "gateway": "10.1.0.10"},
        {"dest": "10.51.0.0/16", "type": "blackhole"},
        {"dest": "default", "gateway": "10.1.0.1", "netns": "web"},
        {"dest": "fd50::/64", "gateway": "fd01::10"},
    ],
    "rule": [{"priority": 50, "from": "10.1.0.0/16", "table": "main"}],
    "neighbor": [
        {"address": "10.1.0.77", "device": "br1", "mac": FAR},
        {"address": "10.1.0.78", "device": "br1", "mac": FAR},
    ],
    "fdb": [{"mac": "02:00:00:00:00:78", "device": "vx1", "destination": "10.1.0.8"}],
    "ipset": [
        {"name": "s1", "type": "hash:ip", "entries": ["10.1.0.10", "10.1.0.11"]},
        {"name": "l1", "type": "list:set", "entries": ["s1"]},
        {"name": "theirs", "entries": ["192.0.2.9"]},
    ],
    "iptables_chain": [
        _chain("nft", "-m set --match-set s1 src -j ACCEPT", jumps=["FORWARD"], ip_version="ipv4"),
        _chain("nft", "-p tcp --dport 80 -j ACCEPT", ip_version="both", table="mangle", jumps=["FORWARD"]),
        _chain("legacy", "-p tcp --dport 80 -j ACCEPT", jumps=["INPUT"]),
        {
            "chain": "DNS",
            "table": "nat",
            "backend": "nft",
            "rules": ["-d 10.96.0.10/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.10"],
            "jumps": ["PREROUTING"],
        },
    ],
}
#: Of everything in it, something was made, changed, moved, replaced, or went.
SECOND: dict[str, Any] = {
    **FIRST,
    "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.br1.rp_filter": 1},
    "namespaces": [{"name": "web", "sysctls": {"net.ipv4.conf.all.rp_filter": 1}}, {"name": "new"}],
    "bridge": [{**FIRST["bridge"][0], "stp": True, "addresses": ["10.1.0.1/24", "10.2.0.1/24"], "mtu": 1450}],
    "veth": [_leg("web", 12, hairpin=False, isolated=True, source_guard=True), _leg("new", 13, source_guard=True)],
    "vxlan": [{**FIRST["vxlan"][0], "vni": 2, "recreate": True, "peers": [{"underlay": "10.1.0.7"}]}],
    "link": [
        {"name": "fo0", "mtu": 1300, "alias": "adopted"},
        {"name": "port0", "up": False},
        {
            "name": "mv0",
            "kind": "macvlan",
            "mac": "02:00:00:00:00:03",
            "parent": "base0",
            "mode": "private",
            "recreate": True,
            "up": False,
        },
        {"name": "ifb1", "kind": "ifb", "mac": "02:00:00:00:00:04", "alias": "mine still", "up": False},
    ],
    "route": [
        {"dest": "10.50.0.0/16", "gateway": "10.1.0.12", "mtu": 1300},
        {"dest": "default", "gateway": "10.1.0.1", "netns": "new"},
    ],
    "rule": [{"priority": 51, "from": "10.1.0.0/16", "table": "main"}],
    "neighbor": [{"address": "10.1.0.77", "device": "br1", "mac": OTHER}],
    "fdb": [{"mac": "02:00:00:00:00:79", "device": "vx1", "destination": "10.1.0.8"}],
    "ipset": [
        {"name": "s1", "type": "hash:ip", "entries": ["10.1.0.12"], "maxelem": 1000},
        {"name": "s2", "type": "hash:net", "entries": ["10.1.0.0/24"]},
        {"name": "l1", "type": "list:set", "entries": ["s1", "s2"]},
    ],
    "iptables_chain": [
        _chain("nft", "-m set --match-set s2 src -j ACCEPT", jumps=[{"from": "FORWARD", "position": "first"}]),
        _chain("legacy", "-p tcp --dport 443 -j ACCEPT", jumps=["INPUT"]),
    ],
}
FIRST["vxlan"][0]["recreate"] = True
#: What needs programs, each of which takes longer than all the rest.
PROGRAMS = ("ipset", "iptables_chain")


def light(topology: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in topology.items() if name not in PROGRAMS}


ABSENT: dict[str, Any] = {"name": "t", "state": "absent"}
