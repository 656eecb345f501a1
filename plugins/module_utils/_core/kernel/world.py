# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel as the engine sees it: something that can be observed, and that carries out steps."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from ..kinds.base import Kind, Wanted
from ..kinds.registry import GO_WITH_LINKS, KINDS
from ..model import Declaration, Key, Resource, Step
from . import privileges
from .node import Node

# Reading these costs nothing that is not read anyway, and everything refers to them.
ALWAYS = frozenset({"link"})
Scopes = Mapping[str, Collection[str]]


class KernelWorld:
    """Reads and changes a node through the kinds."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def observe(self, scopes: Scopes, wanted: Wanted | None, *, again: bool = False) -> dict[Key, Resource]:
        """What exists.

        Args:
            scopes: namespace → kinds to look for in it.
            wanted: the fields of the objects that will be compared; None for a closer look, at all of all: what was
                read a moment ago is not read again.
            again: what was read of other namespaces still holds.
        """
        if wanted is not None:
            self.node.forget(scopes if again else None)
        self.node.open_sockets(scopes)
        parts = None if wanted is None else _by_place(wanted)
        observed = KINDS["netns"].observe(self.node, "", None)
        for netns, kinds in scopes.items():
            for kind in _in_order(frozenset(kinds)):
                # Where links go, all that may go with them; of what stands alone, still what is asked about.
                going = kind.owned and kind.name in GO_WITH_LINKS and parts is not None and ("", netns) in parts
                everything = parts is None or going
                part = None if everything else parts.get((kind.name, netns), {})  # type: ignore[union-attr]
                observed.update(kind.observe(self.node, netns, part))
        return observed

    def permit(self, steps: Sequence[Step]) -> None:
        """Refuses to begin without the capabilities that the steps need, so that nothing is half done."""
        privileges.require("CAP_NET_ADMIN", "changing the network")
        if any(step.key.kind == "netns" for step in steps):
            privileges.require("CAP_SYS_ADMIN", "making or removing a namespace")

    def execute(self, steps: Sequence[Step]) -> Iterator[int]:
        """Carries out the steps stage by stage; yields how many are done after each.

        Raises:
            StepError: at the first step that is refused.
        """
        done = 0
        for _stage, group in groupby(steps, key=lambda step: step.stage):
            parts: dict[str, list[Step]] = {}
            for step in group:
                parts.setdefault(KINDS[step.key.kind].batch or step.key.kind, []).append(step)
            for part in parts.values():
                KINDS[part[0].key.kind].execute(part, self.node)
                done += len(part)
                yield done

    def resolve(self, declaration: Declaration, observed: Mapping[Key, Resource], check: bool) -> Declaration:
        """The declaration with all in the node's own canonical form."""
        desired = self._resolved(declaration.desired, observed, check)
        given = {key: r for key, r in declaration.absent.items() if KINDS[key.kind].resolves_absent}
        absent = {**declaration.absent, **self._resolved(given, observed, check)}
        # What an owner made before is pruned under its canonical key, under which it may be declared again; only
        # what was declared absent has a path.
        absent = {
            key: r
            for key, r in absent.items()
            if key not in desired or (r.path and not KINDS[key.kind].resolves_absent)
            if r.path or not KINDS[key.kind].superseded(key, desired)
        }
        return Declaration(desired, absent, declaration.exact)

    def _resolved(
        self, resources: Mapping[Key, Resource], observed: Mapping[Key, Resource], check: bool
    ) -> dict[Key, Resource]:
        groups: dict[str, dict[Key, Resource]] = {}
        for key, resource in resources.items():
            kind = KINDS[key.kind]
            groups.setdefault(kind.batch if kind.resolves_batch else key.kind, {})[key] = resource
        found = dict(resources)
        for group in groups.values():
            resolved = KINDS[next(iter(group)).kind].resolve(group, observed, self.node, check)
            # What is declared, which has a path, prevails over what was there before and would be restored.
            for key, resource in sorted(resolved.items(), key=lambda item: bool(item[1].path)):
                if resource.key != key:
                    del found[key]
                found[resource.key] = resource
        return found

    def tidy(self, declaration: Declaration) -> None:
        """Takes away what a killed run has left of what is declared, and what is no object."""
        for name in {key.kind for key in (*declaration.desired, *declaration.absent)}:
            KINDS[name].tidy(declaration, self.node)

    def warnings(self) -> list[str]:
        """What the user should know of what was seen, each once."""
        return self.node.warnings()


@functools.lru_cache(maxsize=256)
def _in_order(names: frozenset[str]) -> list[Kind]:
    return sorted((KINDS[name] for name in (names | ALWAYS) - {"netns"}), key=lambda kind: kind.rank)


def _by_place(wanted: Wanted) -> dict[tuple[str, str], dict[Key, frozenset[str]]]:
    parts: dict[tuple[str, str], dict[Key, frozenset[str]]] = {}
    for key, fields in wanted.items():
        parts.setdefault((key.kind, key.netns), {})[key] = fields
    return parts
