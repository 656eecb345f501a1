# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as people read them: the text of --diff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .kinds.registry import KINDS
from .model import REDACTED, Action, Change, Resource, describe

SECRETS = frozenset({"private_key", "preshared_key"})


def show_diff(changes: Iterable[Change]) -> dict[str, str]:
    """Ansible's before and after, one block per object; of an object that stays, only the fields that differ."""
    before, after = [], []
    for change in changes:
        own = KINDS[change.key.kind].show(change)
        if own is not None:
            before += _lines(change.before, own[0])
            after += _lines(change.after, own[1])
            continue
        names = change.fields if change.action is not Action.REPLACE else ()
        if change.action is Action.CHANGE and change.before is not None and change.after is not None:
            before.append(_block(change.before, names))
            after.append(_block(change.after, names))
            continue
        if change.before is not None:
            before.append(_block(change.before, ()))
        if change.after is not None:
            after.append(_block(change.after, ()))
    return {"before": "".join(before), "after": "".join(after)}


def _lines(resource: Resource | None, lines: list[str]) -> list[str]:
    if resource is None:
        return []
    return [f"{describe(resource)}\n", *(f"  {line}\n" for line in lines)]


def _block(resource: Resource, names: tuple[str, ...]) -> str:
    values = {name: resource.values.get(name) for name in names} if names else resource.values
    lines = [f"  {name}: {shown(name, values[name])}\n" for name in sorted(values) if not _silent(name, values[name])]
    return f"{describe(resource)}\n" + "".join(lines)


def _silent(name: str, value: Any) -> bool:
    """What says nothing: unset values, and the kind, which the heading names."""
    return value is None or name == "kind"


def shown(name: str, value: Any) -> str:
    """A field's value as text, without secrets."""
    if name in SECRETS:
        return REDACTED
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{n}: {shown(n, v)}" for n, v in value.items() if v not in (None, "")) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(shown(name, part) for part in value) + "]"
    return str(value) if value != "" else '""'
