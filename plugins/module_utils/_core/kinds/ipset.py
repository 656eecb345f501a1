# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of addresses (ipset(8)) and their entries.

An entry is an object of its own: so a set can be shared, and who made an entry takes only that away. A live time-out
counts down, so it is as wanted while it is no longer than declared; a set grows its hash table by itself, so it may
be larger than declared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..kernel.ipset import BARE, HEADER, PLAIN, TEMPORARY, parse_entry, unset, write_entry
from ..model import Action, Change, Declaration, Key, Resource, Stage, Step, Verb
from .base import Context, Kind, Wanted
from .ipset_apply import apply, tidy
from .ipset_canonical import canonical
from .ipset_users import Users, counted

LIST = "list:set"
# Of an entry: what a live one counts.
_NOT_COMPARED = frozenset({"packets", "bytes"})


def set_key(netns: str, name: str) -> Key:
    return Key("ipset", netns, (name,))


def entry_key(netns: str, name: str, element: str) -> Key:
    return Key("ipset_entry", netns, (name, element))


class _SetKind(Kind):
    """What sets and entries have in common: they are read, brought to canonical form, and changed together."""

    batch = "ipset"
    resolves_batch = True
    add = Stage.SET
    remove = Stage.REMOVE_SET
    follows_device = False

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        return canonical(desired, observed, node, check)

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        apply(steps, node)

    def tidy(self, declaration: Declaration, node: Any) -> None:
        keys = {*declaration.desired, *declaration.absent}
        tidy({key.netns for key in keys if key.kind == self.name}, node)


class IpsetKind(_SetKind):
    name = "ipset"
    rank = 3

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        """All sets, with the entries of those that are wanted, and of lists that may hold them."""
        found: dict[Key, Resource] = {}
        for name, header in node.ipsets(netns).items():
            if not name.startswith(TEMPORARY):
                key = set_key(netns, name)
                found[key] = Resource(key, {**header.values, "references": header.references})
        listed = {key for key, resource in found.items() if resource.values["type"] == LIST}
        for key in list(found):
            if wanted is None or key in wanted or (wanted and key in listed):
                found.update(_entries(node, found[key]))
        _count_users(found, listed, node)
        return found

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        return tuple(
            name
            for name, value in desired.values.items()
            if name in HEADER and not _same(name, value, observed.values.get(name, ""))
        )

    def immutable(self, desired: Resource, fields: Iterable[str]) -> tuple[str, ...]:
        # The kernel swaps sets only if they hold the same sort of entries (ip_set_swap).
        return tuple(name for name in fields if name in ("type", "family"))

    def complete(self, resource: Resource) -> None:
        if "type" not in resource.values:
            raise InputError(f"{resource.path}.type" if resource.path else "type", "is required to create a set")

    def blocked(self, resource: Resource, absent: Collection[Key], desired: Mapping[Key, Resource]) -> str:
        netns, name = resource.key.netns, resource.key.ident[0]
        for holder in resource.values["lists"]:
            key = entry_key(netns, holder, name)
            if set_key(netns, holder) not in absent and key not in absent:
                return f"the set '{holder}' has it as an entry"
        users: Users = resource.values["users"]
        # What is made anew goes while all rules still stand.
        return users.staying(absent, desired) if resource.key in absent else counted(users.rules)

    def steps(self, change: Change, context: Context) -> list[Step]:
        if change.action is Action.REPLACE:
            old = Step(self.add, Verb.DELETE, change, change.old, before=change.old)
            return [old, Step(self.add, Verb.ADD, change, change.new, change.new.values)]
        return super().steps(change, context)

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        names = change.fields if change.action is Action.CHANGE else HEADER
        return _header_lines(change.before, names), _header_lines(change.after, names)


