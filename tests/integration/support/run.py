# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules, called in this process as their runner does it, and through Ansible's own interface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_one, declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report, converge
from ansible_collections.containerland.net.plugins.module_utils._core.fields import parse
from ansible_collections.containerland.net.plugins.module_utils._core.info import INFO, look
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.lock import node_lock
from ansible_collections.containerland.net.plugins.module_utils._core.model import Step
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

Options = Mapping[str, Any]
CHECKOUT = Path(__file__).parents[3]


def apply(module: str, options: Options, *, check: bool = False, world: type[KernelWorld] = KernelWorld) -> Report:
    """What runner.py does between the options and the result; raises what it turns into a message."""
    with Node() as node:
        if module == "topology":
            declaration = declare_topology(options, node.canonical)
            given = {name: value for name, value in options.items() if value is not None}
        else:
            declaration = declare_one(module, options, node.canonical)
        if check:
            ledger = Ledger(Store(options["name"]), given, node.is_gone) if module == "topology" else None
            return converge(declaration, world(node), check=True, ledger=ledger)
        with node_lock():
            ledger = Ledger(Store(options["name"]), given, node.is_gone) if module == "topology" else None
            return converge(declaration, world(node), ledger=ledger)


def info(*refs: str, kinds: Sequence[str] | None = None) -> dict[str, Any]:
    """What network_info returns, for these namespaces or for all."""
    with Node() as node:
        given: dict[str, Any] = {"netns": list(refs)} if refs else {}
        options = parse(INFO, {**given, "kinds": kinds})
        found = list(dict.fromkeys(node.canonical(ref) for ref in options.get("netns", ["", *node.netns_names()])))
        result: dict[str, Any] = json.loads(json.dumps(look(KernelWorld(node), found, options.get("kinds"))))
        return result


def run_module(module: str, options: Options, *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """The module as Ansible runs it: a process of its own, arguments as JSON, the result on stdout."""
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/run"}
    path = os.pathsep.join([str(CHECKOUT / ".collections"), *(entry for entry in sys.path if entry)])
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "plugins" / "modules" / f"{module}.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout.strip(), done.stderr
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert "Traceback" not in done.stderr, done.stderr
    return result


class Interrupted(BaseException):
    """Stands for the process being killed between two changes."""


def breaking(after: int, problem: BaseException) -> type[KernelWorld]:
    """A kernel that carries out so many steps of the first run of steps, then raises the problem, once."""

    class Breaking(KernelWorld):
        broken = False

        def execute(self, steps: Sequence[Step]) -> Any:
            if self.broken or len(steps) <= after:
                yield from super().execute(steps)
                return
            self.broken = True
            yield from super().execute(steps[:after])
            if isinstance(problem, Exception):
                from ansible_collections.containerland.net.plugins.module_utils._core.kinds.base import StepError

                raise StepError(steps[after], problem)  # type: ignore[arg-type]
            raise problem

    return Breaking
