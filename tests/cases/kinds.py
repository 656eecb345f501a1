# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of the other kinds, most of which not every kernel has."""

from __future__ import annotations

from typing import Any

from .case import Case

PAIR = {"name": "v0", "peer": {"name": "v1"}}
KEYS = ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MHE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=")


def _made(kind: str, parent: bool = False, **options: Any) -> Case:
    """A link of this kind is made; `parent` puts it on a veth."""
    foreign = {"veth": [PAIR]} if parent else {}
    whole = {"name": "x0", "kind": kind, **options, **({"parent": "v0"} if parent else {})}
    after = {"link /x0": {"kind": kind, "up": True, **options}}
    return Case(kind, {"link": [whole]}, (f"create {kind} 'x0'",), foreign=foreign, after=after, needs=(kind,))


def _kept(kind: str, name: str, value: Any, other: Any, **options: Any) -> Case:
    """An option that needs a new link to change."""
    link = {"name": "x0", "kind": kind, **options}
    said = f"{kind} 'x0' has {name} {value}, which cannot become {other} in place"
    return Case(
        f"{kind}: {name} cannot change",
        {"link": [{**link, name: other}]},
        foreign={"veth": [PAIR], "link": [{**link, name: value}]},
        error=f"link[0]: {said}; set recreate: true to have it made anew",
        needs=(kind,),
    )


CASES = (
    _made("dummy", mtu=1300),
    _made("ifb"),
    _made("vlan", parent=True, vlan_id=7),
    _made("macvlan", parent=True, mode="bridge"),
    _made("ipvlan", parent=True, mode="l2"),
    _made("geneve", vni=7, remote="192.0.2.2"),
    _made("gre", local="192.0.2.1", remote="192.0.2.2", ttl=9, key=5),
    _made("gretap", local="192.0.2.1", remote="192.0.2.2"),
    _made("ipip", local="192.0.2.1", remote="192.0.2.2"),
    _made("sit", local="192.0.2.1", remote="192.0.2.2"),
    _made("vrf", table=100),
    _made("bond", bond_mode="active-backup", miimon=100),
    _made("wireguard", private_key=KEYS[0], listen_port=51820),
    _kept("vlan", "vlan_id", 7, 8, parent="v0"),
    _kept("geneve", "vni", 7, 8, remote="192.0.2.2"),
    _kept("vrf", "table", 100, 101),
    _kept("macvlan", "parent", "v0", "v1", mode="bridge"),
    Case(
        "macvlan inside a namespace, its parent outside",
        {
            "namespaces": [{"name": "web"}],
            "link": [
                {"name": "mv0", "kind": "macvlan", "netns": "web", "parent": "v0", "parent_netns": "/proc/self/ns/net"}
            ],
        },
        (
            "create netns 'web'",
            "change link 'lo' in netns 'web' (up)",
            "create macvlan 'mv0' in netns 'web'",
        ),
        foreign={"veth": [PAIR]},
        after={"link web/mv0": {"kind": "macvlan", "parent": "v0"}},
        needs=("macvlan",),
    ),
    Case(
        "tunnel changes in place and comes back",
        {"link": [{"name": "x0", "kind": "ipip", "ttl": 9}]},
        ("change ipip 'x0' (ttl)",),
        foreign={"link": [{"name": "x0", "kind": "ipip", "local": "192.0.2.1", "remote": "192.0.2.2", "ttl": 3}]},
        after={"link /x0": {"ttl": 9, "remote": "192.0.2.2"}},
        needs=("ipip",),
    ),
    Case(
        "a link under a declared one is replaced with it",
        {
            "vxlan": [{"name": "vx0", "vni": 8, "recreate": True}],
            "link": [{"name": "mv0", "kind": "macvlan", "parent": "vx0"}],
        },
        ("replace vxlan 'vx0' (vni)", "create macvlan 'mv0'"),
        earlier={
            "vxlan": [{"name": "vx0", "vni": 7}],
            "link": [{"name": "mv0", "kind": "macvlan", "parent": "vx0"}],
        },
        after={"link /vx0": {"vni": 8}, "link /mv0": {"parent": "vx0", "up": True}},
        needs=("macvlan",),
    ),
    Case(
        "a link under a foreign one is not made anew",
        {"vxlan": [{"name": "vx0", "vni": 8, "recreate": True}]},
        foreign={
            "vxlan": [{"name": "vx0", "vni": 7}],
            "link": [{"name": "mv0", "kind": "macvlan", "parent": "vx0"}],
        },
        error="cannot replace vxlan 'vx0': macvlan 'mv0' sits on it and was not declared",
        needs=("macvlan",),
    ),
    Case(
        "ports of a bond",
        {"link": [{"name": "x0", "kind": "bond", "bond_mode": "active-backup", "ports": ["v0"]}]},
        ("create bond 'x0'", "change link 'v0' (master)"),
        foreign={"veth": [{**PAIR, "up": False}]},
        after={"link /v0": {"master": "x0"}},
        needs=("bond",),
    ),
    Case(
        "wireguard peers change in place",
        {
            "link": [
                {
                    "name": "x0",
                    "kind": "wireguard",
                    "private_key": KEYS[0],
                    "peers": [{"public_key": KEYS[1], "endpoint": "192.0.2.2:51820", "allowed_ips": ["10.2.0.0/24"]}],
                }
            ]
        },
        ("change wireguard 'x0' (peers)",),
        earlier={"link": [{"name": "x0", "kind": "wireguard", "private_key": KEYS[0], "peers": []}]},
        needs=("wireguard",),
    ),
)
