# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State files: JSON with a version, replaced as a whole, so that a power cut leaves the old one or the new one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable

from .errors import StoreError

DIRECTORY = "/var/lib/containerland"
#: The node's own program, which reads these files too.
PROGRAM = "containerland-net"


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        version: the one that is written. A file without a number has version 0.
        migrations: what makes of the content of each older version that of the next one.
    """

    version: int
    migrations: Mapping[int, Callable[[Any], dict[str, Any]]] = field(default_factory=dict)


def read(path: str, known: Format) -> dict[str, Any]:
    """The content of a state file, in the form of today.

    Raises:
        FileNotFoundError: there is none.
        StoreError: it is damaged, of a newer version, or unreadable.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StoreError(f"cannot read state file {path}: {problem.strerror}") from None
    except (ValueError, RecursionError):
        raise damaged(path) from None
    return current(content, path, known)


def current(content: Any, path: str, known: Format) -> dict[str, Any]:
    """The content of a file of any version, in the form of today.

    Raises:
        StoreError: it is damaged, or of a newer version.
    """
    version = content.get("version", 0) if isinstance(content, dict) else 0
    if not isinstance(version, int) or isinstance(version, bool):
        raise damaged(path)
    if version > known.version:
        raise StoreError(
            f"cannot use state file {path}: it has version {version}, of a newer containerland.net than this one, "
            f"which knows version {known.version}: update the collection, and with its role persist {PROGRAM} here"
        )
    try:
        while version < known.version:
            content = {**known.migrations[version](content), "version": version + 1}
            version += 1
    except (LookupError, TypeError, ValueError, AttributeError):
        raise damaged(path) from None
    return dict(content)


def damaged(path: str) -> StoreError:
    hint = "move it away to start anew (what it lists will then stay)"
    return StoreError(f"state file {path} is damaged: {hint}")


def write(path: str, content: bytes) -> None:
    """Replaces a state file as a whole, or leaves the old one as it was (rename(2), fsync(2))."""
    directory, _name = os.path.split(path)
    temporary = _beside(path)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        tidy(path)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        _sync_directory(directory)
    except OSError as problem:
        raise StoreError(f"cannot write state file {path}: {problem.strerror}") from None


def keep(path: str) -> bool:
    """Gives what the file holds a second name, so that it comes back even where the disk has no room for it.

    Returns:
        Whether it has one: not every file system can, and there may be no file.
    """
    try:
        let_go(path)
        os.link(path, _beside(path, "before"))
    except OSError:
        return False
    return True


def bring_back(path: str) -> bool:
    """The file holds what it held when it was kept; whether it was.

    Raises:
        StoreError: it does, but may not outlive a power cut.
    """
    try:
        kept = _beside(path, "before")
        # Nothing was written meanwhile; rename(2) would do nothing, for both are names of one file.
        if os.path.samefile(kept, path):
            os.unlink(kept)
            return True
        os.replace(kept, path)
        _sync_directory(os.path.dirname(path))
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise StoreError(f"cannot write state file {path}: {problem.strerror}") from None
    return True


def let_go(path: str) -> None:
    """What was kept is no longer needed."""
    with suppress(FileNotFoundError):
        os.unlink(_beside(path, "before"))


def unlink(path: str, directories: int = 1) -> None:
    """Takes a state file away, and with the last one its directory, or so many of them."""
    try:
        tidy(path)
        let_go(path)
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise StoreError(f"cannot remove state file {path}: {problem.strerror}") from None
    with suppress(OSError):
        for _turn in range(directories):
            path = os.path.dirname(path)
            os.rmdir(path)


def tidy(path: str) -> None:
    """Takes away what a writer left beside a state file that was killed."""
    with suppress(FileNotFoundError):
        os.unlink(_beside(path))


def _beside(path: str, what: str = "new") -> str:
    """Where the new content is written, and the old one kept: one name, so that what a killed run leaves is found.
    Whoever writes holds the node's lock.
    """
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name}.{what}")


def _sync_directory(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def owners(directory: str = DIRECTORY) -> list[str]:
    """Who has a state file, in order of their names."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise StoreError(f"cannot read directory {directory}: {problem.strerror}") from None
    # A file that was being written when the power failed begins with a dot.
    return sorted(name[: -len(".json")] for name in names if name.endswith(".json") and name[0] != ".")


def this_boot() -> str:
    """What tells this boot of the node from another (random(4)); '' where the kernel does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
