# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes of a picture and what is written in them; pure, no Ansible."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from .picture_model import Link, Namespace, Service
from .picture_shapes import Box, Line, filled

MOST_ROUTES = 4
MOST_SERVERS = 6
MOST_ADDRESSES = 4


def container(namespace: Namespace) -> Box:
    """A namespace with its links."""
    content: list[Line] = [(namespace.name, "name")]
    for link in namespace.links:
        content += [(link.name, "plain"), *_inside(link)]
    return filled("container", content, f"namespace {namespace.name}")


def more(hidden: list[Namespace]) -> Box:
    """Stands for namespaces that are not shown one by one."""
    content: list[Line] = [(f"and {len(hidden)} more", "name")]
    ends = [hidden[0].name, hidden[-1].name]
    content += [(" … ".join(ends), "plain")]
    addresses = sorted({address for one in hidden for link in one.links for address in link.addresses}, key=_order)
    if addresses:
        content += [(addresses[0], "plain"), (f"… {addresses[-1]}", "plain")]
    return filled("more", content, f"{len(hidden)} more namespaces")


def beam(link: Link) -> Box:
    """A link that others hang on."""
    kind = link.kind or "link"
    box_kind = "bridge" if kind == "bridge" else kind_of(link)
    head = [(f"{kind} {link.name}" if kind == "bridge" else link.name, "name")]
    return filled(box_kind, [*head, *_inside(link)], f"{kind} {link.name}")


def single(link: Link) -> Box:
    """A link of the node itself."""
    named = "bridge " if link.kind == "bridge" else ""
    return filled(kind_of(link), [(named + link.name, "name"), *_inside(link)], f"{link.kind or 'link'} {link.name}")


def service(what: Service) -> Box:
    """What leads to servers, and the servers."""
    content: list[Line] = [(what.title, "name"), *((endpoint, "plain") for endpoint in what.endpoints)]
    content += _some([f"→ {server}" for server in what.servers], MOST_SERVERS, "servers")
    return filled("service", content, what.title)


def kind_of(link: Link) -> str:
    """The class that a link's box has its colours from."""
    if link.kind in ("bridge", "vxlan", "dummy", "veth"):
        return link.kind
    return "tunnel" if link.kind in ("geneve", "gre", "gretap", "ipip", "sit", "wireguard") else "link"


def _inside(link: Link) -> list[Line]:
    """Addresses, what is particular, and where one gets by it."""
    content = _some(list(link.addresses), MOST_ADDRESSES, "addresses", "plain")
    notes = [note for note in ("" if link.up else "down", link.detail) if note]
    content += [(" · ".join(notes), "quiet")] if notes else []
    return content + _some(list(link.routes), MOST_ROUTES, "routes")


def _some(texts: list[str], most: int, what: str, style: str = "quiet") -> list[Line]:
    found: list[Line] = [(text, style) for text in texts[:most]]
    if len(texts) == most + 1:
        return [(text, style) for text in texts]
    return [*found, (f"and {len(texts) - most} more {what}", "quiet")] if len(texts) > most else found


def _order(address: str) -> tuple[int, int, str]:
    try:
        parsed = ipaddress.ip_interface(address)
    except ValueError:
        return (9, 0, address)
    return (parsed.version, int(parsed.ip), address)


def tallest(boxes: Iterable[Box]) -> float:
    return max((box.height for box in boxes), default=0)
