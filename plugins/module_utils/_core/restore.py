# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a node again what its state files say, after a boot or a drift: every owner's network, then its commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable

from . import commands
from .engine import converge
from .errors import ContainerlandError
from .kernel.node import Node
from .kernel.world import KernelWorld
from .lock import node_lock
from .pending import leftovers
from .remembered import passes, recall, store_of, watched_services
from .state_file import owners, this_boot


@dataclass(frozen=True)
class Outcome:
    """What became of one state file.

    Attributes:
        name: whose file it is; '' for none.
        lines: what was changed.
        warnings: what the administrator should know.
        left_out: what could not be there, and is left out.
        problem: why it could not be restored; '' if it was.
    """

    name: str
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    problem: str = ""


def restore() -> Iterator[Outcome]:
    """Restores all that it can; one file that cannot be used does not keep it from the others, and is left as it is.

    Raises:
        LockError: another run holds the node's lock.
        StoreError: the directory of the state files cannot be read.
    """
    with node_lock():
        yield Outcome("", warnings=tuple(leftovers()))
        watched, problems = watched_services()
        yield from (Outcome("watched services", problem=problem) for problem in problems)
        waiting, progress = owners(), True
        failed: dict[str, Outcome] = {}
        # What one owner made may be what another one's objects refer to, so as long as anything succeeds, what
        # failed is tried again.
        while waiting and progress:
            failed, progress = {}, False
            for name in waiting:
                outcome = _tried(name, partial(_restore_network, watched))
                if outcome.problem:
                    failed[name] = outcome
                else:
                    progress = True
                    yield outcome
            waiting = list(failed)
        yield from failed.values()
        for name in commands.owners():
            yield replace(_tried(name, _restore_commands), name=f"commands of {name}")


def _tried(name: str, attempt: Callable[[str], Outcome]) -> Outcome:
    try:
        return attempt(name)
    except ContainerlandError as problem:
        return Outcome(name, problem=str(problem))
    except Exception as problem:  # the other files are not to suffer for it
        said = f"this is a defect of containerland.net, please report it: {type(problem).__name__}: {problem}"
        return Outcome(name, problem=said)


def _restore_network(watched: Mapping[str, Any], name: str) -> Outcome:
    store = store_of(name)
    with Node() as node:
        known = recall(store, node, watched)
        if known.unconfirmed:
            store.revert()
            store = store_of(name)
            known = recall(store, node, watched)
        if not known.declared:
            return Outcome(name)
        report = converge(known.declaration, KernelWorld(node), ledger=known.ledger)
    return Outcome(name, tuple(report.plan.lines()), report.warnings, known.left_out)


def _restore_commands(name: str) -> Outcome:
    wanted, left_out = commands_of(name)
    done = commands.reconcile(name, wanted.commands, wanted.supervisor)
    return Outcome(name, command_lines(done), left_out=left_out)


def commands_of(name: str) -> tuple[commands.Kept, tuple[str, ...]]:
    """What should run for an owner, and what is left out of that.

    Raises:
        StoreError: the file is damaged, of a newer version, or unreadable.
    """
    kept = commands.load(name)
    lost = {c.netns for c in kept.commands.values() if passes(c.netns)} if kept.boot != this_boot() else set()
    wanted = {name: c for name, c in kept.commands.items() if c.netns not in lost}
    said = (f"not started, for it was lost at the last reboot: what ran in netns '{ref}'" for ref in sorted(lost))
    return replace(kept, commands=wanted), tuple(said)


def command_lines(done: commands.Done) -> tuple[str, ...]:
    """What was done, or would be, in words."""
    stopped = [f"stop '{command}'" for command in done.stopped if command not in done.started]
    return (*stopped, *(f"start '{command}'" for command in done.started))
