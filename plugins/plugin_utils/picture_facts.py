# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From results of network_info to what a picture shows; pure, no Ansible."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .picture_model import Cable, End, Fleet, Link, Namespace, Node, PictureError, Tunnel
from .picture_services import services

Element = Mapping[str, Any]
LINKS = ("bridge", "vxlan", "link")
# Links of the node that lead to other nodes; the rest of them are inside.
_OUTSIDE = ("", "vlan", "bond", "macvlan", "ipvlan", "team")


def fleet(results: Mapping[str, Any], name: str = "node") -> Fleet:
    """What to draw.

    Args:
        results: what network_info returned, by host; or what it returned on one host.
        name: of that one host.
    Raises:
        PictureError: this is something else.
    """
    if not isinstance(results, Mapping):
        raise PictureError(f"not a dictionary of results by host: {type(results).__name__}")
    if isinstance(results.get("topology"), Mapping):
        results = {name: results}
    topologies = {str(host): _topology(str(host), result) for host, result in results.items()}
    hosts = sorted(topologies, key=natural)
    names = _names(topologies)
    found = [_node(host, topologies[host], names) for host in hosts]
    nodes = tuple(node for node, _cables in found)
    cables = tuple(cable for _node_, own in found for cable in own)
    return Fleet(nodes, cables, _tunnels(topologies, hosts), _networks(nodes))


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Orders node2 before node10."""
    parts: list[tuple[int, int, str]] = []
    for character in text:
        digit = character.isascii() and character.isdigit()
        if digit and parts and parts[-1][0] == 0:
            parts[-1] = (0, parts[-1][1] * 10 + int(character), "")
        elif digit:
            parts.append((0, int(character), ""))
        else:
            parts.append((1, 0, character))
    return (*parts, (2, 0, text))


def _topology(host: str, result: Any) -> dict[str, list[Element]]:
    found = result.get("topology") if isinstance(result, Mapping) else None
    if not isinstance(found, Mapping):
        raise PictureError(f"{host}: not a result of containerland.net.network_info, it has no 'topology'")
    for option, elements in found.items():
        if not isinstance(elements, Sequence) or not all(isinstance(element, Mapping) for element in elements):
            raise PictureError(f"{host}.topology.{option}: not a list of dictionaries")
    return {str(option): list(elements) for option, elements in found.items()}


def _node(host: str, topology: Mapping[str, list[Element]], names: Mapping[str, str]) -> tuple[Node, list[Cable]]:
    routes = _routes(topology.get("route", []))
    places: dict[str, list[Link]] = {"": []}
    for element in topology.get("namespaces", []):
        places.setdefault(_text(element, "name"), [])
    cables: list[Cable] = []

    def add(kind: str, element: Element) -> End:
        netns, link = _text(element, "netns"), _text(element, "name")
        addresses = tuple(str(address) for address in element.get("addresses") or [])
        own = routes.get((netns, link), ())
        places.setdefault(netns, []).append(
            Link(
                link,
                kind,
                addresses,
                _detail(kind, element),
                own,
                _text(element, "master"),
                bool(element.get("up", True)),
            )
        )
        return (host, netns, link)

    for option in LINKS:
        for element in topology.get(option, []):
            kind = _text(element, "kind") if option == "link" else option
            end = add(kind, element)
            parent = _text(element, "parent")
            if parent:
                cables.append(Cable(kind, end, (host, str(element.get("parent_netns", end[1])), parent)))
    for element in topology.get("veth", []):
        peer = element.get("peer") or {}
        one = add("veth", element)
        cables.append(Cable("veth", one, add("veth", {"netns": element.get("netns", ""), **peer})))
    known = {(host, netns, link.name) for netns, links in places.items() for link in links}
    own_links = tuple(sorted(places.pop(""), key=lambda link: natural(link.name)))
    namespaces = tuple(
        Namespace(netns, tuple(sorted(places[netns], key=lambda link: natural(link.name))))
        for netns in sorted(places, key=natural)
    )
    whole = [cable for cable in cables if cable.other in known]
    return Node(host, own_links, namespaces, services(topology, names)), sorted(whole, key=lambda c: (c.one, c.other))


def _names(topologies: Mapping[str, Mapping[str, list[Element]]]) -> dict[str, str]:
    """The namespace that has an address, and its host where there are several; "" where several have it."""
    found: dict[str, str] = {}
    for host, topology in topologies.items():
        for element in (*(veth.get("peer") or {} for veth in topology.get("veth", [])), *topology.get("link", [])):
            netns = _text(element, "netns")
            for address in element.get("addresses") or [] if netns else []:
                plain = str(address).partition("/")[0]
                name = f"{netns}@{host}" if len(topologies) > 1 else netns
                found[plain] = "" if plain in found else name
    return found


def _text(element: Element, name: str) -> str:
    value = element.get(name)
    return "" if value is None else str(value)


def _detail(kind: str, element: Element) -> str:
    """A line on what is particular about a link."""
    if kind in ("vxlan", "geneve"):
        return f"VNI {_text(element, 'vni') or '?'} · UDP {_text(element, 'port') or '?'}"
    if kind == "vlan":
        return f"VLAN {_text(element, 'vlan_id')} on {_text(element, 'parent')}"
    if kind in ("macvlan", "ipvlan"):
        return f"{kind} on {_text(element, 'parent')}"
    return kind if kind not in ("", "veth", "bridge") else ""


def _routes(elements: Iterable[Element]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Routes of the main table as texts, by namespace and link."""
    found: dict[tuple[str, str], list[str]] = {}
    for element in elements:
        if _text(element, "table") not in ("", "main") or _text(element, "type") not in ("", "unicast"):
            continue
        hops = [hop for hop in element.get("nexthops") or [element] if isinstance(hop, Mapping)]
        for hop in hops:
            gateway = _text(hop, "gateway")
            dest = _text(element, "dest")
            text = ("" if dest == "default" else "to ") + dest + (f" via {gateway}" if gateway else "")
            found.setdefault((_text(element, "netns"), _text(hop, "device")), []).append(text)
    return {place: tuple(sorted(texts, key=natural)) for place, texts in found.items()}


