# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each owner applied last, and the node's lock.

The state file tells what this collection made, so that only that is ever removed; it is written before anything is
changed and again when all is verified, so that a run that was killed leaves nothing unknown behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from .errors import LockError, StoreError
from .model import Key
from .state_file import DIRECTORY, damaged, read, this_boot, unlink, write

LOCK = "/run/containerland.lock"
VERSION = 1
# How much longer, in seconds, a run waits where a guarded change is about to be confirmed or taken back.
GUARD_PATIENCE = 120.0
_LEAVING = 5.0


@dataclass(frozen=True)
class Record:
    """One object of an owner.

    Attributes:
        created: this collection made it, and removes it when it is no longer declared.
        values: what was declared.
        original: for what was there before: the values that the declaration replaced.
        source: for a link that was moved: where it came from.
    """

    key: Key
    created: bool
    values: Mapping[str, Any] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict)
    source: Key | None = None


class Store:
    """The state file of one owner.

    Args:
        owner: the topology's name, already checked to be a plain file name.
        directory: where state files are; made when first needed, removed when empty.

    Attributes:
        declared: the options that were declared last, from `load` on.
        boot: of which boot of the node the file tells, from `load` on; '' if that is not known.
        unconfirmed: the file tells of a guarded change that was not confirmed.
    """

    def __init__(self, owner: str, directory: str = DIRECTORY) -> None:
        self._owner = owner
        self._directory = directory
        self._path = os.path.join(directory, f"{owner}.json")
        self.declared: Mapping[str, Any] = {}
        self.boot = ""
        self.unconfirmed = False
        self._before: Mapping[str, Any] | None = None

    def load(self) -> dict[Key, Record]:
        """The owner's objects; nothing if there is no file.

        Raises:
            StoreError: the file is damaged, of a newer version, or unreadable.
        """
        try:
            content = read(self._path, VERSION)
        except FileNotFoundError:
            return {}
        try:
            records = [_from_json(entry) for entry in content["objects"]]
            self.declared = content["declared"]
            self.boot = str(content.get("boot", ""))
            self.unconfirmed = "before" in content
        except (ValueError, KeyError, TypeError):
            raise damaged(self._path) from None
        return {record.key: record for record in records}

    def save(self, records: Iterable[Record], declared: Mapping[str, Any]) -> None:
        """Replaces the file as a whole, or leaves the old one as it was (rename(2), fsync(2)).

        Raises:
            StoreError: it cannot be written.
        """
        content = {
            "version": VERSION,
            "name": self._owner,
            "boot": this_boot(),
            "declared": declared,
            "objects": [_to_json(record) for record in records],
        }
        if self._before is not None:
            content["before"] = self._before
        write(self._path, json.dumps(content, separators=(",", ":")).encode())

    # A guarded change that cuts the node off ends with its power being switched off as well. So until it is confirmed,
    # the file holds what it held before, and that is what the node boots with.

    def begin_guarded(self) -> None:
        """From now on, `save` keeps beside the new content what the file holds now; nothing if there is none."""
        try:
            self._before = {name: value for name, value in read(self._path, VERSION).items() if name != "before"}
        except FileNotFoundError:
            self._before = {}

    def end_guarded(self) -> None:
        """What `save` is given holds from now on."""
        self._before = None

    def confirm(self) -> None:
        """What the file tells holds."""
        with suppress(FileNotFoundError):
            content = read(self._path, VERSION)
            if content.pop("before", None) is None:
                return
            if not content["objects"]:
                unlink(self._path)
            else:
                write(self._path, json.dumps(content, separators=(",", ":")).encode())

    def revert(self) -> None:
        """What the file told before the change holds."""
        before = read(self._path, VERSION).get("before")
        if before:
            write(self._path, json.dumps(before, separators=(",", ":")).encode())
        else:
            self.remove()

    def way_back(self) -> Callable[[], None]:
        """What makes the file as it is now, to the byte.

        Raises:
            StoreError: it cannot be read; when called, that it cannot be written.
        """
        try:
            with open(self._path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return self.remove
        except OSError as problem:
            raise StoreError(f"cannot read state file {self._path}: {problem.strerror}") from None
        return lambda: write(self._path, content)

    def remove(self) -> None:
        """Takes the file away, and the directory with the last one."""
        if self._before:
            self.save([], {})
        else:
            unlink(self._path)


def _to_json(record: Record) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": record.key, "created": record.created, "values": dict(record.values)}
    if record.original:
        entry["original"] = dict(record.original)
    if record.source is not None:
        entry["source"] = record.source
    return entry


def _from_json(entry: Mapping[str, Any]) -> Record:
    source = entry.get("source")
    return Record(
        key=_key(entry["key"]),
        created=bool(entry["created"]),
        values=_frozen(entry["values"]),
        original=_frozen(entry.get("original", {})),
        source=_key(source) if source else None,
    )


def _key(parts: Any) -> Key:
    kind, netns, ident = parts
    return Key(str(kind), str(netns), tuple(map(str, ident)))


def _frozen(value: Any) -> Any:
    """JSON's lists as the tuples that values are made of."""
    if isinstance(value, list):
        return tuple([_frozen(part) for part in value])
    if isinstance(value, dict):
        return {name: _frozen(part) if isinstance(part, (list, dict)) else part for name, part in value.items()}
    return value


class NodeLock:
    """A lock that is held.

    Attributes:
        handle: of the locked file; -1 where /run is read-only and there is none.
    """

    def __init__(self, handle: int, path: str) -> None:
        self.handle = handle
        self._path = path
        self._handed_over = False

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

            os.close(handle)
            reason = pending.waiting() or f"another run holds {path}"
            raise LockError(f"{reason}; waited {time.monotonic() - began:.0f} s for it")
        if not _is_current(handle, path):
            os.close(handle)
            handle = -1
    lock = NodeLock(handle, path)
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
