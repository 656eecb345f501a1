# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit of open files: usually 1,024 at first, and a run holds two for each namespace (getrlimit(2))."""

from __future__ import annotations

import errno
import os
import resource

from ..errors import KernelError, MissingError

# What else a run opens at a time: state files, pipes to programs, modules.
_ROOM = 64


def allow(count: int) -> None:
    """Raises the soft limit if so many more could exceed it.

    Raises:
        MissingError: the hard limit does not let it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = len(os.listdir("/proc/self/fd")) + count + _ROOM
    if soft != resource.RLIM_INFINITY and needed > soft:
        if hard != resource.RLIM_INFINITY and needed > hard:
            raise MissingError(f"{needed} open files are needed, but the limit is {hard} (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def keep_room(fd: int) -> None:
    """Raises the soft limit where a new descriptor comes near it: the kernel gives out the lowest that is free.

    Raises:
        KernelError: EMFILE, the hard limit does not let it. Not MissingError, for what was opened is there.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or fd + _ROOM < soft:
        return
    more = 2 * soft if hard == resource.RLIM_INFINITY else min(2 * soft, hard)
    if more <= fd + _ROOM:
        raise KernelError(errno.EMFILE, "open so many namespaces", f"the limit is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
