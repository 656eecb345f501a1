# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run looks at: of the world, by a protocol; of a declaration, which namespaces, kinds and fields matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from .kinds.registry import GO_WITH_LINKS, KINDS
from .model import Declaration, Key, Resource, Step

Wanted = dict[Key, frozenset[str]]


class World(Protocol):
    """What can be observed and changed: the kernel, or a fake of it."""

    def observe(
        self, scopes: Mapping[str, set[str]], wanted: Wanted | None, *, again: bool = False
    ) -> dict[Key, Resource]:
        """What exists, of these kinds in these namespaces, and all named namespaces.

        Args:
            wanted: the fields that matter; None for all of all that exists.
            again: what was read of other namespaces still holds.
        """

    def resolve(self, declaration: Declaration, observed: Mapping[Key, Resource], check: bool) -> Declaration:
        """The declaration with all in the node's own canonical form; raises InputError."""

    def warnings(self) -> list[str]:
        """What the user should know of what was seen."""

    def permit(self, steps: Sequence[Step]) -> None:
        """Raises MissingError where this process may not do that."""

    def execute(self, steps: Sequence[Step]) -> Iterator[int]:
        """Carries out the steps in order; raises StepError."""

    def tidy(self, declaration: Declaration) -> None:
        """Takes away what a killed run has left of what is declared, and what is no object."""


def scopes_of(declaration: Declaration, *, afterwards: bool = False) -> tuple[dict[str, set[str]], Wanted]:
    """The namespaces and kinds to look at, and the fields that matter.

    Args:
        afterwards: what was to go has gone, with whatever went along.
    """
    scopes: dict[str, set[str]] = {"": set()}
    wanted: Wanted = {}
    for resource in (*declaration.desired.values(), *declaration.absent.values()):
        keys = [resource.key] if resource.source is None else [resource.key, resource.source]
        for key in keys:
            scopes.setdefault(key.netns, set()).add(key.kind)
            wanted[key] = wanted.get(key, frozenset()) | frozenset(resource.values)
        for _option, key in KINDS[resource.key.kind].references(resource):
            scopes.setdefault(key.netns, set()).add(key.kind)
        peer = resource.values.get("peer")
        if peer:
            scopes.setdefault(peer[0], set())
    for key in declaration.absent:
        if key.kind == "link":
            wanted[key] |= {"peer"}
    for netns in () if afterwards else going(declaration):
        scopes.setdefault(netns, set()).update(GO_WITH_LINKS)
        wanted[Key("", netns, ())] = frozenset()
    for exact in declaration.exact:
        scopes.setdefault(exact.netns, set()).add(exact.kind)
    removed = {(exact.kind, exact.netns) for exact in declaration.exact}
    if not afterwards:
        removed |= {key[:2] for key in declaration.absent}
    for kind, netns in removed:
        if kind in ("address", "route"):
            # Addresses take routes along, of whatever table.
            wanted[Key("address", netns, ())] = wanted[Key("route", netns, ())] = frozenset()
    return scopes, wanted


def going(declaration: Declaration) -> set[str]:
    """The namespaces that are to go, and those that lose links, with all that goes with them."""
    places = {"netns": lambda key: key.ident[0], "link": lambda key: key.netns}
    return {places[key.kind](key) for key in declaration.absent if key.kind in places}
