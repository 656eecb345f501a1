# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process with an empty network, /run and /var/lib of its own: what a test does there, nothing outlives."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_OWN_DIRECTORIES = ("/run", "/var/lib")
_SANDBOX = "/run/sandbox"


def run_privately(work: Callable[[], object]) -> str | None:
    """Calls `work` in such a child; returns None, or its traceback."""
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os._exit(_child(work, writer))
    os.close(writer)
    with os.fdopen(reader, errors="replace") as pipe:
        report = pipe.read()
    _unused, status = os.waitpid(child, 0)
    return (report or f"the child ended with status {status}") if status else None


def _child(work: Callable[[], object], writer: int) -> int:
    try:
        enter()
        work()
    except BaseException:
        text = str(pytest.ExceptionInfo.from_current().getrepr(style="short"))
        os.write(writer, text.encode("utf-8", "replace")[-60000:])
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def enter() -> None:
    """Leaves the network and mounts of the machine for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    flags = _NEWNET | _NEWNS | (_NEWUSER if uid else 0)
    assert libc.unshare(flags) == 0, os.strerror(ctypes.get_errno())
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    assert libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
    kept = os.open(_SANDBOX, os.O_PATH) if os.path.isdir(_SANDBOX) else -1
    for directory in _OWN_DIRECTORIES:
        found = libc.mount(b"test", directory.encode(), b"tmpfs", 0, None)
        assert found == 0, f"{directory}: {os.strerror(ctypes.get_errno())}"
    if kept >= 0:
        # scripts/sandbox has its home and temporary files there.
        os.mkdir(_SANDBOX)
        found = libc.mount(f"/proc/self/fd/{kept}".encode(), _SANDBOX.encode(), None, _MS_BIND, None)
        assert found == 0, f"{_SANDBOX}: {os.strerror(ctypes.get_errno())}"
        os.close(kept)
