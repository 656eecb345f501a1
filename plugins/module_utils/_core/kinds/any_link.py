# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module link: links of every other type, and existing ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical import interface_name, netns_ref
from ..errors import InputError
from ..fields import Field, Fields
from ..model import Key, Resource
from .base import Declarable, Place
from .link_options import COMMON, NAME, PORT, PORTS, declare_link, declare_ports
from .types.registry import TYPES

OWN_MODULE = ("bridge", "veth", "vxlan")
KINDS = tuple(kind for kind in sorted(TYPES) if kind not in OWN_MODULE)
_WITH_PORTS = ("bond", "vrf")


def _union() -> Fields:
    fields: dict[str, Field] = {}
    for kind in KINDS:
        fields.update(TYPES[kind].fields)
    return fields


class LinkDeclaration(Declarable):
    name = "link"
    fields = {
        **COMMON,
        **PORT,
        **PORTS,
        "kind": Field(
            "str",
            "The type of the link. Without it, the link has to exist, and only what is set is changed.",
            choices=KINDS,
        ),
        "adopt": Field(
            "dict",
            "An existing link to take: it is moved to O(netns) and renamed to O(name), unless that is there already. "
            "With O(state=absent) it is moved back.",
            fields={
                "name": NAME,
                "netns": Field("str", "The namespace it is in; that of the task if nothing is said.", check=netns_ref),
            },
        ),
        "parent": Field(
            "str",
            "For O(kind=vlan), O(kind=macvlan) and O(kind=ipvlan): the link that it sits on.",
            check=interface_name,
        ),
        "parent_netns": Field("str", "The namespace of O(parent), if it is not that of the link.", check=netns_ref),
        **_union(),
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        dot = f"{path}." if path else ""
        netns, kind = place.at(options), options.get("kind")
        own = _own_values(options, kind, dot, place)
        source = None
        if "adopt" in options:
            if kind is not None:
                raise InputError(f"{dot}adopt", "is for an existing link and cannot be combined with kind")
            adopt = options["adopt"]
            source = Key("link", place.netns_of(adopt.get("netns"), "adopt.netns"), (adopt["name"],))
        if source is not None and options["state"] == "absent":
            back = Resource(source, {}, path, partial=True, source=Key("link", netns, (options["name"],)))
            place.add(back)
            return
        declare_link(options, path, place, netns, own, source)
        if options["state"] == "present":
            if options.get("ports") and kind not in (*_WITH_PORTS, None):
                raise InputError(f"{dot}ports", f"a link of kind {kind} has no ports")
            declare_ports(options, path, place, netns)


def _own_values(options: Mapping[str, Any], kind: str | None, dot: str, place: Place) -> dict[str, Any]:
    """The values of the link's type; an option of another type is refused."""
    link_type = TYPES[kind] if kind else None
    allowed = dict(link_type.fields) if link_type else {}
    for name in (*_union(), "parent", "parent_netns"):
        belongs = name in allowed or (name.startswith("parent") and link_type is not None and link_type.parent)
        if name in options and not belongs:
            what = f"a link of kind {kind}" if kind else "a link without kind"
            raise InputError(f"{dot}{name}", f"is not an option of {what}")
    if link_type is None:
        return {}
    own = {"kind": kind, **link_type.own(options)}
    own.update({name: options[name] for name in ("parent", "parent_netns") if name in options})
    if "parent_netns" in own:
        own["parent_netns"] = place.netns_of(own["parent_netns"], "parent_netns")
    for name, attribute in link_type.attributes.items():
        if attribute.words is not None and name in own and own[name] not in attribute.words:
            words = ", ".join(attribute.words)
            raise InputError(f"{dot}{name}", f"must be one of {words} for a link of kind {kind}: {own[name]!r}")
    return {name: link_type.canonical(name, value) for name, value in own.items()}
