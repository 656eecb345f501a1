# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a node again what its state files say, as after a boot: every owner's network, then the commands in it.

Namespaces of processes and containers do not come back as they were: a process number is somebody else's after a
boot, and containers are started later. So what was in them, or led there, is left out, and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Callable

from . import commands
from .declare import declare_topology, owner_name
from .engine import Report, converge
from .errors import ContainerlandError, StoreError
from .kernel.node import Node, is_name
from .kernel.world import KernelWorld
from .kinds import KINDS
from .lock import node_lock
from .model import Declaration, Key, Resource
from .ownership import Ledger
from .pending import leftovers
from .state_file import owners, this_boot
from .store import Store

Attempt = Callable[[], "list[str]"]


@dataclass(frozen=True)
class Outcome:
    """What became of one state file.

    Attributes:
        name: whose file it is; '' for none.
        lines: what was changed.
        warnings: what the administrator should know.
        problem: why it could not be restored; '' if it was.
    """

    name: str
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""


def restore() -> Iterator[Outcome]:
    """Restores all that it can; one file that cannot be restored does not keep it from the others.

    Raises:
        LockError: another run holds the node's lock.
        StoreError: the directory of the state files cannot be read.
    """
    with node_lock():
        yield Outcome("", warnings=tuple(leftovers()))
        waiting, progress = owners(), True
        failed: dict[str, Outcome] = {}
        # What one owner made may be what another one's objects refer to, so as long as anything succeeds, what
        # failed is tried again.
        while waiting and progress:
            failed, progress = {}, False
            for name in waiting:
                outcome = _tried(name, _restore_network)
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


def _restore_network(name: str) -> Outcome:
    try:
        store = Store(owner_name(name))
    except ValueError as problem:
        raise StoreError(f"'{name}.json' is not the state file of a topology: {problem}") from None
    with Node() as node:
        store.load()
        if store.unconfirmed and store.boot != this_boot():
            store.revert()
            store = Store(name)
            store.load()
        if not store.declared:
            return Outcome(name)
        again = store.boot == this_boot()
        ledger = Ledger(store, store.declared, node.is_gone if again else passes)
        declaration = declare_topology(store.declared, node.canonical if again else _kept(node))
        left_out = [] if again else leave_out(declaration)
        report: Report = converge(declaration, KernelWorld(node), ledger=ledger)
    said = [f"left out, for it was lost at the last reboot: netns '{ref}' and all that leads there" for ref in left_out]
    return Outcome(name, tuple(report.plan.lines()), (*said, *report.warnings))


def _restore_commands(name: str) -> Outcome:
    kept = commands.load(name)
    lost = sorted({c.netns for c in kept.commands.values() if passes(c.netns)} if kept.boot != this_boot() else ())
    wanted = {name: c for name, c in kept.commands.items() if c.netns not in lost}
    done = commands.reconcile(name, wanted, kept.supervisor)
    said = tuple(f"not started, for it was lost at the last reboot: what ran in netns '{ref}'" for ref in lost)
    return Outcome(name, tuple(f"start '{command}'" for command in done.started), said)


def passes(ref: str) -> bool:
    """Whether a reference does not stand for the same namespace in every boot."""
    return bool(ref) and not is_name(ref)


def _kept(node: Node) -> Callable[[str], str]:
    """Canonical references without a look at those that stand for something else by now."""
    return lambda ref: ref if passes(ref) else node.canonical(ref)


def leave_out(declaration: Declaration) -> list[str]:
    """Takes out what is in namespaces that pass, and all that refers to it; returns their references."""
    gone: set[Key] = set()
    refs: set[str] = set()
    while True:
        found = [r for r in declaration.desired.values() if any(passes(k.netns) or k in gone for k in _needs(r))]
        if not found:
            return sorted(refs)
        for resource in found:
            refs |= {key.netns for key in _needs(resource) if passes(key.netns)}
            gone.add(resource.key)
            del declaration.desired[resource.key]


def _needs(resource: Resource) -> Iterator[Key]:
    """The object itself, and those without which there is none."""
    yield resource.key
    yield from (key for _option, key in KINDS[resource.key.kind].references(resource))
    if resource.source is not None:
        yield resource.source
    peer = resource.values.get("peer")
    if peer:
        yield Key("link", *_place(peer))


def _place(peer: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    netns, name = peer
    return netns, (name,)
