# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe → plan → apply → verify, with what a failed run did taken back. The one way in which anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from .errors import ApplyError, ConflictError, ContainerlandError, KernelError, MissingError, VerifyError
from .kinds import GO_WITH_LINKS, KINDS
from .kinds.base import StepError
from .kinds.link import PORT_FLAGS
from .model import Action, Change, Declaration, Key, Resource, Stage, Step, describe
from .plan import Plan, make_plan
from .scopes import Wanted, World, going, scopes_of
from .show import shown

if TYPE_CHECKING:
    from .ownership import Ledger


@dataclass(frozen=True)
class Report:
    """What a run did, or in check mode would do."""

    plan: Plan
    warnings: tuple[str, ...] = ()
    observed: Mapping[Key, Resource] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.plan.changed


# Brings back what a run found, in a world that need not be the one that it changed; returns whether that succeeded,
# and what is left.
TakeBack = Callable[[World], "tuple[bool, str]"]
# Stands over a change: gets what takes it back, and what is to be done when it is confirmed.
Guard = Callable[[TakeBack, "Callable[[], None]"], "AbstractContextManager[None]"]


def converge(
    declaration: Declaration,
    world: World,
    *,
    check: bool = False,
    ledger: Ledger | None = None,
    guard: Guard | None = None,
) -> Report:
    """Makes what exists agree with the declaration.

    Args:
        check: stop before anything is changed.
        ledger: what the owner applied before; without one, nothing is pruned or remembered.
        guard: what stands over the changes, if there are any.

    Raises:
        ContainerlandError: one of its kinds; ApplyError and VerifyError after changes, the others before any.
    """
    warnings: list[str] = []
    if ledger is not None:
        declaration = ledger.prune(declaration)
    scopes, wanted = scopes_of(declaration)
    observed = world.observe(scopes, wanted)
    if ledger is not None:
        warnings += ledger.spare_foreign(declaration, observed)
    declaration = world.resolve(declaration, observed, check)
    warnings += world.warnings()
    plan = make_plan(declaration, observed)
    plan, observed = _look_closer(declaration, world, plan, scopes, observed, seen=going(declaration))
    plan.steps()
    if plan.missing:
        if not check:
            raise MissingError(str(plan.missing[0]))
        warnings += [str(missing) for missing in plan.missing]
    if check or not plan.changed:
        if ledger is not None and not check:
            ledger.settle(declaration, plan, observed)
        return Report(plan, tuple(warnings), observed)
    world.permit(plan.steps())
    with _guarded(guard, _way_back(plan, scopes, ledger), ledger):
        _carry_out(declaration, world, plan, scopes, wanted, ledger, observed)
    return Report(plan, tuple(dict.fromkeys((*warnings, *world.warnings()))), observed)


def _guarded(guard: Guard | None, take_back: TakeBack, ledger: Ledger | None) -> AbstractContextManager[None]:
    if guard is None:
        return nullcontext()
    return guard(take_back, ledger.begin_guarded() if ledger is not None else lambda: None)


def _look_closer(
    declaration: Declaration,
    world: World,
    plan: Plan,
    scopes: dict[str, set[str]],
    observed: dict[Key, Resource],
    seen: set[str],
) -> tuple[Plan, dict[Key, Resource]]:
    """Where links go, looks at all that goes with them, until nothing more turns up: taking it back needs that."""
    looked = set(seen)
    while plan.destructive() - looked:
        looked |= plan.destructive()
        for netns in looked:
            scopes[netns] = scopes.get(netns, set()) | GO_WITH_LINKS
        if plan.loose_ends():
            for key in observed:
                if key.kind == "netns":
                    scopes.setdefault(key.ident[0], set())
        # Elsewhere, links can sit on those that go.
        closer = {netns: kinds if netns in looked else set() for netns, kinds in scopes.items() if netns not in seen}
        observed = {**observed, **world.observe(closer, None)}
        plan = make_plan(declaration, observed)
    return plan, observed


