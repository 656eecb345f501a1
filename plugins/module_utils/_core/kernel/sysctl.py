# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls below net. of one namespace; /proc/sys/net shows a thread those of the namespace that it is in."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..errors import InputError, KernelError, MissingError
from . import netns

_ROOT = "/proc/sys"
_NOT_ALLOWED = (errno.EPERM, errno.EACCES)

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def read(fd: int | None, names: Iterable[str]) -> dict[str, str | None]:
    """Canonical values of the named sysctls in a namespace (None is the calling thread's own).

    What does not exist or cannot be read (a write-only or unset one) is None.
    """
    paths = {name: path_of(name) for name in names}
    return _inside(fd, _read_here, paths)


def write(fd: int | None, values: Mapping[str, object]) -> None:
    """Set sysctls in order, stopping at the first that fails; all names and values are checked before.

    Raises:
        InputError: a name or value is not well formed.
        MissingError: a sysctl does not exist, or /proc/sys cannot be written.
        KernelError: the kernel refused the value.
    """
    wanted = [(name, path_of(name), canonical(value, name)) for name, value in values.items()]
    _inside(fd, _write_here, wanted)


def canonical(value: object, name: str = "sysctls") -> str:
    """Text with its white space collapsed; booleans as 1 and 0, as YAML users mean them."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if any((ord(char) < 32 and char != "\t") or ord(char) == 127 for char in text.rstrip("\n")):
        raise InputError(name, "a sysctl's value is one line without control characters")
    return " ".join(text.split())


def path_of(name: str) -> str:
    """The file of `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.1/forwarding` where a part has dots.

    As in sysctl(8), the separator is what comes first, and the other character stands for itself or (`/` in
    the dotted form) for a dot.
    """
    if any(ord(char) <= 32 or ord(char) == 127 for char in name):
        raise InputError("sysctls", f"a sysctl's name has no white space or control characters: {name!r}")
    dotted = next((char for char in name if char in "./"), "") == "."
    relative = name.translate({ord("."): "/", ord("/"): "."}) if dotted else name
    parts = relative.split("/")
    if parts[0] != "net" or len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise InputError("sysctls", f"not a sysctl below 'net.': {name!r}")
    return f"{_ROOT}/{relative}"


def _inside(fd: int | None, func: Callable[[Argument], Result], argument: Argument) -> Result:
    return func(argument) if fd is None else netns.run_in(fd, func, argument)


def _read_here(paths: Mapping[str, str]) -> dict[str, str | None]:
    return {name: _read_one(path) for name, path in paths.items()}


def _read_one(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return " ".join(file.read().split())
    except OSError:
        return None


def _write_here(wanted: Iterable[tuple[str, str, str]]) -> None:
    for name, path, value in wanted:
        try:
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(file, value.encode("utf-8", "surrogateescape"))
            finally:
                os.close(file)
        except OSError as error:
            raise _refused(name, value, error) from None


def _refused(name: str, value: str, error: OSError) -> KernelError | MissingError:
    action = f"set sysctl '{name}' to '{value}'"
    if error.errno == errno.ENOENT:
        return MissingError(f"{action}: this namespace has no such sysctl (a kernel module may be missing)")
    if error.errno == errno.EROFS:
        return MissingError(f"{action}: {_ROOT} is mounted read-only here")
    if error.errno in _NOT_ALLOWED:
        return MissingError(f"{action}: not permitted; this needs root on the node")
    return KernelError(error.errno or errno.EIO, action)
