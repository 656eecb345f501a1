# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception tree. Every message is one sentence for the person at the keyboard."""

from __future__ import annotations

import errno as errno_names
import os

# Of two names for one number, the one that the kernel's documentation uses.
_NAMES = {errno_names.EOPNOTSUPP: "EOPNOTSUPP", errno_names.EAGAIN: "EAGAIN"}


class ContainerlandError(Exception):
    """Anything this collection refuses or fails to do; str() is the message shown."""


class InputError(ContainerlandError):
    """An option is wrong; nothing was changed.

    Args:
        path: where, as the user wrote it, for example ``routes[3].dest``.
        problem: what is wrong with it, and what would be right.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class MissingError(ContainerlandError):
    """Something the run needs is not on the node: a namespace, a program, a kernel feature, a privilege."""


class ConflictError(ContainerlandError):
    """What exists contradicts what is wanted, and replacing it was not allowed.

    Args:
        key: the object in question, where doing without it would settle the conflict.
    """

    def __init__(self, message: str, key: object = None) -> None:
        super().__init__(message)
        self.key = key


class KernelError(ContainerlandError):
    """The kernel refused a request.

    Args:
        number: the positive errno.
        action: what was attempted, for example ``create veth 'web1' in netns 'blue'``; may be empty.
        words: the kernel's extended acknowledgement, if it gave one.
    """

    def __init__(self, number: int, action: str = "", words: str = "") -> None:
        self.errno = number
        self.action = action
        self.words = words
        name = _NAMES.get(number) or errno_names.errorcode.get(number, f"errno {number}")
        said = (words or os.strerror(number)).rstrip(".")
        super().__init__(f"{action}: {said} ({name})" if action else f"{said} ({name})")


class ApplyError(ContainerlandError):
    """A change failed.

    Args:
        said: what failed.
        end: what became of the other changes of the run.
        undone: whether they were taken back.
    """

    def __init__(self, said: str, end: str, undone: bool) -> None:
        super().__init__(f"{said}; {end}")
        self.said = said
        self.undone = undone


class VerifyError(ContainerlandError):
    """Everything was accepted, but what exists afterwards differs from what was wanted."""


class StoreError(ContainerlandError):
    """The state file cannot be read or written."""


class LockError(ContainerlandError):
    """Another run holds the node's lock for longer than this one is willing to wait."""


class GuardError(ContainerlandError):
    """The watchdog of a change that must be confirmed cannot be started, or was lost."""