def _carry_out(
    declaration: Declaration,
    world: World,
    plan: Plan,
    scopes: dict[str, set[str]],
    wanted: Wanted,
    ledger: Ledger | None,
    observed: Mapping[Key, Resource],
) -> None:
    if ledger is not None:
        ledger.announce(declaration, plan, observed)
    try:
        for _done in world.execute(plan.steps()):
            pass
    except (StepError, KernelError, MissingError) as problem:
        said = str(problem.error) if isinstance(problem, StepError) else str(problem)
        undone, left = _undo(world, plan, scopes)
        if undone and isinstance(problem, StepError) and _lost_namespace(plan, problem.step):
            undone, left = False, "what was in a deleted namespace does not come back"
        if ledger is not None and undone:
            ledger.withdraw()
        suffix = "; what this run had changed was taken back" if undone else f"; taking it back failed: {left}"
        raise ApplyError(said + suffix, undone) from None
    _verify(declaration, world, scopes, wanted, plan.touched())
    if ledger is not None:
        ledger.settle(declaration, plan, observed)


def _lost_namespace(plan: Plan, failed: Step) -> bool:
    """Whether a namespace had been deleted before the step that failed."""
    deleted = [step.key for step in plan.steps() if step.stage == Stage.REMOVE_NETNS]
    return failed.key in deleted and deleted.index(failed.key) > 0


def _verify(
    declaration: Declaration, world: World, scopes: dict[str, set[str]], wanted: Wanted, touched: set[str]
) -> None:
    """Looks again where something was done; what is still to do there, the kernel took and did something else."""
    there = Declaration(
        {key: resource for key, resource in declaration.desired.items() if key.netns in touched},
        {key: resource for key, resource in declaration.absent.items() if key.netns in touched},
        [exact for exact in declaration.exact if exact.netns in touched],
    )
    plan = make_plan(there, world.observe({n: kinds for n, kinds in scopes.items() if n in touched}, wanted))
    if not plan.changed:
        return
    change = plan.changes[0]
    problem = f"the kernel accepted all changes, but {describe(change.subject)}"
    if change.action is not Action.CHANGE or change.before is None or change.after is None:
        raise VerifyError(f"{problem} {'still exists' if change.after is None else 'does not exist'}")
    name = change.fields[0]
    wanted_value, got = change.after.values[name], change.before.values.get(name)
    raise VerifyError(f"{problem} has {name} {shown(name, got)} where {shown(name, wanted_value)} was wanted")


def _undo(world: World, plan: Plan, scopes: dict[str, set[str]]) -> tuple[bool, str]:
    """Plans from what exists now to what existed before, and carries that out as far as possible.

    Others may have been at work meanwhile. What cannot come back for that is left out, and said; all else does.
    """
    before = inverse(plan)
    scopes_before, wanted = scopes_of(before)
    for netns, kinds in scopes_before.items():
        scopes.setdefault(netns, set()).update(kinds)
    left, known = "", world.warnings()
    try:
        with suppress(ContainerlandError):
            before = world.resolve(before, world.observe(scopes, wanted), True)
        lost = "; ".join(warning for warning in world.warnings() if warning not in known)
        possible = Declaration(dict(before.desired), dict(before.absent), before.exact)
        for _attempt in range(len(before.desired) + len(before.absent) + 1):
            problem, key = _try_to_restore(possible, world, scopes, wanted)
            left = left or problem
            if key is None:
                break
            possible.desired.pop(key, None)
            possible.absent.pop(key, None)
        remaining = make_plan(before, world.observe(scopes, wanted))
    except ContainerlandError as problem:
        return False, left or str(problem)
    return not (remaining.changed or lost), left or lost or ", ".join(remaining.lines()[:3])


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


def _way_back(plan: Plan, scopes: Mapping[str, set[str]], ledger: Ledger | None) -> TakeBack:
    remember = ledger.way_back() if ledger is not None else None
    lost = any(change.key.kind == "netns" and change.after is None for change in plan.changes)

    def take_back(world: World) -> tuple[bool, str]:
        undone, left = _undo(world, plan, {netns: set(kinds) for netns, kinds in scopes.items()})
        if undone and remember is not None:
            remember()
        return undone, "what was in a deleted namespace does not come back" if undone and lost else left

    return take_back


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
    return declaration


def _as_before(change: Change) -> Resource:
    before = change.old
    if change.action is Action.CHANGE:
        # A port that comes back to its bridge begins anew.
        lost = (*PORT_FLAGS, "vlans") if "master" in change.fields else ()
        values = {n: before.values[n] for n in (*change.fields, *lost) if before.values.get(n) is not None}
        return Resource(before.key, values, partial=True)
    if change.action is Action.MOVE:
        return Resource(before.key, _settable(before.values), partial=True, source=change.key)
    return Resource(before.key, _settable(before.values), recreate=True)


def _settable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
