# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's lock: one change of a node's network at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .errors import LockError

LOCK = "/run/containerland.lock"
# How much longer, in seconds, a run waits where a guarded change is about to be confirmed or taken back.
GUARD_PATIENCE = 120.0
_LEAVING = 5.0
# In bytes, of what a run tells of itself: always as many, so that one write replaces all of the last line.
_LONGEST = 160


class NodeLock:
    """A lock that is held.

    Attributes:
        handle: of the locked file; -1 where /run is read-only and there is none.
    """

    def __init__(self, handle: int, path: str) -> None:
        self.handle = handle
        self._path = path
        self._handed_over = False

    def tell(self, line: str) -> None:
        """Lets those who wait for the lock know what is being done."""
        if self.handle >= 0:
            with suppress(OSError):
                os.pwrite(self.handle, line.encode()[:_LONGEST].ljust(_LONGEST) + b"\n", 0)

    def hand_over(self) -> None:
        """Another process has inherited the handle, and releases the lock when it is done."""
        self._handed_over = True

    def keep(self) -> None:
        """The other process is gone, and the lock is still held here."""
        self._handed_over = False

    def leave(self) -> None:
        if not self._handed_over:
            self.release()
        elif self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def release(self) -> None:
        """Unlinks the file before it lets go, so that nothing stays; who waited on the old file tries again."""
        if self.handle >= 0:
            with suppress(OSError):
                if _is_current(self.handle, self._path):
                    os.unlink(self._path)
            os.close(self.handle)
            self.handle = -1


@contextmanager
def node_lock(wait: float = 60.0, path: str = LOCK) -> Iterator[NodeLock]:
    """One change of a node's network at a time; one that waits to be confirmed is not over.

    Raises:
        LockError: another run holds it for more than `wait` seconds, a guarded change for GUARD_PATIENCE more.
    """
    began = time.monotonic()
    handle = -1
    while handle < 0:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            break
        if not _lock(handle, began, wait):
            from . import pending

            told = os.pread(handle, _LONGEST, 0).decode(errors="replace").strip()
            os.close(handle)
            reason = pending.waiting() or f"another run holds {path}{f' ({told})' if told else ''}"
            raise LockError(f"{reason}; waited {time.monotonic() - began:.0f} s for it")
        if not _is_current(handle, path):
            os.close(handle)
            handle = -1
    lock = NodeLock(handle, path)
    # A run that was killed may have left its last line.
    lock.tell("")
    try:
        yield lock
    finally:
        lock.leave()


def _lock(handle: int, began: float, wait: float) -> bool:
    end = began + wait
    last = end + GUARD_PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            from . import pending

            now = time.monotonic()
            if now > end and pending.remaining() > 0:
                # A while longer than it holds the lock, for it needs a moment to leave.
                end = min(last, now + _LEAVING)
            if now > end:
                return False
            time.sleep(0.05)


def _is_current(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
