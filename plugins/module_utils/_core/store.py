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
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from .errors import LockError, StoreError
from .model import Key

DIRECTORY = "/var/lib/containerland"
LOCK = "/run/containerland.lock"
VERSION = 1


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
    """

    def __init__(self, owner: str, directory: str = DIRECTORY) -> None:
        self._owner = owner
        self._directory = directory
        self._path = os.path.join(directory, f"{owner}.json")
        self.declared: Mapping[str, Any] = {}

    def load(self) -> dict[Key, Record]:
        """The owner's objects; nothing if there is no file.

        Raises:
            StoreError: the file is damaged, of a newer version, or unreadable.
        """
        try:
            with open(self._path, encoding="utf-8") as file:
                content = json.load(file)
            if content["version"] > VERSION:
                problem = f"it has version {content['version']}, and this collection knows {VERSION}: update it"
                raise StoreError(f"cannot use state file {self._path}: {problem}")
            records = [_from_json(entry) for entry in content["objects"]]
            self.declared = content["declared"]
        except FileNotFoundError:
            return {}
        except OSError as problem:
            raise StoreError(f"cannot read state file {self._path}: {problem.strerror}") from None
        except (ValueError, KeyError, TypeError):
            hint = "move it away to start anew (what it lists will then stay)"
            raise StoreError(f"state file {self._path} is damaged: {hint}") from None
        return {record.key: record for record in records}

    def save(self, records: Iterable[Record], declared: Mapping[str, Any]) -> None:
        """Replaces the file as a whole, or leaves the old one as it was (rename(2), fsync(2)).

        Raises:
            StoreError: it cannot be written.
        """
        content = {
            "version": VERSION,
            "name": self._owner,
            "declared": declared,
            "objects": [_to_json(record) for record in records],
        }
        try:
            os.makedirs(self._directory, mode=0o755, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=f".{self._owner}.", dir=self._directory)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(content, file, separators=(",", ":"))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self._path)
            except BaseException:
                os.unlink(temporary)
                raise
            self._sync_directory()
        except OSError as problem:
            raise StoreError(f"cannot write state file {self._path}: {problem.strerror}") from None

    def remove(self) -> None:
        """Takes the file away, and the directory with the last one."""
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return
        except OSError as problem:
            raise StoreError(f"cannot remove state file {self._path}: {problem.strerror}") from None
        with suppress(OSError):
            os.rmdir(self._directory)

    def _sync_directory(self) -> None:
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
        return tuple(_frozen(part) for part in value)
    if isinstance(value, dict):
        return {name: _frozen(part) for name, part in value.items()}
    return value


@contextmanager
def node_lock(wait: float = 60.0, path: str = LOCK) -> Iterator[bool]:
    """One change of a node's network at a time. Yields whether there is a lock (not where /run is read-only).

    The holder unlinks the file before it lets go, so that nothing stays; who waited on the old file tries again.

    Raises:
        LockError: another run holds it for more than `wait` seconds.
    """
    deadline = time.monotonic() + wait
    handle = -1
    while handle < 0:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            yield False
            return
        if not _lock(handle, deadline):
            os.close(handle)
            raise LockError(f"another run holds {path}; waited {wait:.0f} s for it")
        if not _is_current(handle, path):
            os.close(handle)
            handle = -1
    try:
        yield True
    finally:
        os.unlink(path)
        os.close(handle)


def _lock(handle: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


def _is_current(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
