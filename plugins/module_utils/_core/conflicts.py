# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run refuses: what exists cannot become what is wanted, may not go, or is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .errors import ConflictError
from .kinds.registry import KINDS
from .model import Key, Resource, describe


@dataclass(frozen=True)
class Missing:
    """A reference to something that neither exists nor is declared."""

    path: str
    key: Key

    def __str__(self) -> str:
        what = f"namespace '{self.key.ident[0]}'" if self.key.kind == "netns" else describe(Resource(self.key))
        problem = f"there is no {what}; create it first, or declare it in the same topology"
        return f"{self.path}: {problem}" if self.path else problem


def refuse_kind_mismatch(keys: Iterable[Key], absent: Mapping[Key, Resource], observed: Mapping[Key, Resource]) -> None:
    """Raises ConflictError if what is to go is of another kind than was said."""
    for key in keys:
        wanted, have = absent[key].values.get("kind"), observed[key].values.get("kind")
        if wanted is not None and wanted != have:
            raise ConflictError(f"{describe(observed[key])} is not a {wanted} and is left alone", key)


def refuse_blocked(
    keys: Iterable[Key],
    desired: Mapping[Key, Resource],
    absent: Mapping[Key, Resource],
    observed: Mapping[Key, Resource],
) -> None:
    """Raises ConflictError if something that stays needs what is to go; not in a namespace that goes as a whole."""
    for key in keys:
        if Key("netns", "", (key.netns,)) in absent:
            continue
        reason = KINDS[key.kind].blocked(observed[key], absent, desired)
        if reason:
            raise ConflictError(f"cannot delete {describe(observed[key])}: {reason}", key)


def refuse_replacement(wanted: Resource, have: Resource, fixed: tuple[str, ...]) -> None:
    """Raises ConflictError if these values can only be had by making it anew, which nobody allowed."""
    name = fixed[0]
    prefix = f"{wanted.path}: " if wanted.path else ""
    is_now, should = have.values.get(name), wanted.values.get(name)
    if name == "kind":
        problem = f"{describe(have)} exists and is not a {should}; delete it first, or use another name"
        raise ConflictError(prefix + problem, wanted.key)
    if not wanted.recreate:
        problem = f"{describe(have)} has {name} {_plain(is_now)}, which cannot become {_plain(should)} in place"
        raise ConflictError(f"{prefix}{problem}; set recreate: true to have it made anew", wanted.key)


def refuse_blocked_replacement(wanted: Resource, have: Resource, absent: Mapping[Key, Resource]) -> None:
    """Raises ConflictError if something that stays needs what would be made anew."""
    reason = KINDS[have.key.kind].blocked(have, absent, {})
    if reason:
        prefix = f"{wanted.path}: " if wanted.path else ""
        raise ConflictError(f"{prefix}cannot replace {describe(have)}: {reason}", wanted.key)


def _plain(value: object) -> str:
    return " ".join(str(part) for part in value if part != "") if isinstance(value, tuple) else str(value)
