# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an owner declared last, as far as it can be there: from its state file to a declaration.

Namespaces of processes and containers do not come back as they were: a process number is somebody else's after a
boot, and containers are started later, or stopped. So what was in them, or led there, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable

from . import health_files
from .canonical import is_name
from .declare import declare_topology, owner_name
from .errors import StoreError
from .kernel.node import Node
from .kernel.refs import ENGINES
from .kinds.registry import KINDS
from .model import Declaration, Key, Resource
from .ownership import Ledger
from .state_file import this_boot
from .store import Store


@dataclass(frozen=True)
class Remembered:
    """What an owner declared last.

    Attributes:
        declared: the options.
        unconfirmed: they are of a guarded change that was not confirmed before the node booted.
        left_out: what of it is left out, a line for each reason.
    """

    declared: Mapping[str, Any]
    declaration: Declaration
    ledger: Ledger
    unconfirmed: bool
    left_out: tuple[str, ...]


def store_of(name: str) -> Store:
    """The state file of a name that was found on the disk.

    Raises:
        StoreError: no topology has such a name.
    """
    try:
        return Store(owner_name(name))
    except ValueError as problem:
        raise StoreError(f"'{name}.json' is not the state file of a topology: {problem}") from None


def recall(store: Store, node: Node, watched: Mapping[str, Any]) -> Remembered:
    """Reads what is remembered.

    Args:
        watched: what is declared of services whose servers are watched; it prevails.

    Raises:
        ContainerlandError: the file cannot be used, or what it names cannot be looked at.
    """
    store.load()
    store.declares_again()
    again = store.boot == this_boot()
    own = store.declared_boot == this_boot()

    def is_gone(ref: str) -> bool:
        if not again:
            return passes(ref)
        # Containers are found by their names in every boot; a process or a path may be somebody else's by now.
        return node.is_gone(ref) or (not own and passes(ref) and ref.partition(":")[0] not in ENGINES)

    ledger = Ledger(store, store.declared, is_gone)
    unconfirmed = store.unconfirmed and not again
    if not store.declared:
        return Remembered({}, Declaration(), ledger, unconfirmed, ())
    since = "it is gone" if own else "it is gone since the last reboot"
    when = since if again else "it was lost at the last reboot"
    declaration, left_out = _without(store.declared, node, is_gone, when)
    _prevail(declaration, watched, node)
    return Remembered(store.declared, declaration, ledger, unconfirmed, left_out)


def declare_what_runs(options: Mapping[str, Any], node: Node) -> tuple[Declaration, tuple[str, ...]]:
    """The declaration of a topology without what is in containers that do not run; and what is left out, in lines.

    Raises:
        InputError: with the option's path.
    """
    return _without(options, node, node.is_gone, "it does not run")


def _without(
    options: Mapping[str, Any], node: Node, is_gone: Callable[[str], bool], when: str
) -> tuple[Declaration, tuple[str, ...]]:
    declaration = declare_topology(options, lambda ref: ref if is_gone(ref) else node.canonical(ref))
    lost = leave_out(declaration, is_gone)
    return declaration, tuple(f"left out, for {when}: netns '{ref}' and all that leads there" for ref in lost)


def passes(ref: str) -> bool:
    """Whether a reference does not stand for the same namespace in every boot."""
    return bool(ref) and not is_name(ref)


def leave_out(declaration: Declaration, is_gone: Callable[[str], bool]) -> list[str]:
    """Takes out what is in namespaces that are gone, and all that refers to it; returns their references."""
    refs = {key.netns for resource in declaration.desired.values() for key in _needs(resource)}
    refs |= {key.netns for key in declaration.absent} | {exact.netns for exact in declaration.exact}
    lost = {ref for ref in refs if is_gone(ref)}
    gone: set[Key] = set()
    while lost:
        found = [r for r in declaration.desired.values() if any(k.netns in lost or k in gone for k in _needs(r))]
        if not found:
            break
        for resource in found:
            gone.add(resource.key)
            del declaration.desired[resource.key]
    for key in [key for key in declaration.absent if key.netns in lost]:
        del declaration.absent[key]
    links = {(key.netns, key.ident[0]) for key in gone if key.kind == "link"}
    declaration.exact[:] = [e for e in declaration.exact if e.netns not in lost and (e.netns, e.device) not in links]
    return sorted(lost)


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


def watched_services() -> tuple[dict[str, Any], list[str]]:
    """What is declared of watched services, without the servers that fail: lists of a topology; and what is amiss.

    Else a server that fails would get connections until the program that watches it looks again.
    """
    lists: dict[str, Any] = {}
    problems = []
    for name in health_files.names():
        try:
            for option, elements in health_files.lists_of(name).items():
                lists.setdefault(option, []).extend(elements)
        except StoreError as problem:
            problems.append(str(problem))
    return lists, problems


def _prevail(declaration: Declaration, watched: Mapping[str, Any], node: Node) -> None:
    if not watched:
        return
    theirs = declare_topology({"name": "health", **watched}, node.canonical).desired
    for key, resource in declaration.desired.items():
        with suppress(KeyError):
            declaration.desired[key] = resource._replace(values=theirs[key].values)
