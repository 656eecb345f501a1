# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that must be confirmed: what the run itself does around it. The watchdog is in `watchdog.py`."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Callable

from .errors import ApplyError, ContainerlandError, GuardError
from .guard_options import OPTION
from .kernel.node import Node
from .kernel.world import KernelWorld
from .lock import NodeLock
from .pending import RESTORING_SECONDS, Pending, find, forget
from .taking_back import TakeBack
from .watchdog import APPLIED, COUNTING, FAILED, OVER, READY, RESTORED, Watchdog

_READY_SECONDS = 30


class Guard:
    """Stands over one run.

    Args:
        seconds: how long the controller may take to confirm.
        change: the name that the controller gave to it; without one, it gets its own.
        node: the node that the run works on, for what it has open.
        lock: the node's lock, which the watchdog keeps until all is decided.

    Attributes:
        stands: the change waits to be confirmed.
    """

    def __init__(self, seconds: int, change: str, node: Node, lock: NodeLock) -> None:
        self.change = change or secrets.token_hex(8)
        self.stands = False
        self._seconds = seconds
        self._node = node
        self._lock = lock

    @contextmanager
    def __call__(self, take_back: TakeBack, confirmed: Callable[[], None]) -> Iterator[None]:
        """Watches over what is done within; ends with the change waiting to be confirmed, or taken back.

        Args:
            confirmed: what is to be done once it is.

        Raises:
            GuardError: the watchdog could not be started (nothing was changed), or was killed (it was taken back).
            ApplyError: what went wrong within, with what became of it.
        """
        line = self._start(take_back, confirmed)
        try:
            yield
        except ApplyError as problem:
            if problem.undone:
                self._dismiss(line)
                raise
            raise self._taken_back(problem, line, take_back) from None
        except ContainerlandError as problem:
            raise self._taken_back(problem, line, take_back) from None
        else:
            self._hand_over(line, take_back)
        finally:
            # Without a word, this tells the watchdog to bring the old state back.
            line.close()

    def _start(self, take_back: TakeBack, confirmed: Callable[[], None]) -> socket.socket:
        if self._lock.handle < 0:
            raise GuardError(f"{OPTION}: needs a directory /run that can be written to")
        preload()
        pending = Pending(self.change, self._seconds)
        ours, theirs = socket.socketpair()
        watchdog = Watchdog(self._seconds, take_back, confirmed, self._node, theirs, pending, self._lock)
        try:
            child = os.fork()
            if child == 0:
                ours.close()
                watchdog.detach()
            os.waitpid(child, 0)
            theirs.close()
            ours.settimeout(_READY_SECONDS)
            if ours.recv(1) != READY:
                raise GuardError(f"{OPTION}: the watchdog did not start; nothing was changed")
        except OSError as problem:
            pending.remove()
            ours.close()
            raise GuardError(f"{OPTION}: cannot start the watchdog: {problem.strerror}; nothing was changed") from None
        except BaseException:
            pending.remove()
            ours.close()
            raise
        pending.close()
        self._lock.hand_over()
        return ours

    def _hand_over(self, line: socket.socket, take_back: TakeBack) -> None:
        answer = b""
        with suppress(OSError):
            line.sendall(APPLIED)
            answer = line.recv(1)
        if answer != COUNTING:
            raise self._taken_back(GuardError(f"{OPTION}: the watchdog was killed"), line, take_back, answer)
        self.stands = True

    def _dismiss(self, line: socket.socket) -> None:
        """The run has taken everything back itself; waits until the watchdog has left."""
        with suppress(OSError):
            line.sendall(OVER)
            line.recv(1)

    def _taken_back(
        self, problem: ContainerlandError, line: socket.socket, take_back: TakeBack, answer: bytes = b""
    ) -> ApplyError:
        """Has the watchdog bring the old state back, and waits for that; if there is none any more, does it here."""
        line.settimeout(RESTORING_SECONDS)
        try:
            line.shutdown(socket.SHUT_WR)
            while answer not in (RESTORED, FAILED):
                answer = line.recv(1)
                if not answer:
                    return _ended(problem, *self._alone(take_back))
        except socket.timeout:
            return _ended(problem, False, f"its watchdog was not done after {RESTORING_SECONDS} s")
        except OSError:
            return _ended(problem, *self._alone(take_back))
        found = find(self.change)
        forget(self.change)
        return _ended(problem, answer == RESTORED, found.content.get("left", "") if found is not None else "")

    def _alone(self, take_back: TakeBack) -> tuple[bool, str]:
        self._lock.keep()
        answer = take_back(KernelWorld(self._node))
        forget(self.change, all_states=True)
        return answer


def _ended(problem: ContainerlandError, done: bool, left: str) -> ApplyError:
    end = "what this run had changed was taken back" if done else f"taking it back failed: {left}"
    end += f"; {left}" if done and left else ""
    said = problem.said if isinstance(problem, ApplyError) else str(problem)
    return ApplyError(said, end, done)


def preload() -> None:
    """Imports all of the engine: the archive that it comes from is gone when the watchdog needs it."""
    package = importlib.import_module(__name__.rpartition(".")[0])
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        with suppress(ImportError):
            importlib.import_module(module.name)
