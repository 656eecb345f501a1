# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared on a node, and what differs from that: a look that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable

from . import commands, health_files, pending
from .declare import LISTS
from .engine import converge
from .errors import ConflictError, ContainerlandError, LockError
from .kernel.node import Node
from .kernel.world import KernelWorld
from .lock import node_lock
from .remembered import recall, store_of, watched_services
from .restore import command_lines, commands_of
from .state_file import owners

# In seconds; who holds the lock for longer is at work, so that what is seen now would not hold.
PATIENCE = 10.0


@dataclass(frozen=True)
class Finding:
    """What is known of one state file.

    Attributes:
        declared: option of the topology → how many elements.
        differences: what would be done to repair it, in the lines of a plan.
        warnings: what the administrator should know.
        problem: why it cannot be told whether anything differs; '' if it can.
    """

    name: str
    declared: Mapping[str, int] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""

    @property
    def state(self) -> str:
        if self.problem:
            return "unknown"
        return "differs" if self.differences else "in sync"

    def lines(self) -> Iterator[str]:
        counts = ", ".join(f"{number} {name}" for name, number in self.declared.items())
        says = {"in sync": "as declared", "differs": f"differs in {len(self.differences)}", "unknown": "unknown"}
        yield f"{self.name}: {f'{counts}: ' if counts else ''}{says[self.state]}"
        yield from (f"  {line}" for line in (*self.differences, self.problem, *self.warnings) if line)

    def as_dict(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "declared": dict(self.declared),
            "differences": list(self.differences),
            "warnings": list(self.warnings),
            "problem": self.problem,
        }


@dataclass(frozen=True)
class Status:
    """What is known of the node.

    Attributes:
        owners, commands: of each owner, its network and the commands in it.
        failing: service → its servers that do not answer.
        problem: what concerns them all.
    """

    owners: tuple[Finding, ...] = ()
    commands: tuple[Finding, ...] = ()
    failing: Mapping[str, list[str]] = field(default_factory=dict)
    problem: str = ""

    @property
    def state(self) -> str:
        """The worst of all: one that is unknown may differ in more than one that is known to differ."""
        found = {finding.state for finding in (*self.owners, *self.commands)}
        return next((state for state in ("unknown", "differs") if state in found or self.problem), "in sync")

    def lines(self) -> Iterator[str]:
        for finding in (*self.owners, *self.commands):
            yield from finding.lines()
        for service, servers in self.failing.items():
            yield f"service {service}: no answer from {', '.join(servers)}"
        if not self.owners and not self.commands and not self.problem:
            yield "nothing is declared"

    def as_dict(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "owners": {finding.name: finding.as_dict() for finding in self.owners},
            "commands": {finding.name.partition("commands of ")[2]: finding.as_dict() for finding in self.commands},
            "failing": dict(self.failing),
            "problem": self.problem,
        }


def look() -> Status:
    """Compares all that is declared with what there is.

    Raises:
        LockError: somebody is just changing the network.
        StoreError: the directory of the state files cannot be read.
    """
    busy = pending.waiting()
    if busy:
        raise LockError(busy)
    with node_lock(PATIENCE):
        watched, problems = watched_services()
        networks = tuple(_found(name, name, partial(_network, watched)) for name in owners())
        running = tuple(_found(f"commands of {name}", name, _commands) for name in commands.owners())
        failing = {
            service: sorted(servers)
            for name in health_files.names()
            for service, servers in health_files.failing_of(name).items()
            if servers
        }
    return Status(networks, running, failing, "; ".join(problems))


def _found(title: str, name: str, inspect: Callable[[str, str], Finding]) -> Finding:
    try:
        return inspect(title, name)
    except ContainerlandError as problem:
        return Finding(title, problem=str(problem))
    except Exception as problem:  # the others are told all the same
        said = f"this is a defect of containerland.net, please report it: {type(problem).__name__}: {problem}"
        return Finding(title, problem=said)


def _network(watched: Mapping[str, Any], title: str, name: str) -> Finding:
    store = store_of(name)
    with Node() as node:
        known = recall(store, node, watched)
        counts = {option: len(known.declared[option]) for option in (*LISTS, "sysctls") if known.declared.get(option)}
        if known.unconfirmed:
            undone = "take back a change that was not confirmed before the node booted"
            return Finding(title, counts, (undone,), known.left_out)
        if not known.declared:
            return Finding(title)
        try:
            report = converge(known.declaration, KernelWorld(node), check=True, ledger=known.ledger)
        except ConflictError as problem:
            return Finding(title, counts, (str(problem),), known.left_out)
    missing = tuple(str(missing) for missing in report.plan.missing)
    warnings = tuple(warning for warning in report.warnings if warning not in missing)
    return Finding(title, counts, (*missing, *report.plan.lines()), (*known.left_out, *warnings))


def _commands(title: str, name: str) -> Finding:
    wanted, left_out = commands_of(name)
    done = commands.reconcile(name, wanted.commands, wanted.supervisor, check=True)
    return Finding(title, {"commands": len(wanted.commands)}, command_lines(done), left_out)
