# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the servers of services, and takes those that fail out of them, until they answer again.

What is to be watched stands in a file that the role `services` writes; who fails, in another one, which that role
reads before it declares anything. Both put the same elements into the kernel (balance.py), so a run of the role neither
brings a failing server back nor takes it for a change.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

from . import state_file
from .balance import elements, label
from .declare import declare_topology, owner_name
from .engine import converge
from .errors import ContainerlandError, StoreError
from .health import Check, Judge, problem_of
from .health_files import CONFIGURATION, FORMAT, STATE, Failing, Service, read_failing, topology_lists
from .kernel.node import Node
from .kernel.world import KernelWorld
from .lock import node_lock
from .model import Action, Declaration

TICK_SECONDS = 0.2
# How often all services are compared with what is declared of them, whatever the opinions: a run of the playbook, or of
# `containerland-net restore`, may have put something else into the kernel meanwhile, and so may others.
REPAIR_SECONDS = 10.0
_ASKING_AT_ONCE = 64

Server = tuple[str, str]  # service, ADDRESS:PORT


@dataclass
class _Watched:
    """A server, and what is thought of it."""

    check: Check
    address: str
    port: int
    judge: Judge = field(default_factory=Judge)
    due: float = 0.0
    asked: Future[str] | None = None


class Watch:
    """Watches the services of one file.

    Args:
        name: of the file, and of the one that says who fails.
        say: told of each change of opinion and each problem, one line.
        apply: makes the services what they are without those that fail.
    """

    def __init__(
        self,
        name: str,
        say: Callable[[str], None],
        apply: Callable[[Sequence[Service], Failing], None],
        configuration: str = CONFIGURATION,
        state: str = STATE,
    ) -> None:
        self._path = os.path.join(configuration, f"{owner_name(name)}.json")
        self._state = os.path.join(state, f"{name}.json")
        self._say = say
        self._apply = apply
        self._read_as: tuple[int, int] = (0, 0)
        self._services: dict[str, Service] = {}
        self._servers: dict[Server, _Watched] = {}
        self._changed = False
        self._repair = 0.0
        self._pool = ThreadPoolExecutor(_ASKING_AT_ONCE)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop.

        Raises:
            StoreError: one of the files cannot be read or written.
        """
        try:
            while not stop.wait(TICK_SECONDS):
                self.tick(time.monotonic())
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def tick(self, now: float) -> None:
        """Reads the file if it is new, asks whom it is time to ask, hears the answers, and applies what follows."""
        self._read()
        for server, watched in self._servers.items():
            if watched.asked is not None and watched.asked.done():
                self._hear(server, watched, watched.asked.result())
                watched.asked, watched.due = None, now + watched.check.interval
            if watched.asked is None and now >= watched.due:
                arguments = (watched.check, watched.address, watched.port, server[0])
                watched.asked = self._pool.submit(problem_of, *arguments)
        if self._changed:
            self._write_state()
        if self._changed or now >= self._repair:
            self._apply(list(self._services.values()), self.failing())
            self._changed, self._repair = False, now + REPAIR_SECONDS

    def failing(self) -> dict[str, list[str]]:
        """Service → its servers that fail."""
        found: dict[str, list[str]] = {}
        for (service, server), watched in self._servers.items():
            if watched.judge.failing:
                found.setdefault(service, []).append(server)
        return found

    def _hear(self, server: Server, watched: _Watched, problem: str) -> None:
        if watched.judge.hear(not problem, watched.check):
            service, name = server
            self._say(f"{service}: {name} fails: {problem}" if problem else f"{service}: {name} answers again")
            self._changed = True

    def _read(self) -> None:
        """Opinions of servers that stay are kept; at the start, those of the process before this one."""
        try:
            seen = os.stat(self._path)
            if (seen.st_ino, seen.st_mtime_ns) == self._read_as:
                return
            services = {service["name"]: service for service in state_file.read(self._path, FORMAT)["services"]}
            failing = self.failing() if self._read_as != (0, 0) else read_failing(self._state)
            self._servers = {
                server: self._known(server, made, failing)
                for service in services.values()
                for server, made in _watched(service)
            }
        except OSError as problem:
            raise StoreError(f"cannot read {self._path}: {problem.strerror}") from None
        except (KeyError, TypeError):
            raise state_file.damaged(self._path) from None
        self._services, self._read_as = services, (seen.st_ino, seen.st_mtime_ns)
        self._changed = True

    def _known(self, server: Server, made: _Watched, failing: Failing) -> _Watched:
        known = self._servers.get(server)
        if known is not None:
            made.judge, made.due = known.judge, known.due
        else:
            made.judge = Judge(server[1] in failing.get(server[0], ()))
        return made

    def _write_state(self) -> None:
        directory = os.path.dirname(self._state)
        temporary = f"{self._state}.new"
        try:
            os.makedirs(directory, 0o755, exist_ok=True)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump({"failing": self.failing()}, file)
            os.rename(temporary, self._state)
        except OSError as problem:
            raise StoreError(f"cannot write {self._state}: {problem.strerror}") from None


def check_service(service: Service) -> None:
    """Raises KeyError, TypeError or AttributeError if something is missing that a watch needs."""
    elements(service)
    list(_watched(service))


def _watched(service: Service) -> Iterator[tuple[Server, _Watched]]:
    check = Check.of(service["health"])
    for server in service["servers"]:
        yield (service["name"], label(server)), _Watched(check, server["address"], server["port"])


def apply(services: Sequence[Service], failing: Failing) -> None:
    """Changes what is there. What is not, or is too much, is left to those who are just making or removing it.

    Raises:
        ContainerlandError: the node's lock is held for too long, or the kernel refuses.
    """
    lists = topology_lists(services, failing)
    with node_lock(), Node() as node:
        wanted = declare_topology({"name": "health", **lists}, node.canonical)
        foretold = converge(wanted, KernelWorld(node), check=True)
        changed = {change.key for change in foretold.plan.changes if change.action is Action.CHANGE}
        if changed:
            there = {key: resource for key, resource in wanted.desired.items() if key in changed}
            converge(Declaration(there), KernelWorld(node))


def watch(name: str, say: Callable[[str], None]) -> None:
    """Watches until it is told to stop by a signal; what goes wrong with the kernel is said and tried again.

    Raises:
        StoreError: one of the files cannot be read or written.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: stop.set())

    said = [""]

    def apply_or_say(services: Sequence[Service], failing: Failing) -> None:
        problem = ""
        try:
            apply(services, failing)
        except ContainerlandError as found:
            problem = str(found)
        if problem != said[0] and problem:
            say(f"{problem}; this is tried again every {REPAIR_SECONDS:.0f} s")
        said[0] = problem

    Watch(name, say, apply_or_say).run(stop)
