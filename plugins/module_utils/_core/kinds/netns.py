# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces under /run/netns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..canonical import netns_name
from ..errors import KernelError, MissingError
from ..fields import Field
from ..kernel.netns import clear
from ..kernel.removal import await_gone, outer_ends
from ..model import Declaration, Key, Resource, Stage, Step, Verb
from .base import STATE, Declarable, Kind, Place, StepError, Wanted, present
from .sysctl import SYSCTLS, declare_sysctls


class NetnsKind(Kind):
    """A named namespace: a mount of /proc/.../ns/net on /run/netns/NAME (ip-netns(8)); lo is raised in it."""

    name = "netns"
    rank = 0
    add = Stage.NETNS
    remove = Stage.REMOVE_NETNS
    follows_device = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        keys = (Key("netns", "", (name,)) for name in node.netns_names())
        return {key: Resource(key) for key in keys if wanted is None or key in wanted}

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        added = [step for step in steps if step.verb is Verb.ADD]
        removed = [step for step in steps if step.verb is Verb.DELETE]
        try:
            node.create_netns([step.key.ident[0] for step in added])
            ends = [end for step in removed for end in outer_ends(node, step.key.ident[0])]
            for step in removed:
                added = [step]
                node.delete_netns(step.key.ident[0])
            await_gone(node, ends)
        except (KernelError, MissingError) as problem:
            raise StepError(added[0], problem) from None

    def tidy(self, declaration: Declaration, node: Any) -> None:
        for key in declaration.absent:
            if key.kind == self.name:
                clear(key.ident[0])


class NetnsDeclaration(Declarable):
    name = "netns"
    fields = {
        "name": Field("str", "The name of the namespace.", required=True, check=netns_name),
        "sysctls": SYSCTLS,
        "state": STATE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        name = options["name"]
        place.add(Resource(Key("netns", "", (name,)), path=path), present(options))
        if present(options):
            inside = place.netns_of(name)
            place.add(Resource(Key("link", inside, ("lo",)), {"up": True}, path, partial=True))
            declare_sysctls(options.get("sysctls", {}), inside, f"{path}.sysctls" if path else "sysctls", place)
