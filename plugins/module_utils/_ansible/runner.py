# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module's main does: options in, result out, errors as one sentence."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from .._core.archive import compile_once

# Before the rest of the core is imported. What few tasks need is imported where it is used, for the same reason: a
# module comes as source, and that is compiled for every task.
compile_once()
# The process ends with its task, and leaves hardly anything in cycles meanwhile.
gc.disable()

from .._core.declare import declare_one
from .._core.engine import Report, converge
from .._core.errors import ContainerlandError
from .._core.fields import Fields, parse
from .._core.guard_options import DIRECTORY, GUARD, OPTION, module_fields
from .._core.kernel.node import Node
from .._core.kernel.world import KernelWorld
from .._core.kinds.registry import DECLARATIONS
from .._core.lock import NodeLock, node_lock
from .._core.model import Declaration
from .module import Module

if TYPE_CHECKING:
    from .._core.guard import Guard
    from .._core.ownership import Ledger


def guarded(module: Module, work: Callable[[Node], Mapping[str, Any]]) -> NoReturn:
    """Runs the work and leaves with its result, or with one sentence about what went wrong."""
    try:
        with Node() as node:
            result = work(node)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    except Exception as problem:
        import traceback

        said = f"this is a defect of the collection, please report it: {type(problem).__name__}: {problem}"
        module.fail_json(msg=said, exception=traceback.format_exc())
    module.exit_json(**printable(result))
    raise SystemExit(0)


def printable(said: Any) -> Any:
    """The same, with escapes for what is no text: the kernel cuts texts anywhere, and others may write anything."""
    if isinstance(said, str):
        return said if said.isascii() else said.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(said, Mapping):
        return {name: printable(value) for name, value in said.items()}
    return [printable(value) for value in said] if isinstance(said, (list, tuple)) else said


def _converge(
    name: str, module: Module, node: Node, declare: Callable[[], Declaration], ledger: Callable[[], Ledger | None]
) -> tuple[Report, dict[str, Any]]:
    """Args: declare: opens namespaces, which another run may delete and make anew: not before the lock is held."""
    world = KernelWorld(node)
    object_name = module.params.get("name")
    title = f"{name}{f' {object_name!r}' if object_name else ''}, process {os.getpid()}"
    if module.check_mode:
        report = converge(declare(), world, check=True, ledger=ledger(), progress=node.progress)
        return report, _result(module, report)
    with node_lock() as lock:
        node.progress.tell = lambda line: lock.tell(f"{title}: {line}")
        declaration = declare()
        for warning in _leftovers():
            module.warn(warning)
        guard = _guard(module, node, lock)
        report = converge(declaration, world, ledger=ledger(), guard=guard, progress=node.progress)
        result = _result(module, report)
    # Tells the action plugin that the change waits to be confirmed.
    return report, {**result, "confirm": guard.change} if guard is not None and guard.stands else result


def _leftovers() -> list[str]:
    if not os.path.isdir(DIRECTORY):
        return []
    from .._core.pending import leftovers

    return leftovers()


def _guard(module: Module, node: Node, lock: NodeLock) -> Guard | None:
    seconds = module.params.get(OPTION)
    if not seconds:
        return None
    from .._core.guard import Guard

    return Guard(seconds, module.change, node, lock)


def _own_options(module: Module, fields: Fields) -> dict[str, Any]:
    """The options that declare something; those of the guard are checked here."""
    parse(GUARD, {OPTION: module.params.get(OPTION)})
    return {name: value for name, value in module.params.items() if name in fields}


def _result(module: Module, report: Report) -> dict[str, Any]:
    for warning in report.warnings:
        module.warn(printable(warning))
    result: dict[str, Any] = {"changed": report.changed, "plan": report.plan.lines()}
    if module._diff:
        result["diff"] = report.plan.diff()
    return result


def run(name: str) -> NoReturn:
    """The main of a module for one kind of object."""
    fields = DECLARATIONS[name].fields
    module = Module(module_fields(name, fields))

    def work(node: Node) -> dict[str, Any]:
        options = _own_options(module, fields)
        return _converge(name, module, node, lambda: declare_one(name, options, node.canonical), lambda: None)[1]

    guarded(module, work)


def run_topology() -> NoReturn:
    """The main of the module topology."""
    from .._core.declare import declare_topology, topology_fields
    from .._core.ownership import Ledger
    from .._core.store import Store

    fields = topology_fields()
    module = Module(module_fields("topology", fields))

    def work(node: Node) -> dict[str, Any]:
        options = _own_options(module, fields)
        # What is restored later takes what runs then, in any case.
        given = {name: value for name, value in options.items() if value is not None and name != "stopped"}

        def declare() -> Declaration:
            if options.get("stopped") != "leave_out":
                return declare_topology(options, node.canonical)
            from .._core.remembered import declare_what_runs

            declaration, left_out = declare_what_runs(options, node)
            for line in left_out:
                module.warn(line)
            return declaration

        report, result = _converge(
            "topology",
            module,
            node,
            declare,
            lambda: Ledger(Store(module.params["name"]), given, node.is_gone),
        )
        seconds = {name: round(taken, 3) for name, taken in node.progress.seconds.items()}
        return {**result, "counts": report.plan.counts(), "seconds": seconds}

    guarded(module, work)


def run_info() -> NoReturn:
    """The main of the module network_info."""
    from .._core.info import INFO, look

    module = Module(INFO)

    def work(node: Node) -> dict[str, Any]:
        options = parse(INFO, module.params)
        refs = options.get("netns", ["", *node.netns_names()])
        return {"changed": False, **look(KernelWorld(node), _distinct(node, refs), options.get("kinds"))}

    guarded(module, work)


def run_ipvs_info() -> NoReturn:
    """The main of the module ipvs_info."""
    from .._core import ipvs_info

    module = Module(ipvs_info.IPVS_INFO)

    def work(node: Node) -> dict[str, Any]:
        refs = parse(ipvs_info.IPVS_INFO, module.params).get("netns", [""])
        return {"changed": False, **ipvs_info.look(node, _distinct(node, refs))}

    guarded(module, work)


def _distinct(node: Node, refs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(node.canonical(ref) for ref in refs))
