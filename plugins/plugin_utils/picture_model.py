# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture of networks shows: nodes with namespaces, links, cables and services. Data only."""

from __future__ import annotations

from dataclasses import dataclass

# A link by node, namespace ("" is the node's own) and name.
End = tuple[str, str, str]


class PictureError(ValueError):
    """What was given is no result of network_info; the text says where."""


@dataclass(frozen=True)
class Link:
    """A link of a namespace; `routes` are those that lead out through it, as text."""

    name: str
    kind: str
    addresses: tuple[str, ...] = ()
    detail: str = ""
    routes: tuple[str, ...] = ()
    master: str = ""
    up: bool = True


@dataclass(frozen=True)
class Namespace:
    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Service:
    """An address and port, or several, that lead to servers: by IPVS, or by iptables."""

    title: str
    endpoints: tuple[str, ...]
    servers: tuple[str, ...]


@dataclass(frozen=True)
class Cable:
    """Two links that are the two ends of one thing: a veth pair, or a link and the one that it is made on."""

    kind: str
    one: End
    other: End


@dataclass(frozen=True)
class Tunnel:
    """The VXLAN links of one overlay that know each other, and how many peers of theirs are not among the nodes."""

    vni: int
    port: int
    ends: tuple[End, ...]
    strangers: int = 0


@dataclass(frozen=True)
class Node:
    name: str
    links: tuple[Link, ...]
    namespaces: tuple[Namespace, ...]
    services: tuple[Service, ...] = ()


@dataclass(frozen=True)
class Fleet:
    """Everything, in the order it is drawn. `networks`: underlay networks by prefix, and the links in them."""

    nodes: tuple[Node, ...]
    cables: tuple[Cable, ...]
    tunnels: tuple[Tunnel, ...]
    networks: tuple[tuple[str, tuple[End, ...]], ...]