def _tunnels(topologies: Mapping[str, Mapping[str, list[Element]]], hosts: Sequence[str]) -> tuple[Tunnel, ...]:
    """VXLAN links, together where one names the other's underlay address as its peer and both have one number."""
    ends: dict[End, tuple[int, int, str, set[str]]] = {}
    for host in hosts:
        topology = topologies[host]
        for element in topology.get("vxlan", []):
            netns, name = _text(element, "netns"), _text(element, "name")
            peers = {_text(element, "remote"), *(str(one) for one in element.get("source_addresses") or [])}
            for entry in topology.get("fdb", []):
                if (_text(entry, "netns"), _text(entry, "device")) == (netns, name):
                    peers.add(_text(entry, "destination"))
            number, port = (int(element.get(key) or 0) for key in ("vni", "port"))
            local = _text(element, "local")
            ends[host, netns, name] = (number, port, local, peers - {"", local})
    groups: list[set[End]] = []
    for end, (number, _port, _local, peers) in ends.items():
        joined = {end, *(o for o, (n, _p, local, _r) in ends.items() if n == number and local and local in peers)}
        touched = [group for group in groups if group & joined]
        groups = [group for group in groups if not group & joined] + [joined.union(*touched)]
    order = {end: place for place, end in enumerate(ends)}
    found = []
    for group in groups:
        members = tuple(sorted(group, key=order.__getitem__))
        number, port = ends[members[0]][:2]
        locals_ = {ends[end][2] for end in members}
        strangers = set().union(*(ends[end][3] for end in members)) - locals_
        found.append(Tunnel(number, port, members, len(strangers)))
    return tuple(sorted(found, key=lambda tunnel: (tunnel.vni, order[tunnel.ends[0]])))


def _networks(nodes: Sequence[Node]) -> tuple[tuple[str, tuple[End, ...]], ...]:
    """Which links of the nodes share a network outside, by its prefix."""
    found: dict[str, list[End]] = {}
    for node in nodes:
        masters = {link.name: link for link in node.links}
        for link in node.links:
            if link.kind not in _OUTSIDE or link.name == "lo":
                continue
            master = masters.get(link.master)
            prefix = _prefix(link.addresses or (master.addresses if master else ()))
            if prefix:
                found.setdefault(prefix, []).append((node.name, "", link.name))
    return tuple((prefix, tuple(found[prefix])) for prefix in sorted(found, key=natural))


def _prefix(addresses: Sequence[str]) -> str:
    """The network of a link: that of its first IPv4 address, else of its first."""
    networks = []
    for address in addresses:
        try:
            networks.append(ipaddress.ip_interface(address).network)
        except ValueError:
            continue
    networks.sort(key=lambda network: network.version)
    return str(networks[0]) if networks else ""
