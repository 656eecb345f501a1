# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of guarded changes: who renames or unlinks one first has decided. Nothing but files here.

There is one file per change, named ``<change>.<state>``. The watchdog holds a lock (flock(2)) on it while it
lives.
"""

from __future__ import annotations

import enum
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .errors import GuardError, InputError
from .guard_options import DIRECTORY
from .state_file import Format, current

#: Up to release 0.3 it had no number.
FORMAT = Format(1, {0: dict})
# How long a watchdog may take, in seconds, to bring the old state back.
RESTORING_SECONDS = 60
_LEAVING_SECONDS = 10


class State(str, enum.Enum):
    """Where a guarded change stands; no file stands for one that is confirmed or not known."""

    APPLYING = "applying"
    PENDING = "pending"
    RESTORING = "restoring"
    RESTORED = "restored"
    FAILED = "failed"


@dataclass(frozen=True)
class Found:
    """A guarded change, as its file tells.

    Attributes:
        content: seconds, deadline (of `now`), reason and left, as far as they are known.
        attended: its watchdog lives.
    """

    change: str
    state: State
    content: Mapping[str, Any] = field(default_factory=dict)
    attended: bool = True

    @property
    def path(self) -> str:
        return _path(self.change, self.state)


class Pending:
    """The file of a change, as the watchdog sees it; its lock goes with the last process that has it open.

    Args:
        seconds: how long the change will wait to be confirmed.

    Raises:
        InputError: the change has no usable name.
        GuardError: the file cannot be made.
    """

    def __init__(self, change: str, seconds: int) -> None:
        self.change = checked(change)
        self._content: dict[str, Any] = {"version": FORMAT.version, "seconds": seconds}
        try:
            self.handle = self._create()
        except OSError as problem:
            raise GuardError(f"confirm_timeout: cannot write in {DIRECTORY}: {problem.strerror}") from None
        fcntl.flock(self.handle, fcntl.LOCK_EX)
        self.note()

    def _create(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        while True:
            with suppress(FileExistsError):
                os.mkdir(DIRECTORY, 0o700)
            # A watchdog that ends may remove the directory in between.
            with suppress(FileNotFoundError):
                return os.open(_path(self.change, State.APPLYING), flags, 0o600)

    def note(self, **content: Any) -> None:
        """Writes down what others should know."""
        self._content.update(content)
        data = json.dumps(self._content).encode()
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, data, 0)

    def known(self, name: str, default: Any) -> Any:
        """What was noted, by any of the processes."""
        try:
            return json.loads(os.pread(self.handle, 65536, 0)).get(name, default)
        except ValueError:
            return default

    def state(self) -> State | None:
        return next((state for state in State if os.path.exists(_path(self.change, state))), None)

    def turn(self, old: State, new: State) -> bool:
        """Moves on; False if it was no longer in the old state, because somebody else decided."""
        try:
            os.rename(_path(self.change, old), _path(self.change, new))
        except FileNotFoundError:
            return False
        return True

    def remove(self) -> None:
        forget(self.change, all_states=True)

    def close(self) -> None:
        """In a process that leaves the change to others."""
        os.close(self.handle)


def checked(change: str) -> str:
    """The name of a change: it is a file's name too."""
    if not re.fullmatch(r"[0-9a-f]{8,64}", change, re.ASCII):
        raise InputError("change", f"must be 8 to 64 hexadecimal digits: {change!r}")
    return change


def now() -> float:
    """Seconds of the clock that deadlines are of: the same in all processes, and it does not stand still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def find(change: str = "") -> Found | None:
    """The change of that name; without one, that which waits to be confirmed.

    Raises:
        StoreError: there is a file of a newer version, and its watchdog lives.
    """
    for found in _all():
        if found.change == change or (not change and found.state is State.PENDING):
            return found
    return None


def confirm(change: str = "") -> Found | None:
    """Keeps a change that is pending, and waits until its watchdog has left; returns what `find` did.

    Where the result is not pending, it is too late, or too early.
    """
    found = find(change)
    if found is None or found.state is not State.PENDING:
        return found
    try:
        handle = os.open(found.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return find(found.change)
    try:
        os.unlink(found.path)
    except FileNotFoundError:
        return find(found.change)
    else:
        deadline = now() + _LEAVING_SECONDS
        while not _lockable(handle) and now() < deadline:
            time.sleep(0.02)
    finally:
        os.close(handle)
    _tidy()
    return found


def forget(change: str, *, all_states: bool = False) -> None:
    """Removes the file of a change that is over, or that its watchdog left behind."""
    for state in State if all_states else (State.RESTORED, State.FAILED):
        with suppress(FileNotFoundError):
            os.unlink(_path(change, state))
    _tidy()


def remaining() -> float:
    """For how many more seconds, at most, a guarded change that waits or is taken back can hold the node's lock."""
    ends = [f.content.get("deadline", 0) + RESTORING_SECONDS for f in _all() if f.attended and f.state in _HOLDING]
    return max([end - now() for end in ends], default=0)


def waiting() -> str:
    """Which guarded change others have to wait for, in words; '' for none."""
    for found in _all():
        if found.attended and found.state is State.PENDING:
            left = max(0, found.content.get("deadline", 0) - now())
            return f"a change with confirm_timeout awaits confirmation, for {left:.0f} s more"
        if found.attended and found.state is State.RESTORING:
            return "a change that was not confirmed is being taken back"
    return ""


def leftovers() -> list[str]:
    """Clears away, for who holds the node's lock, the files of watchdogs that were killed; says what that means."""
    warnings = []
    for found in _all():
        said = f"an earlier change with {_OPTION} "
        if found.state is State.FAILED:
            warnings.append(f"{said}could not be taken back completely: {found.content.get('left', '')}")
        elif not found.attended and found.state in _ENDS:
            rest = "because its watchdog was killed; what it left is part of the present state"
            warnings.append(f"{said}{_ENDS[found.state]}, {rest}")
        if not found.attended:
            with suppress(FileNotFoundError):
                os.unlink(found.path)
    _tidy()
    return warnings


_OPTION = "confirm_timeout"
_HOLDING = (State.PENDING, State.RESTORING)
_ENDS = {
    State.APPLYING: "was broken off and not taken back",
    State.PENDING: "was neither confirmed nor taken back",
    State.RESTORING: "was taken back only in part",
}


def _all() -> Iterator[Found]:
    try:
        names = sorted(os.listdir(DIRECTORY))
    except OSError:
        return
    for name in names:
        change, _dot, state = name.partition(".")
        with suppress(OSError, ValueError):
            yield _read(change, State(state))


def _read(change: str, state: State) -> Found:
    handle = os.open(_path(change, state), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        attended = not _lockable(handle)
        try:
            content = json.loads(os.read(handle, 65536))
        except ValueError:
            content = {}
    finally:
        os.close(handle)
    if not isinstance(content, dict):
        content = {}
    # What a process of a newer version is at work on is not understood; what it left behind is only cleared away.
    return Found(change, state, current(content, _path(change, state), FORMAT) if attended else content, attended)


def _lockable(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(handle, fcntl.LOCK_UN)
    return True


def _path(change: str, state: State) -> str:
    return f"{DIRECTORY}/{change}.{state.value}"


def _tidy() -> None:
    with suppress(OSError):
        os.rmdir(DIRECTORY)
