# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands where on one node, before anything has a place: who hangs on which link; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .picture_model import Cable, End, Link, Namespace, Node


@dataclass
class Group:
    """A link of the node, drawn as a beam, and the namespaces above it.

    `others` of them have more cables than the one to this beam; `hidden` are only counted.
    """

    beam: Link | None
    members: list[Namespace] = field(default_factory=list)
    others: list[Namespace] = field(default_factory=list)
    hidden: list[Namespace] = field(default_factory=list)

    @property
    def shown(self) -> int:
        return len(self.members) + len(self.others)


@dataclass
class Sorted:
    """Groups; links below them that something leads to; links that nothing leads to.

    `home`: the cable by which a namespace hangs on its beam. `rest`: all other cables to draw.
    """

    groups: list[Group]
    joined: list[Link]
    loose: list[Link]
    home: dict[str, Cable]
    rest: list[Cable]


def sort(node: Node, cables: Sequence[Cable], exits: Collection[End], most: int) -> Sorted:
    """Who goes where; at most that many namespaces are shown."""
    own = [cable for cable in cables if cable.one[0] == node.name]
    links = {link.name: link for link in node.links}
    home: dict[str, Cable] = {}
    for cable in sorted(own, key=_inner):
        inner, outer = inside_out(cable)
        if inner[1] and not outer[1]:
            home.setdefault(inner[1], cable)
    crossing = [cable for cable in own if inside_out(cable)[0][1] and not inside_out(cable)[1][1]]
    ports = {inside_out(cable)[1][2] for cable in crossing}
    beams = {beam_of(cable, links) for cable in crossing}
    beams |= {link.master for link in node.links if link.master in links}
    groups = {name: Group(links[name]) for name in links if name in beams}
    alone = Group(None)
    rest = [cable for cable in own if cable not in home.values()]
    busy = {end[1] for cable in rest for end in (cable.one, cable.other) if end[1]}
    for namespace in node.namespaces:
        cable_home = home.get(namespace.name)
        group = groups[beam_of(cable_home, links)] if cable_home else alone
        (group.others if namespace.name in busy else group.members).append(namespace)
    found = [*groups.values(), *([alone] if alone.shown else [])]
    _hide(found, most)
    gone = {namespace.name for group in found for namespace in group.hidden}
    rest = [cable for cable in rest if cable.one[1] not in gone and cable.other[1] not in gone]
    below = [link for link in node.links if link.name not in beams and link.name not in ports]
    ends = {end for cable in rest for end in (cable.one, cable.other)}

    def leads_somewhere(link: Link) -> bool:
        end = (node.name, "", link.name)
        return link.master in links or end in exits or end in ends

    joined = [link for link in below if leads_somewhere(link)]
    return Sorted(found, joined, [link for link in below if not leads_somewhere(link)], home, rest)


def inside_out(cable: Cable) -> tuple[End, End]:
    """The ends of a cable: that in a namespace first, if only one is."""
    return (cable.other, cable.one) if cable.other[1] and not cable.one[1] else (cable.one, cable.other)


def beam_of(cable: Cable, links: dict[str, Link]) -> str:
    """The link that a namespace with this cable hangs on: the bridge of its outer end, or that end."""
    outer = inside_out(cable)[1][2]
    master = links[outer].master if outer in links else ""
    return master if master in links and cable.kind == "veth" else outer


def _inner(cable: Cable) -> tuple[str, str, str]:
    inner, _outer = inside_out(cable)
    return (inner[1], inner[2], cable.kind)


def _hide(groups: list[Group], most: int) -> None:
    """Leaves so many namespaces to be shown, of each group its share; those with several cables stay longest."""
    total = sum(group.shown for group in groups)
    if total <= most:
        return
    for group in groups:
        room = max(1, most * group.shown // total)
        if group.shown > room + 1:
            keep = group.others[:room]
            group.hidden = [*group.members[room - len(keep) :], *group.others[room:]]
            group.others = keep
            group.members = group.members[: room - len(keep)]
