# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces, veths, bridges and their ports: created, left alone, changed in place, taken away."""

from __future__ import annotations

from .case import Case

WEB = {"namespaces": [{"name": "web"}]}
PAIR = {"name": "v0", "peer": {"name": "eth0", "netns": "web"}}
LOCAL_PAIR = {"name": "v0", "peer": {"name": "v1"}}
NEW_WEB = ("create netns 'web'", "change link 'lo' in netns 'web' (up)")
NEW_PAIR = ("create veth 'v0'", "create veth 'eth0' in netns 'web'")

CASES = (
    Case("nothing declared", {}),
    Case("namespace", WEB, NEW_WEB, after={"netns /web": {}, "link web/lo": {"up": True}}),
    Case("namespace is there", WEB, foreign=WEB),
    Case(
        "namespace with sysctls",
        {"namespaces": [{"name": "web", "sysctls": {"net.ipv4.ip_forward": True}}]},
        ("create netns 'web'", NEW_WEB[1], "create sysctl 'net/ipv4/ip_forward' in netns 'web'"),
        after={"sysctl web/net/ipv4/ip_forward": {"value": "1"}},
    ),
    Case(
        "sysctl changes and comes back",
        {"sysctls": {"net.ipv4.conf.all.rp_filter": 2}},
        ("change sysctl 'net/ipv4/conf/all/rp_filter' (value)",),
        after={"sysctl /net/ipv4/conf/all/rp_filter": {"value": "2"}},
    ),
    Case("sysctl as it is", {"sysctls": {"net/ipv4/conf/all/rp_filter": "0"}}),
    Case("namespace absent", {"namespaces": [{"name": "web", "state": "absent"}]}),
    Case(
        "namespace taken away with all in it",
        {"namespaces": [{"name": "web", "state": "absent"}]},
        ("delete netns 'web'",),
        foreign={**WEB, "veth": [PAIR]},
        # The kernel takes the other end of the veth a little later (cleanup_net).
        after={"netns /web": None},
        lasting=True,
    ),
    Case("veth", {"veth": [LOCAL_PAIR]}, ("create veth 'v0'", "create veth 'v1'"), after={"link /v1": {"up": True}}),
    Case(
        "veth into a new namespace",
        {**WEB, "veth": [{**PAIR, "peer": {**PAIR["peer"], "addresses": ["10.1.0.2/24"]}}]},
        (
            *NEW_WEB,
            *NEW_PAIR,
            "create address 'eth0 10.1.0.2/24' in netns 'web'",
        ),
        after={"link web/eth0": {"peer": ("", "v0"), "up": True}, "address web/eth0 10.1.0.2/24": {}},
    ),
    Case(
        "veth between two namespaces",
        {
            "namespaces": [{"name": "a"}, {"name": "b"}],
            "veth": [{"name": "ab", "netns": "a", "peer": {"name": "ba", "netns": "b", "up": False}}],
        },
        (
            "create netns 'a'",
            "create netns 'b'",
            "change link 'lo' in netns 'a' (up)",
            "change link 'lo' in netns 'b' (up)",
            "create veth 'ab' in netns 'a'",
            "create veth 'ba' in netns 'b'",
        ),
        after={"link a/ab": {"peer": ("b", "ba"), "up": True}, "link b/ba": {"up": False}},
    ),
    Case(
        "two veths with the same inner name",
        {
            "namespaces": [{"name": "a"}, {"name": "b"}],
            "veth": [
                {"name": "va", "peer": {"name": "eth0", "netns": "a"}},
                {"name": "vb", "peer": {"name": "eth0", "netns": "b"}},
            ],
        },
        (
            "create netns 'a'",
            "create netns 'b'",
            "change link 'lo' in netns 'a' (up)",
            "change link 'lo' in netns 'b' (up)",
            "create veth 'va'",
            "create veth 'eth0' in netns 'a'",
            "create veth 'vb'",
            "create veth 'eth0' in netns 'b'",
        ),
        after={"link b/eth0": {"peer": ("", "vb")}},
    ),
    Case(
        "veth with every setting",
        {
            "veth": [
                {
                    **LOCAL_PAIR,
                    "mac": "02-00-00-00-00-0A",
                    "mtu": 1400,
                    "txqueuelen": 100,
                    "group": 3,
                    "alias": "to v1",
                    "addrgenmode": "none",
                    "up": False,
                }
            ]
        },
        ("create veth 'v0'", "create veth 'v1'"),
        after={
            "link /v0": {
                "mac": "02:00:00:00:00:0a",
                "mtu": 1400,
                "txqueuelen": 100,
                "group": 3,
                "alias": "to v1",
                "addrgenmode": "none",
                "up": False,
            }
        },
    ),
    Case("veth is there", {"veth": [LOCAL_PAIR]}, foreign={"veth": [LOCAL_PAIR]}),
    Case(
        "settings of a veth come back",
        {"veth": [{**LOCAL_PAIR, "mtu": 1400, "alias": "x", "group": 7, "txqueuelen": 5}]},
        ("change veth 'v0' (mtu, txqueuelen, group, alias)",),
        foreign={"veth": [LOCAL_PAIR]},
        after={"link /v0": {"mtu": 1400, "alias": "x", "group": 7}, "link /v1": {"mtu": 1500}},
    ),
    Case(
        "veth goes down and comes back up",
        {"veth": [{**LOCAL_PAIR, "up": False}]},
        ("change veth 'v0' (up)",),
        foreign={"veth": [LOCAL_PAIR]},
        after={"link /v0": {"up": False}, "link /v1": {"up": True}},
    ),
    Case(
        "veth absent by one end",
        {"veth": [{"name": "v1", "state": "absent"}]},
        ("delete veth 'v1'",),
        foreign={"veth": [LOCAL_PAIR]},
        after={"link /v0": None, "link /v1": None},
        lasting=True,
    ),
    Case(
        "veth absent by both ends",
        {"veth": [{"name": "v0", "state": "absent"}, {"name": "v1", "state": "absent"}]},
        ("delete veth 'v0'",),
        foreign={"veth": [LOCAL_PAIR]},
        after={"link /v0": None, "link /v1": None},
        lasting=True,
    ),
    Case("veth absent that is not there", {"veth": [{"name": "v1", "state": "absent"}]}),
    Case(
        "bridge",
        {"bridge": [{"name": "br0", "addresses": ["10.1.0.1/24"], "stp": False, "ageing_time": 120}]},
        ("create bridge 'br0'", "create address 'br0 10.1.0.1/24'"),
        after={"link /br0": {"kind": "bridge", "stp": False, "ageing_time": 120, "up": True}},
    ),
    Case(
        "bridge changes in place and comes back",
        {
            "bridge": [
                {"name": "br0", "stp": True, "mcast_snooping": False, "forward_delay": 4, "mac": "02:00:00:00:00:0b"}
            ]
        },
        ("change bridge 'br0' (stp, forward_delay, mcast_snooping, mac)",),
        foreign={"bridge": [{"name": "br0", "mac": "02:00:00:00:00:0a"}]},
        after={"link /br0": {"stp": True, "forward_delay": 4, "mac": "02:00:00:00:00:0b"}},
    ),
    Case(
        "bridge with a new port",
        {"bridge": [{"name": "br0", "ports": ["v0"]}], "veth": [LOCAL_PAIR]},
        ("create bridge 'br0'", "create veth 'v0'", "create veth 'v1'"),
        after={"link /v0": {"master": "br0", "up": True}},
    ),
    Case(
        "port names its bridge",
        {"bridge": [{"name": "br0"}], "veth": [{**LOCAL_PAIR, "master": "br0", "hairpin": True, "isolated": True}]},
        ("create bridge 'br0'", "create veth 'v0'", "create veth 'v1'"),
        after={"link /v0": {"master": "br0", "hairpin": True, "isolated": True, "neigh_suppress": False}},
    ),
    Case(
        "both ends in bridges of two namespaces",
        {
            **WEB,
            "bridge": [{"name": "br0"}, {"name": "br1", "netns": "web"}],
            "veth": [{**PAIR, "master": "br0", "peer": {**PAIR["peer"], "master": "br1"}}],
        },
        (
            *NEW_WEB,
            "create bridge 'br0'",
            "create bridge 'br1' in netns 'web'",
            *NEW_PAIR,
        ),
        after={"link /v0": {"master": "br0"}, "link web/eth0": {"master": "br1"}},
    ),
    Case(
        "existing links become ports and are let go",
        {"bridge": [{"name": "br0", "ports": ["v0", {"name": "v1", "hairpin": True}]}]},
        ("create bridge 'br0'", "change link 'v0' (master)", "change link 'v1' (master, hairpin)"),
        foreign={"veth": [LOCAL_PAIR]},
        after={"link /v0": {"master": "br0"}, "link /v1": {"master": "br0", "hairpin": True}},
    ),
    Case(
        "port moves to another bridge and back",
        {"bridge": [{"name": "br1", "ports": ["v0"]}]},
        ("create bridge 'br1'", "change link 'v0' (master)"),
        foreign={"bridge": [{"name": "br0", "ports": ["v0"]}], "veth": [LOCAL_PAIR]},
        after={"link /v0": {"master": "br1"}},
    ),
    Case(
        "exact ports",
        {"bridge": [{"name": "br0", "ports": ["v0"], "exact_ports": True}]},
        ("change link 'v1' (master)",),
        foreign={"bridge": [{"name": "br0", "ports": ["v0", "v1"]}], "veth": [LOCAL_PAIR]},
        after={"link /v0": {"master": "br0"}, "link /v1": {"master": ""}},
        lasting=True,
    ),
    Case(
        "other ports stay",
        {"bridge": [{"name": "br0", "ports": ["v0"]}]},
        foreign={"bridge": [{"name": "br0", "ports": ["v0", "v1"]}], "veth": [LOCAL_PAIR]},
        after={"link /v1": {"master": "br0"}},
    ),
    Case(
        "bridge taken away releases its ports",
        {"bridge": [{"name": "br0", "state": "absent"}]},
        ("delete bridge 'br0'",),
        foreign={"bridge": [{"name": "br0", "ports": ["v0"], "addresses": ["10.1.0.1/24"]}], "veth": [LOCAL_PAIR]},
        after={"link /br0": None, "link /v0": {"master": ""}},
        lasting=True,
    ),
    Case(
        "VLANs of a port",
        {
            "bridge": [{"name": "br0", "vlan_filtering": True, "ports": [{"name": "v0", "vlans": [{"vid": 7}]}]}],
            "veth": [LOCAL_PAIR],
        },
        ("create bridge 'br0'", "create veth 'v0'", "create veth 'v1'"),
        after={"link /v0": {"vlans": ((7, False, False),)}},
        needs=("bridge_vlan_filtering",),
    ),
)
