# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out changes of sets and entries, all of a namespace in one `ipset restore`.

A set that changes in what it was made with, in much of what it holds, or beyond what it has room for, is filled under
another name and swapped with the live one (ip_set_swap), so no packet ever meets half a set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import KernelError, MissingError
from ..kernel import ipset as codec
from ..model import Step, Verb, describe
from .base import StepError, by_netns

_EINVAL = 22
_PATIENCE, _PAUSE = 20, 0.05
_LIST = "list:set"
# Fewer changes than this are made one by one, as are those of less than a quarter of the set.
_FEW = 16
_REORDERED = frozenset({"order", *codec.ENTRY_FLAGS})

#: A command, and the step that it is a part of.
_Line = tuple[str, Step]


@dataclass
class _Work:
    """What is to be done with the entries of one set, and with what it was made with."""

    steps: list[Step] = field(default_factory=list)
    header: Step | None = None

    def count(self, verb: Verb) -> int:
        return sum(step.verb is verb for step in self.steps)


def apply(steps: Sequence[Step], node: Any) -> None:
    """Carries out the steps of one stage.

    Raises:
        StepError: for the first that was refused; those before it may have been carried out.
    """
    for netns, group in by_netns(steps).items():
        try:
            _apply_here(group, node.inside(netns))
        except MissingError as problem:
            raise StepError(group[0], problem) from None


def tidy(places: Iterable[str], node: Any) -> None:
    """Takes away the other half of a swap, where that is left: whoever makes one holds the node's lock."""
    for netns in places:
        left = [name for name in node.ipsets(netns) if name.startswith(codec.TEMPORARY)]
        with suppress(codec.Refused, MissingError):
            codec.restore(node.inside(netns), [f"destroy {name}" for name in left])


def _apply_here(steps: Sequence[Step], fd: int | None) -> None:
    headers = codec.headers(fd)
    lines, works = _sets(steps)
    made = {step.key.ident[0] for step in steps if step.key.kind == "ipset" and step.verb is not Verb.SET}
    rebuilt = []
    for name, work in works.items():
        header = headers.get(name)
        if header is not None and name not in made and _rebuild(header, work):
            ordered = header.values["type"] == _LIST
            rebuilt.append((name, header, _Work(header=work.header) if ordered else work))
            if ordered:
                lines += _in_place(name, work, _members(fd, name, header))
        else:
            lines += _in_place(name, work, _members(fd, name, header))
    _restore(fd, lines)
    for name, header, work in rebuilt:
        _swap(fd, name, header, work)


def _sets(steps: Sequence[Step]) -> tuple[list[_Line], dict[str, _Work]]:
    """The commands for whole sets, lists going first and coming last; and the work that is left, set by set."""
    sets = [step for step in steps if step.key.kind == "ipset"]
    gone = [step for step in sets if step.verb is Verb.DELETE]
    new = [step for step in sets if step.verb is Verb.ADD]
    gone.sort(key=lambda step: step.resource.values.get("type") != _LIST)
    lines = [(f"destroy {step.key.ident[0]}", step) for step in gone]
    lines += [(codec.create(step.key.ident[0], step.resource.values), step) for step in new]
    works: dict[str, _Work] = {}
    replaced = {step.key.ident[0] for step in gone}
    for step in steps:
        work = works.setdefault(step.key.ident[0], _Work())
        if step.key.kind == "ipset":
            work.header = step if step.verb is Verb.SET else None
        elif step.verb is not Verb.DELETE or step.key.ident[0] not in replaced:
            work.steps.append(step)
    # Lists come last, when all that they hold is there.
    listed = {step.key.ident[0] for step in sets if step.resource.values.get("type") == _LIST}
    return lines, dict(sorted(works.items(), key=lambda item: item[0] in listed))


