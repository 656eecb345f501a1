# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there, in the form that topology takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .canonical import netns_ref
from .declare import LISTS
from .export import export
from .fields import Field, Fields
from .kinds.registry import KINDS, STAND_ALONE
from .model import Key, Resource

# Sysctls are read by name only; entries are shown with their sets, servers with their services.
_SHOWN_ELSEWHERE = ("sysctl", "netns", "ipset_entry", "iptables_jump", "ipvs_server", "port_guard", "tunnel_guard")
READABLE = tuple(kind for kind in KINDS if kind not in _SHOWN_ELSEWHERE)
_CHEAP = tuple(kind for kind in READABLE if kind not in STAND_ALONE)
# Options of links.
_GUARDS = {"port_guard", "tunnel_guard"}
INFO: Fields = {
    "netns": Field(
        "list",
        (
            "The namespaces to look into, by name (V(web1)), by path (V(/proc/123/ns/net)), or as V(pid:123), "
            "V(docker:NAME), V(podman:NAME), V(lxc:NAME) or V(machine:NAME). An empty text is the namespace the task "
            "runs in.",
            "Without it, the namespace the task runs in and all that have names.",
        ),
        elements="str",
        check=netns_ref,
    ),
    "kinds": Field(
        "list",
        "What to look for. V(link) means links of every kind, V(address) needs it. Without this, everything.",
        elements="str",
        choices=READABLE,
    ),
}


class Observable(Protocol):
    def observe(
        self, scopes: Mapping[str, set[str]], wanted: Mapping[Key, frozenset[str]] | None
    ) -> Mapping[Key, Resource]:
        """What exists."""


def look(world: Observable, namespaces: Sequence[str], kinds: Sequence[str] | None = None) -> dict[str, Any]:
    """The state of the namespaces: `topology` is valid input of the module of that name."""
    # Addresses and guards are shown with their links.
    asked = {*(kinds or _CHEAP), "link"}
    scopes = dict.fromkeys(namespaces, asked | _GUARDS if kinds is None or "link" in kinds else asked)
    observed = world.observe(scopes, None)
    found = export(observed, list(namespaces))
    topology = {option: found.get(option, []) for option in LISTS}
    return {"topology": topology, "counts": {option: len(elements) for option, elements in topology.items()}}
