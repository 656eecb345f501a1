# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe → plan → apply → verify, with what a failed run did taken back. The one way in which anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from .errors import ApplyError, ContainerlandError, MissingError, StoreError, VerifyError
from .kinds.base import StepError
from .kinds.registry import GO_WITH_LINKS
from .model import Action, Declaration, Key, Resource, Stage, Step, describe
from .plan import Plan, make_plan
from .progress import Progress
from .scopes import World, going, scopes_of
from .show import shown
from .taking_back import Asides, TakeBack, look_aside, take_back, takes_namespaces, way_back

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


# Stands over a change: gets what takes it back, and what is to be done when it is confirmed.
Guard = Callable[[TakeBack, "Callable[[], None]"], "AbstractContextManager[None]"]


def converge(
    declaration: Declaration,
    world: World,
    *,
    check: bool = False,
    ledger: Ledger | None = None,
    guard: Guard | None = None,
    progress: Progress | None = None,
) -> Report:
    """Makes what exists agree with the declaration.

    Args:
        check: stop before anything is changed.
        ledger: what the owner applied before; without one, nothing is pruned or remembered.
        guard: what stands over the changes, if there are any.
        progress: gets to know how far it is.

    Raises:
        ContainerlandError: one of its kinds; ApplyError and VerifyError after changes, the others before any.
    """
    progress = progress or Progress()
    warnings: list[str] = []
    with progress.phase("observe"):
        if ledger is not None:
            declaration = ledger.prune(declaration)
        scopes, wanted = scopes_of(declaration)
        observed = world.observe(scopes, wanted)
    with progress.phase("plan"):
        if ledger is not None:
            warnings += ledger.spare_foreign(declaration, observed)
        declaration = world.resolve(declaration, observed, check)
        warnings += world.warnings()
        plan = make_plan(declaration, observed)
        plan, observed = _look_closer(declaration, world, plan, scopes, observed, seen=going(declaration))
        warnings += _foreseen(plan, check)
    if check:
        return Report(plan, tuple(warnings), observed)
    if not plan.changed:
        world.tidy(declaration)
        if ledger is not None:
            ledger.settle(declaration, plan, observed)
        return Report(plan, tuple(warnings), observed)
    world.permit(plan.steps())
    asides = look_aside(plan, world, ledger)
    with _guarded(guard, way_back(plan, scopes, ledger, asides), ledger):
        _carry_out(declaration, world, plan, scopes, ledger, observed, asides, progress)
    return Report(plan, tuple(dict.fromkeys((*warnings, *world.warnings()))), observed)


def _foreseen(plan: Plan, check: bool) -> list[str]:
    """What stands in the way before anything is changed: an error, or in check mode a warning."""
    plan.steps()
    if plan.missing and not check:
        raise MissingError(str(plan.missing[0]))
    return [str(missing) for missing in plan.missing]


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
    ledger: Ledger | None,
    observed: Mapping[Key, Resource],
    asides: Asides,
    progress: Progress,
) -> None:
    if ledger is not None:
        ledger.announce(declaration, plan, observed, asides.lent)
    applied = False
    try:
        with progress.phase("apply"):
            steps = plan.steps()
            for done in world.execute(steps):
                progress.tell(f"apply, {done} of {len(steps)} requests")
        applied = True
        with progress.phase("verify"):
            _verify(declaration, world, plan.touched(declaration))
        world.tidy(declaration)
        if ledger is not None:
            ledger.settle(declaration, plan, observed)
    except (StepError, ContainerlandError) as problem:
        said = str(problem.error) if isinstance(problem, StepError) else str(problem)
        if applied and takes_namespaces(plan):
            raise _not_taken_back(problem, said) from None
        undone, left = take_back(world, plan, scopes, asides)
        if undone and isinstance(problem, StepError) and _lost_namespace(plan, problem.step):
            undone, left = False, "what was in a deleted namespace does not come back"
        end = "what this run had changed was taken back" if undone else f"taking it back failed: {left}"
        if ledger is not None and undone:
            try:
                ledger.withdraw()
            except StoreError as unsaved:
                end += f"; {unsaved}"
        raise ApplyError(said, end, undone) from None


def _not_taken_back(problem: Exception, said: str) -> ContainerlandError:
    """All is done, namespaces are deleted, and what was in them does not come back."""
    if isinstance(problem, StoreError):
        return StoreError(f"all was changed as asked, but: {said}")
    return VerifyError(f"{said}; this is not taken back, for what was in a deleted namespace does not come back")


def _lost_namespace(plan: Plan, failed: Step) -> bool:
    """Whether a namespace had been deleted before the step that failed."""
    deleted = [step.key for step in plan.steps() if step.stage == Stage.REMOVE_NETNS]
    return failed.key in deleted and deleted.index(failed.key) > 0


def _verify(declaration: Declaration, world: World, touched: set[str]) -> None:
    """Looks again where something was done. What others, or later steps, undid meanwhile is done once more; whatever is
    still to do then, the kernel took and did something else.
    """
    there = Declaration(
        {key: resource for key, resource in declaration.desired.items() if key.netns in touched},
        {key: resource for key, resource in declaration.absent.items() if key.netns in touched},
        [exact for exact in declaration.exact if exact.netns in touched],
    )
    scopes, wanted = scopes_of(there, afterwards=True)
    scopes = {netns: kinds for netns, kinds in scopes.items() if netns in touched}
    plan = make_plan(there, world.observe(scopes, wanted, again=True))
    if plan.changed:
        for _done in world.execute(plan.steps()):
            pass
        plan = make_plan(there, world.observe(scopes, wanted, again=True))
    if not plan.changed:
        return
    change = plan.changes[0]
    problem = f"the kernel accepted all changes, but {describe(change.subject)}"
    if change.action is not Action.CHANGE or change.before is None or change.after is None:
        raise VerifyError(f"{problem} {'still exists' if change.after is None else 'does not exist'}")
    name = change.fields[0]
    wanted_value, got = change.after.values[name], change.before.values.get(name)
    raise VerifyError(f"{problem} has {name} {shown(name, got)} where {shown(name, wanted_value)} was wanted")
