# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random topologies, valid by construction: of every kind that this kernel has, with few names and values, so that they
meet. All that may be said of an object is said each time, so that what is there follows from the last one alone.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b")
ADDRESSES = ("10.1.0.1/24", "10.1.1.1/24", "10.1.2.1/24", "fd00::1/64", "fd01::1/64")
UNDERLAYS = ("192.0.2.2", "192.0.2.3")
MACS = tuple(f"02:00:00:00:00:0{number}" for number in range(1, 5))
RULES = ("-p tcp --dport 80 -j ACCEPT", "-s 10.0.0.0/8 -j DROP", "-m set --match-set s0 src -j ACCEPT", "-j RETURN")

Wish = dict[str, Any]


def some(values: tuple[Any, ...], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=most)


def _at(netns: str) -> Wish:
    return {"netns": netns} if netns else {}


@st.composite
def wishes(draw: st.DrawFn, programs: bool = False) -> Wish:
    names = draw(some(NAMES))
    places = ["", *names]
    wish: Wish = {"namespaces": [{"name": n, "sysctls": {"net.ipv4.ip_forward": draw(_BIT)}} for n in names]}
    bridges = [place for place in places if draw(st.booleans())]
    wish["bridge"] = [
        {
            "name": "br0",
            **_at(place),
            "mac": MACS[0],
            "stp": draw(st.booleans()),
            "nodad": True,
            "addresses": draw(some(ADDRESSES[:2])),
            "exact_addresses": True,
            "mtu": draw(_MTU),
        }
        for place in bridges
    ]
    wish["veth"] = [_pair(draw, NAMES.index(name), name, bridges) for name in names if draw(st.booleans())]
    wish["vxlan"] = [_tunnel(draw)] if draw(st.booleans()) else []
    wish["link"] = _links(draw, names)
    wish["route"] = [
        {"dest": f"10.{50 + number}.0.0/16", "type": draw(st.sampled_from(("blackhole", "unreachable"))), **_at(place)}
        for number, place in enumerate(places)
        if draw(st.booleans())
    ]
    wish["rule"] = [
        {"priority": number, "from": draw(st.sampled_from(("10.1.0.0/24", "10.2.0.0/24"))), "table": "100"}
        for number in draw(some((100, 101)))
    ]
    if "" in bridges:
        wish["neighbor"] = [
            {"device": "br0", "address": f"10.1.0.{number}", "mac": draw(st.sampled_from(MACS))}
            for number in draw(some((77, 78)))
        ]
    if draw(st.booleans()):
        wish["sysctls"] = {"net.ipv4.ip_forward": draw(_BIT)}
    if programs:
        wish.update(_filters(draw))
    return {name: elements for name, elements in wish.items() if elements}


_BIT = st.integers(0, 1)
_MTU = st.sampled_from((1400, 1500))


def _pair(draw: st.DrawFn, number: int, name: str, bridges: list[str]) -> Wish:
    end = {
        "name": "eth0",
        "netns": name,
        "mac": f"02:00:00:00:01:0{number}",
        "mtu": draw(_MTU),
        "nodad": True,
        "addresses": draw(some(ADDRESSES[1:])),
        "exact_addresses": True,
    }
    port = "" in bridges and draw(st.booleans())
    flags = {"hairpin": draw(st.booleans()), "isolated": draw(st.booleans())} if port else {}
    return {
        "name": f"v{number}",
        "peer": end,
        "mac": f"02:00:00:00:02:0{number}",
        "up": draw(st.booleans()),
        "master": "br0" if port else "",
        "mtu": draw(_MTU),
        "alias": draw(st.sampled_from(("", "x y"))),
        **flags,
    }


def _tunnel(draw: st.DrawFn) -> Wish:
    peers = [{"underlay": underlay} for underlay in draw(some(UNDERLAYS))]
    return {
        "name": "vx0",
        "vni": draw(st.sampled_from((7, 8))),
        "recreate": True,
        "mac": MACS[2],
        "learning": False,
        "addresses": draw(some(("10.3.0.1/24", "fd03::1/64"))),
        "exact_addresses": True,
        "nodad": True,
        "peers": peers,
    }


def _links(draw: st.DrawFn, names: list[str]) -> list[Wish]:
    """One that others have is set, or moved and renamed; one of the types that are made of it sits on another."""
    links: list[Wish] = []
    if draw(st.booleans()):
        links.append({"name": "port0", "mtu": draw(_MTU), "alias": draw(st.sampled_from(("p", "q")))})
    if "a" in names and draw(st.booleans()):
        links.append({"name": "lan", "netns": "a", "adopt": {"name": "spare0"}, "mtu": draw(_MTU)})
    if draw(st.booleans()):
        mode = draw(st.sampled_from(("bridge", "private")))
        links.append({"name": "mv0", "kind": "macvlan", "parent": "base0", "mode": mode, "mac": MACS[3], "up": False})
    if draw(st.booleans()):
        links.append({"name": "ifb7", "kind": "ifb", "mac": MACS[1], "up": draw(st.booleans()), "mtu": draw(_MTU)})
    return links


def _filters(draw: st.DrawFn) -> Wish:
    entries = draw(some(("10.0.0.1", "10.0.0.2", "10.0.0.3")))
    chains = []
    for backend in draw(some(("nft", "legacy"))):
        rules = draw(some(RULES))
        jumps = draw(some(("INPUT", "FORWARD")))
        chains.append({"chain": "MINE", "backend": backend, "rules": rules, "jumps": jumps})
    return {
        "ipset": [{"name": "s0", "type": "hash:ip", "entries": entries, "exact_entries": True}],
        "iptables_chain": chains,
    }