def _rebuild(header: codec.Header, work: _Work) -> bool:
    if work.header is not None:
        return True
    if header.values["type"] == _LIST:
        return False
    added, removed = work.count(Verb.ADD), work.count(Verb.DELETE)
    if not removed:
        return False
    full = header.values["maxelem"] != "" and header.count + added > header.values["maxelem"]
    after = header.count + added - removed
    return full or (added > 0 and added + removed > max(_FEW, after // 4))


def _members(fd: int | None, name: str, header: codec.Header | None) -> list[str] | None:
    """What a list holds; None for what is not a list, and so has no order."""
    if header is None or header.values["type"] != _LIST:
        return None
    return [codec.parse_entry(line)[0] for line in codec.entries(fd, name)]


def _in_place(name: str, work: _Work, members: list[str] | None) -> Iterator[_Line]:
    """Additions come first, so that nothing that stays in the set in another form is missing meanwhile."""
    removals = [(f"del {name} {step.key.ident[1]}", step) for step in work.steps if step.verb is Verb.DELETE]
    if members is not None:
        yield from removals
        gone = {step.key.ident[1] for step in work.steps if step.verb is Verb.DELETE}
        members = [member for member in members if member not in gone]
    for step in work.steps:
        if step.verb is Verb.DELETE:
            continue
        if step.verb is Verb.SET and not _REORDERED.isdisjoint(step.change.fields):
            yield f"del {name} {step.key.ident[1]}", step
        place = _place(step, members) if members is not None else {}
        values = {**step.resource.values, **place} if place else step.resource.values
        yield f"add {name} {codec.write_entry(step.key.ident[1], values)}", step
        if members is not None:
            members.append(step.key.ident[1])
    if members is None:
        yield from removals


def _place(step: Step, members: Sequence[str]) -> dict[str, str]:
    """Where a member stood that comes back: after or before one that is there."""
    values, element = step.resource.values, step.key.ident[1]
    order = () if "before" in values or "after" in values else values.get("order", ())
    at = order.index(element) if element in order else 0
    found = [("after", other) for other in reversed(order[:at]) if other in members]
    found += [("before", other) for other in order[at + 1 :] if other in members]
    return dict(found[:1])


def _swap(fd: int | None, name: str, header: codec.Header, work: _Work) -> None:
    """Fills a set of another name with what this one is to hold, and swaps them."""
    first = work.header or work.steps[0]
    other = f"{codec.TEMPORARY}{os.urandom(6).hex()}"
    values = dict(header.values)
    if work.header is not None:
        values.update((n, v) for n, v in work.header.resource.values.items() if n in codec.HEADER)
    live = codec.entries(fd, name)
    held = {element: codec.write_entry(element, options, values) for element, options in map(codec.parse_entry, live)}
    origin: dict[str, Step] = {}
    for step in work.steps:
        element = step.key.ident[1]
        if step.verb is Verb.DELETE or not _REORDERED.isdisjoint(step.change.fields):
            held.pop(element, None)
        if step.verb is not Verb.DELETE:
            held[element] = codec.write_entry(element, step.resource.values, values)
            origin[element] = step
    lines = [(codec.create(other, values, header.more), first)]
    lines += [(f"add {other} {text}", origin.get(element, first)) for element, text in held.items()]
    lines.append((f"swap {name} {other}", first))
    try:
        _restore(fd, lines)
        _restore(fd, [(line, first) for line in _meanwhile(live, codec.entries(fd, other), name, values)])
    finally:
        with suppress(codec.Refused, MissingError):
            codec.restore(fd, [f"destroy {other}"])


def _meanwhile(before: Sequence[str], now: Sequence[str], name: str, header: Mapping[str, Any]) -> Iterator[str]:
    """What others did to the live set while the new one was filled."""
    old, new = (dict(map(codec.parse_entry, lines)) for lines in (before, now))
    yield from (f"add {name} {codec.write_entry(element, new[element], header)}" for element in new.keys() - old.keys())
    # What has timed out there does so here too.
    yield from (f"del {name} {element}" for element in old.keys() - new.keys() if "timeout" not in old[element])


def _restore(fd: int | None, lines: Sequence[_Line]) -> None:
    for patience in reversed(range(_PATIENCE)):
        try:
            codec.restore(fd, [text for text, _step in lines])
            return
        except codec.Refused as problem:
            if problem.line is None or "in use by a kernel component" not in problem.words or not patience:
                _fail(lines[problem.line or 0][1], problem)
            lines = lines[problem.line :]
        # Of rules that are deleted, nf_tables lets go a little later (nf_tables_trans_destroy_work).
        time.sleep(_PAUSE)


def _fail(step: Step, problem: codec.Refused) -> NoReturn:
    action = f"{step.change.action.value} {describe(step.resource)}"
    raise StepError(step, KernelError(_EINVAL, action, problem.words)) from None