class IpsetEntryKind(_SetKind):
    name = "ipset_entry"
    rank = 4

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        """Those of the sets that are named here; the kind of sets reads the others."""
        found: dict[Key, Resource] = {}
        names = dict.fromkeys(key.ident[0] for key in wanted or ())
        for name in names:
            header = node.ipsets(netns).get(name)
            if header is not None:
                found.update(_entries(node, Resource(set_key(netns, name), header.values)))
        return found

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        if desired.values is BARE and observed.values is PLAIN:
            return ()
        fields = [
            name
            for name, value in desired.values.items()
            if name not in _NOT_COMPARED and not _as_wanted(name, value, observed)
        ]
        # So a roll-back knows where it was.
        return (*fields, "order") if fields and not {"before", "after"}.isdisjoint(fields) else tuple(fields)

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        return [("", set_key(resource.key.netns, resource.key.ident[0]))]

    def devices(self, observed: Resource) -> Iterable[str]:
        return observed.key.ident[:1]

    def steps(self, change: Change, context: Context) -> list[Step]:
        if change.action is Action.DELETE:
            # Beside the additions, so that one replaces the other while the set has room for one only.
            return [Step(self.add, Verb.DELETE, change, change.old, before=change.old)]
        return super().steps(change, context)

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        return _entry_lines(_without_clock(change.before)), _entry_lines(change.after)


def _entries(node: Any, header: Resource) -> Mapping[Key, Resource]:
    _kind, netns, (name,) = header.key

    def read(lines: list[str]) -> dict[Key, Resource]:
        parsed = [parse_entry(line) for line in lines]
        order = tuple(element for element, _options in parsed) if header.values["type"] == LIST else ()
        plain = {**PLAIN, "order": order} if order else PLAIN
        keys = (Key("ipset_entry", netns, (name, element)) for element, _options in parsed)
        return {
            key: Resource(key, {**plain, **options} if options else plain)
            for key, (_element, options) in zip(keys, parsed)
        }

    found: Mapping[Key, Resource] = node.ipset_entries(netns, name, read)
    return found


def _count_users(found: dict[Key, Resource], lists: Collection[Key], node: Any) -> None:
    """Tells the references of rules from those of lists, as far as the lists were read."""
    holders: dict[Key, list[str]] = {}
    for key in found:
        if key.kind == "ipset_entry" and set_key(key.netns, key.ident[0]) in lists:
            holders.setdefault(set_key(key.netns, key.ident[1]), []).append(key.ident[0])
    for key, resource in found.items():
        if key.kind == "ipset":
            names = tuple(holders.get(key, ()))
            users = Users(node, key, len(names), resource.values["references"] - len(names))
            found[key] = resource.with_values(lists=names, users=users)


def _same(name: str, wanted: Any, have: Any) -> bool:
    if name == "hashsize" and wanted != "" and have != "":
        return bool(have >= wanted)
    return bool(wanted == have)


def _as_wanted(name: str, wanted: Any, observed: Resource) -> bool:
    have = observed.values.get(name)
    if name == "timeout" and isinstance(wanted, int) and isinstance(have, int):
        return have == 0 if wanted == 0 else 0 < have <= wanted
    if name not in ("before", "after", "order"):
        return bool(wanted == have)
    element, order = observed.key.ident[1], observed.values.get("order", ())
    if name == "order":
        return _those_before(element, wanted, order) == _those_before(element, order, wanted)
    first, second = (element, wanted) if name == "before" else (wanted, element)
    return wanted in order and order.index(first) < order.index(second)


def _those_before(element: str, order: Sequence[str], other: Sequence[str]) -> set[str]:
    """The members of both lists that stand before one in the first."""
    return set(order[: order.index(element)]) & set(other) if element in order and element in other else set()


def _header_lines(resource: Resource | None, names: Iterable[str]) -> list[str]:
    values = resource.values if resource is not None else {}
    return [
        f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
        for name in names
        if not unset(value := values.get(name, ""))
    ]


def _entry_lines(resource: Resource | None) -> list[str]:
    return [line] if resource is not None and (line := write_entry("", resource.values).strip()) else []


def _without_clock(resource: Resource | None) -> Resource | None:
    """What is left of a time-out differs from look to look."""
    running = resource is not None and resource.values.get("timeout") not in ("", 0, None)
    return resource.with_values(timeout="(running)") if running and resource is not None else resource
