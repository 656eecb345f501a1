# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each owner applied last.

The state file tells what this collection made, so that only that is ever removed; it is written before anything is
changed and again when all is verified, so that a run that was killed leaves nothing unknown behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from .errors import StoreError
from .model import Key
from .state_file import DIRECTORY, Format, bring_back, damaged, keep, let_go, read, this_boot, tidy, unlink, write

#: When it becomes another one: what makes version 1 that, a fixture of version 1, and the tests of versions have more.
FORMAT = Format(1)


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
        declared_boot: in which boot somebody declared that: numbers of processes, and paths, are of that boot.
        unconfirmed: the file tells of a guarded change that was not confirmed.
    """

    def __init__(self, owner: str, directory: str = DIRECTORY) -> None:
        self._owner = owner
        self._directory = directory
        self._path = os.path.join(directory, f"{owner}.json")
        self.declared: Mapping[str, Any] = {}
        self.boot = ""
        self.declared_boot = ""
        self.unconfirmed = False
        self._declares_again = False
        self._kept = False
        self._before: Mapping[str, Any] | None = None

    def load(self) -> dict[Key, Record]:
        """The owner's objects; nothing if there is no file.

        Raises:
            StoreError: the file is damaged, of a newer version, or unreadable.
        """
        try:
            content = read(self._path, FORMAT)
        except FileNotFoundError:
            return {}
        try:
            records = [_from_json(entry) for entry in content["objects"]]
            self.declared = content["declared"]
            self.boot = str(content.get("boot", ""))
            self.declared_boot = str(content.get("declared_boot", self.boot))
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
            "version": FORMAT.version,
            "name": self._owner,
            "boot": this_boot(),
            "declared_boot": self.declared_boot if self._declares_again else this_boot(),
            "declared": declared,
            "objects": [_to_json(record) for record in records],
        }
        if self._before is not None:
            content["before"] = self._before
        write(self._path, json.dumps(content, separators=(",", ":")).encode())

    def declares_again(self) -> None:
        """What `save` is given from now on is what the file held: nobody has said it anew."""
        self._declares_again = True

    # A guarded change that cuts the node off ends with its power being switched off as well. So until it is confirmed,
    # the file holds what it held before, and that is what the node boots with.

    def begin_guarded(self) -> None:
        """From now on, `save` keeps beside the new content what the file holds now; nothing if there is none."""
        try:
            self._before = {name: value for name, value in read(self._path, FORMAT).items() if name != "before"}
        except FileNotFoundError:
            self._before = {}

    def end_guarded(self) -> None:
        """What `save` is given holds from now on."""
        self._before = None

    def confirm(self) -> None:
        """What the file tells holds."""
        with suppress(FileNotFoundError):
            content = read(self._path, FORMAT)
            if content.pop("before", None) is None:
                return
            if not content["objects"]:
                unlink(self._path)
            else:
                write(self._path, json.dumps(content, separators=(",", ":")).encode())

    def revert(self) -> None:
        """What the file told before the change holds."""
        before = read(self._path, FORMAT).get("before")
        if before:
            write(self._path, json.dumps(before, separators=(",", ":")).encode())
            self.tidy()
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

        def back() -> None:
            write(self._path, content)
            self.tidy()

        return back

    # While a run lasts, the file says what the run is about to make, and what it said before is kept beside it.

    def keep(self) -> None:
        self._kept = keep(self._path)

    def bring_back(self) -> bool:
        """The file is as it was, to the byte; False if nothing was kept.

        Raises:
            StoreError: it cannot be, or may not outlive a power cut.
        """
        # What an earlier run has left there, and could not be taken away, is older than that.
        return self._kept and bring_back(self._path)

    def tidy(self) -> None:
        """Takes away what is kept, and what a run left that was killed while it wrote."""
        with suppress(OSError):
            tidy(self._path)
            let_go(self._path)

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
