# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the modules in processes of their own, with a fault at one of the calls that change something."""

from __future__ import annotations

import io
import json
import os
import runpy
import selectors
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils import basic
from ansible_collections.containerland.net.plugins.module_utils._ansible import runner
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import netns
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.pyroute2_classes import load

from tests.faults.hook import Fault, Hook

Options = Mapping[str, Any]
CHECKOUT = Path(__file__).parents[2]
NO_FAULT = Fault()

# What takes longest to import, the children inherit.
_INHERITED = (
    runner,
    load("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg"),
    load("pyroute2.netlink.rtnl.fibmsg", "fibmsg"),
)


@dataclass(frozen=True)
class Outcome:
    """How a run of a module ended.

    Attributes:
        calls: the labels of the calls that changed something, in order.
        result: what it returned; None if it was killed.
        missed: changes that did not come through the hook.
    """

    calls: tuple[str, ...]
    result: dict[str, Any] | None
    missed: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        return "" if self.result is None else str(self.result.get("msg", ""))

    @property
    def failed(self) -> bool:
        return self.result is not None and bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return self.result is not None and bool(self.result.get("changed"))

    @property
    def fine(self) -> bool:
        return self.result is not None and not self.failed


@dataclass
class Running:
    """A module in a process of its own."""

    process: int
    told: int
    output: int

    def await_stop(self) -> None:
        """Until it has stopped at its fault."""
        _process, status = os.waitpid(self.process, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"it ended with {status}"

    def go_on(self) -> None:
        os.kill(self.process, signal.SIGCONT)

    def outcome(self) -> Outcome:
        told, output = _drain(self.told, self.output)
        _process, status = os.waitpid(self.process, 0)
        lines = told.decode().splitlines()
        missed = tuple(line for line in lines if line.startswith("missed "))
        labels = tuple(line for line in lines if not line.startswith("missed "))
        if os.WIFSIGNALED(status):
            return Outcome(labels, None, missed)
        text = output.decode()
        assert "Traceback" not in text and text.strip(), f"the module ended with {status} and said: {text}"
        result = next(line for line in reversed(text.splitlines()) if line.startswith("{"))
        return Outcome(labels, json.loads(result), missed)


def start(module: str, options: Options, fault: Fault = NO_FAULT, *, check: bool = False) -> Running:
    told, tell = os.pipe()
    output, out = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(told)
        os.close(output)
        _child(module, options, fault, tell, out, check)
    os.close(tell)
    os.close(out)
    return Running(process, told, output)


def run(module: str, options: Options, fault: Fault = NO_FAULT, *, check: bool = False) -> Outcome:
    """The module as Ansible runs it, but for the start of Python: arguments as JSON, the result on stdout."""
    return start(module, options, fault, check=check).outcome()


def _child(module: str, options: Options, fault: Fault, tell: int, out: int, check: bool) -> None:
    """Never returns."""
    status = 1
    try:
        os.setsid()
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), os.fdopen(1, "w"), os.fdopen(2, "w", closefd=False)
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/run"}
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        netns._libc.cache_clear()
        Hook(fault, tell).install()
        runpy.run_path(str(CHECKOUT / "plugins" / "modules" / f"{module}.py"), run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _drain(*descriptors: int) -> list[bytes]:
    """All that comes, until the other ends are closed."""
    found = {fd: bytearray() for fd in descriptors}
    with selectors.DefaultSelector() as waiting:
        for fd in descriptors:
            waiting.register(fd, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _events in waiting.select():
                data = os.read(key.fd, 1 << 16)
                found[key.fd] += data
                if not data:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
    return [bytes(found[fd]) for fd in descriptors]
