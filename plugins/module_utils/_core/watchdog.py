# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that outlive a guarded run, and bring the old state back unless it is confirmed.

There are two, parent and child, in a session of their own. The child decides; when it is killed, the parent takes
its place, and when the parent is killed, the child brings the old state back. So never do two of them act.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Callable, NoReturn

from .kernel.node import Node
from .kernel.world import KernelWorld
from .lock import NodeLock
from .pending import Pending, State, now
from .taking_back import TakeBack

# What the run and its watchdog tell each other, a byte each; the run's end without a word means that it was killed.
READY, APPLIED, OVER, COUNTING, REFUSED, RESTORED, FAILED = b"r", b"a", b"o", b"c", b"n", b"R", b"F"

_TICK_MS = 100
_TRIES = 3
_PROGRAM_SECONDS = 15
# TCP repeats what the change kept from arriving after as long again as it has waited, but at most 120 s.
_LEAST_REPORT_SECONDS, _MOST_TCP_WAIT = 60, 120

_DEADLINE = "no new connection from the controller confirmed it within {} s"
_NO_WATCHDOG = "a process of its watchdog was killed"
_NO_RUN = "the run was killed before it was done"
_STOPPED = "its watchdog was told to end"


class Watchdog:
    """Made by the run, and copied with all its memory into the processes that watch it.

    Args:
        seconds: how long a confirmation may take.
        line: to the run.
        pending: the change's file, open.
        lock: the node's lock, held.
    """

    def __init__(
        self,
        seconds: int,
        take_back: TakeBack,
        confirmed: Callable[[], None],
        node: Node,
        line: socket.socket,
        pending: Pending,
        lock: NodeLock,
    ) -> None:
        self._seconds = seconds
        self._take_back = take_back
        self._confirmed = confirmed
        self._node = node
        self._line = line
        self._pending = pending
        self._lock = lock
        self._run = (os.getpgrp(), _started(os.getpid()))
        self._reason = ""

    def detach(self) -> NoReturn:
        """In a child of the run: makes the two processes, of which the run knows nothing, and ends."""
        try:
            os.setsid()
            if os.fork() == 0:
                self._become_parent()
        finally:
            os._exit(0)

    def _become_parent(self) -> NoReturn:
        status = 1
        try:
            self._let_go()
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(writer)
                self._become_child(reader)
            os.close(reader)
            _pid, status = os.waitpid(child, 0)
            if status:
                self._reason = _NO_WATCHDOG
                # The child may have taken the run's last word along.
                self._tell(REFUSED)
                self._watch()
            self._lock.leave()
            self._keep_report()
        finally:
            os._exit(0)

    def _become_child(self, parent: int) -> NoReturn:
        status = 1
        try:
            told, tell = os.pipe()
            signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"t"))
            self._line.sendall(READY)
            self._watch(parent, told)
            if not _alive(parent):
                self._keep_report()
            status = 0
        finally:
            os._exit(status)

    def _let_go(self) -> None:
        """Shares nothing with the run but its memory, the lock, the line and what namespaces it holds."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.chdir("/")
        self._lock.hand_over()
        self._node.after_fork()
        kept = {self._line.fileno(), self._pending.handle, self._lock.handle, *self._node.fds()}
        nothing = os.open(os.devnull, os.O_RDWR)
        for name in os.listdir("/proc/self/fd"):
            fd = int(name)
            # Replaced rather than closed: an object in memory may close its number later.
            if fd not in kept and fd != nothing:
                with suppress(OSError):
                    os.fstat(fd)
                    os.dup2(nothing, fd)
        for fd in {0, 1, 2} - kept:
            os.dup2(nothing, fd)

    # -- watching

    def _watch(self, parent: int | None = None, told: int | None = None) -> None:
        """Until it is confirmed, dismissed or taken back; then lets the node go."""
        state = self._pending.state()
        if state is State.APPLYING and not self._await_run(parent, told):
            self._pending.remove()
        elif self._pending.state() in (State.PENDING, None):  # None: it was confirmed at once
            self._await_confirmation(parent, told)
        if self._pending.state() in (State.APPLYING, State.RESTORING):
            self._pending.turn(State.APPLYING, State.RESTORING)
            self._restore()
        self._lock.release()

    def _await_run(self, parent: int | None, told: int | None) -> bool:
        """Until the run has applied everything, or was killed. False if it took everything back itself."""
        waiting = {fd: reason for fd, reason in ((parent, _NO_WATCHDOG), (told, _STOPPED)) if fd is not None}
        poll = select.poll()
        for fd in (self._line.fileno(), *waiting):
            poll.register(fd, select.POLLIN)
        while True:
            events = [fd for fd, _event in poll.poll()]
            for fd in events:
                if fd in waiting:
                    # Not before the run has ended: two must not change the node at a time.
                    self._reason = self._reason or waiting[fd]
                    poll.unregister(fd)
            if self._line.fileno() not in events:
                continue
            said = self._line.recv(1)
            if said == OVER:
                return False
            if said != APPLIED:
                self._reason = self._reason or _NO_RUN
                self._await_programs()
            elif self._reason:
                self._tell(REFUSED)
            else:
                self._pending.note(deadline=now() + self._seconds)
                self._pending.turn(State.APPLYING, State.PENDING)
                self._tell(COUNTING)
            return True

    def _await_confirmation(self, parent: int | None, told: int | None) -> None:
        """Until it is confirmed, or too late: who first renames or removes the file has decided."""
        deadline = float(self._pending.known("deadline", 0))
        waiting = {fd: reason for fd, reason in ((parent, _NO_WATCHDOG), (told, _STOPPED)) if fd is not None}
        poll = select.poll()
        for fd in waiting:
            poll.register(fd, select.POLLIN)
        while self._pending.state() is State.PENDING:
            events = [] if self._reason else poll.poll(_TICK_MS)
            if events:
                self._reason = waiting[events[0][0]]
            elif now() >= deadline:
                self._reason = self._reason or _DEADLINE.format(self._seconds)
            if self._reason:
                self._pending.turn(State.PENDING, State.RESTORING)
        if self._pending.state() is None:
            with suppress(Exception):
                self._confirmed()

    def _await_programs(self) -> None:
        """What the run had started may go on after it was killed, and would undo what follows."""
        group, started = self._run
        deadline = now() + _PROGRAM_SECONDS
        while now() < deadline and any(_in_group(pid, group, started) for pid in _processes()):
            time.sleep(0.05)

    # -- bringing the old state back

    def _restore(self) -> None:
        done, left = False, ""
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(1)
            try:
                done, left = self._take_back(KernelWorld(self._node))
            except Exception as problem:
                left = f"{type(problem).__name__}: {problem}"
            if done:
                break
        self._pending.note(reason=self._reason or _NO_WATCHDOG, left=left)
        self._pending.turn(State.RESTORING, State.RESTORED if done else State.FAILED)
        self._tell(RESTORED if done else FAILED)

    def _tell(self, word: bytes) -> None:
        with suppress(OSError):
            self._line.sendall(word)

    def _keep_report(self) -> None:
        """Leaves the controller time to ask what became of the change; without the lock, nobody waits for this."""
        self._line.close()
        deadline = now() + _LEAST_REPORT_SECONDS + min(self._seconds, _MOST_TCP_WAIT)
        while self._pending.state() in (State.RESTORED, State.FAILED) and now() < deadline:
            time.sleep(0.2)
        if self._pending.state() is State.RESTORED:
            self._pending.remove()


def _alive(parent: int) -> bool:
    """Whether the other end of a pipe is open still."""
    poll = select.poll()
    poll.register(parent, select.POLLIN)
    return not poll.poll(0)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _in_group(pid: int, group: int, since: int) -> bool:
    """Whether a process of that group was started after the run."""
    fields = _stat(pid)
    return len(fields) > 19 and int(fields[2]) == group and int(fields[19]) > since and fields[0] != "Z"


def _started(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat (proc(5)) from the third, the state, on; none if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []
