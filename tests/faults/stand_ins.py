# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the place of files, libc and programs, and asks the hook before it does what they do."""

from __future__ import annotations

import ctypes
import errno
import io
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.hook import Hook

#: Everything that `install` replaces. test_coverage.py compares it with what the collection uses.
REPLACED: dict[str, frozenset[str]] = {
    "os": frozenset(
        {
            *("open", "write", "pwrite", "fdopen", "fsync", "ftruncate", "mkdir", "makedirs"),
            *("rmdir", "unlink", "rename", "replace", "link"),
        }
    ),
    "socket": frozenset({"send", "sendall", "sendto", "sendmsg"}),
    "subprocess": frozenset({"Popen", "run"}),
    "libc": frozenset({"mount", "umount2", "unshare"}),
}
_FAILING = """
all=$(cat; echo .); all=${all%.}
half=$(( $(printf %s "$all" | wc -l) / 2 ))
case $0 in *ipset) printf %s "$all" | head -n $half | "$0" "$@";; esac
echo "${0##*/} v1.0: Error in line $((half + 1)): $WORDS" >&2
exit 1
"""


class File(io.IOBase):
    """A file that is being written: what is written reaches it at once."""

    def __init__(self, hook: Hook, file: Any, kind: str) -> None:
        self._hook, self._file, self._kind = hook, file, kind

    def write(self, data: Any) -> Any:
        def work() -> Any:
            written = self._file.write(data)
            self._file.flush()
            return written

        return self._hook.call(f"write {self._kind}" if self._kind else "", work)

    def fileno(self) -> int:
        return int(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        super().close()


def library(hook: Hook, real: Any) -> Any:
    class Library(real):
        def __getattr__(self, name: str) -> Any:
            function = super().__getattr__(name)
            if name not in REPLACED["libc"]:
                return function
            wrapped = Function(hook, name, function)
            setattr(self, name, wrapped)
            return wrapped

    return Library


class Function:
    """A function of libc that reports its errors by errno."""

    hook: Hook
    name: str
    function: Any

    def __init__(self, hook: Hook, name: str, function: Any) -> None:
        self.__dict__.update(hook=hook, name=name, function=function)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.function, name, value)

    def __call__(self, *args: Any) -> int:
        hook = self.hook
        work = hook.unshare(self.function) if self.name == "unshare" else self.function
        try:
            result = hook.call(self.name, work, *args)
        except OSError as problem:
            ctypes.set_errno(problem.errno or errno.EIO)
            return -1
        if self.name == "mount" and result == 0:
            hook.mounted(args[0])
        return int(result)


def popen(hook: Hook, real: Any) -> Any:
    class Popen(real):
        def __init__(self, args: Any, *more: Any, **options: Any) -> None:
            label = hook.program(args)
            self._turn = bool(label) and hook.count(label)
            if self._turn and hook.fault.errno:
                words = os.strerror(hook.fault.errno)
                args = ["sh", "-c", _FAILING, *args]
                options["env"] = {**(options.get("env") or os.environ), "WORDS": words}
            with hook.within():
                super().__init__(args, *more, **options)
            if self._turn and hook.fault.signal and hook.fault.during:
                hook.die()

        def communicate(self, *args: Any, **options: Any) -> Any:
            result = super().communicate(*args, **options)
            if self._turn and hook.fault.signal:
                hook.die()
            return result

    return Popen
