# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: from a plan, and what exists now, to what existed before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from .effects import as_port, owners
from .errors import ConflictError, ContainerlandError
from .kinds.base import StepError
from .kinds.registry import KINDS
from .model import Action, Change, Declaration, Key, Resource
from .plan import Plan, make_plan
from .scopes import Wanted, World, scopes_of

if TYPE_CHECKING:
    from .ownership import Ledger

# Brings back what a run found, in a world that need not be the one that it changed; returns whether that succeeded,
# and what is left.
TakeBack = Callable[[World], "tuple[bool, str]"]


@dataclass(frozen=True)
class Asides:
    """Settings that no change names, as they were before the run.

    Attributes:
        lent: those that are switched on for a while, and off again.
        gone: the owner's settings of links that go; a link that comes back begins anew.
    """

    lent: Mapping[Key, Resource] = field(default_factory=dict)
    gone: Mapping[Key, Resource] = field(default_factory=dict)


def look_aside(plan: Plan, world: World, ledger: Ledger | None) -> Asides:
    lent = {key for change in plan.changes for key in KINDS[change.key.kind].lends(change)}
    stays = (Action.CREATE, Action.CHANGE)
    links = {change.key for change in plan.changes if change.key.kind == "link" and change.action not in stays}
    links.update(key for key in plan.vanished if key.kind == "link")
    gone = ledger.settings_of(links) if ledger is not None and links else []
    wanted = {key: frozenset({"value"}) for key in (*lent, *gone)}
    found = world.observe({key.netns: {key.kind} for key in wanted}, wanted, again=True) if wanted else {}
    return Asides(
        {key: found[key] for key in lent if key in found and found[key].values["value"] == "0"},
        {key: found[key] for key in gone if key in found},
    )


def takes_namespaces(plan: Plan) -> bool:
    return any(change.key.kind == "netns" and change.after is None for change in plan.changes)


def take_back(world: World, plan: Plan, scopes: dict[str, set[str]], asides: Asides) -> tuple[bool, str]:
    """Plans from what exists now to what existed before, and carries that out as far as possible.

    Others may have been at work meanwhile. What cannot come back for that is left out, and said; all else does.
    """
    before = inverse(plan)
    for setting, had in asides.lent.items():
        before.desired.setdefault(setting, Resource(setting, had.values, partial=True))
    for setting, had in asides.gone.items():
        before.desired.setdefault(setting, Resource(setting, had.values))
    scopes_before, wanted = scopes_of(before)
    for netns, kinds in scopes_before.items():
        scopes.setdefault(netns, set()).update(kinds)
    for absent in before.absent:
        if absent.kind == "address":
            scopes[absent.netns].update(("neighbor", "route"))
    left = ""
    try:
        found = world.observe(scopes, wanted)
        for setting in asides.lent.keys() - found.keys():
            before.desired.pop(setting, None)
        known = world.warnings()
        with suppress(ContainerlandError):
            before = world.resolve(before, found, True)
        lost = "; ".join(warning for warning in world.warnings() if warning not in known)
        with suppress(ConflictError):
            _keep_what_goes_along(before, make_plan(before, found))
        possible = Declaration(dict(before.desired), dict(before.absent), before.exact)
        for _attempt in range(len(before.desired) + len(before.absent) + 1):
            problem, key = _try_to_restore(possible, world, scopes, wanted)
            left = left or problem
            if key is None:
                break
            possible.desired.pop(key, None)
            possible.absent.pop(key, None)
        remaining = make_plan(before, world.observe(scopes, wanted))
        if remaining.changed and not left:
            # A device that loses its last IPv4 address loses its neighbours too (fib_disable_ip); the like comes now.
            left, _key = _try_to_restore(possible, world, scopes, wanted)
            remaining = make_plan(before, world.observe(scopes, wanted))
    except ContainerlandError as problem:
        return False, left or str(problem)
    return not (remaining.changed or lost), left or lost or ", ".join(remaining.lines()[:3])


def _keep_what_goes_along(before: Declaration, back: Plan) -> None:
    """What would go along on the way back, and was there before: entries of a link that loses its addresses again."""
    going = before.absent.keys() | {resource.source for resource in before.desired.values()}
    for key, resource in back.vanished.items():
        places = {Key("netns", "", (key.netns,)), key, *owners(resource)}
        if places.isdisjoint(going) and KINDS[key.kind].restorable(resource):
            before.desired.setdefault(key, Resource(key, resource.values, recreate=True))


def _try_to_restore(
    before: Declaration, world: World, scopes: dict[str, set[str]], wanted: Wanted
) -> tuple[str, Key | None]:
    """What was in the way ('' for nothing), and what to do without next time, if that is known."""
    try:
        back = make_plan(before, world.observe(scopes, wanted))
        gone = {missing.key.ident[0] for missing in back.missing if missing.key.kind == "netns"}
        for _done in world.execute([step for step in back.steps() if step.key.netns not in gone]):
            pass
    except StepError as problem:
        return str(problem.error), problem.step.key
    except ConflictError as problem:
        if isinstance(problem.key, Key):
            return str(problem), problem.key
        raise
    return (str(back.missing[0]) if gone else ""), None


def way_back(plan: Plan, scopes: Mapping[str, set[str]], ledger: Ledger | None, asides: Asides) -> TakeBack:
    """How a plan is taken back later, by another process."""
    remember = ledger.way_back() if ledger is not None else None
    lost = takes_namespaces(plan)

    def back(world: World) -> tuple[bool, str]:
        undone, left = take_back(world, plan, {netns: set(kinds) for netns, kinds in scopes.items()}, asides)
        if undone and remember is not None:
            remember()
        return undone, "what was in a deleted namespace does not come back" if undone and lost else left

    return back


def inverse(plan: Plan) -> Declaration:
    """The state before a plan, as a declaration."""
    declaration = Declaration()
    made = {c.key.ident[0] for c in plan.changes if c.key.kind == "netns" and c.before is None}
    for change in plan.changes:
        if change.before is None:
            made_again = change.key in plan.vanished
            if KINDS[change.key.kind].owned and not change.new.partial and not made_again:
                declaration.absent[change.key] = Resource(change.key)
        elif change.before.key.netns not in made:
            declaration.desired[change.before.key] = _as_before(change)
    for key, resource in plan.vanished.items():
        if KINDS[key.kind].restorable(resource):
            declaration.desired.setdefault(key, Resource(key, resource.values, recreate=True))
    for key, values in plan.along.items():
        wanted = declaration.desired.setdefault(key, Resource(key, partial=True))
        declaration.desired[key] = wanted.with_values(**{**values, **wanted.values})
    return declaration


def _as_before(change: Change) -> Resource:
    before = change.old
    if change.action is Action.CHANGE:
        lost = as_port(before.values) if "master" in change.fields else {}
        values = {n: before.values[n] for n in change.fields if before.values.get(n) is not None}
        # An entry may have to be made anew, for the kernel removed it with something else.
        whole = before.key.kind in ("neighbor", "fdb", "route")
        return Resource(before.key, _settable(before.values) if whole else {**values, **lost}, partial=not whole)
    if change.action is Action.MOVE:
        return Resource(before.key, _settable(before.values), partial=True, source=change.key)
    return Resource(before.key, _settable(before.values), recreate=True)


def _settable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
