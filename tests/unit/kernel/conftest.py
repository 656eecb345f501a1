# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that asks for the fixture `private` runs in a child process with namespaces of its own.

Each has an empty network, an own /run and is root in there, whoever runs the tests; nothing outlives it.
"""

from __future__ import annotations

import ctypes
import os
import traceback
from pathlib import Path

import pytest

_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


@pytest.fixture
def private() -> None:
    """Marks the test; see the module's docstring."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if "private" not in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os._exit(_run(pyfuncitem.obj, arguments, writer))
    os.close(writer)
    with os.fdopen(reader, errors="replace") as pipe:
        report = pipe.read()
    _unused, status = os.waitpid(child, 0)
    if status:
        pytest.fail(report or f"the child ended with status {status}", pytrace=False)
    return True


def _run(function: object, arguments: dict[str, object], writer: int) -> int:
    try:
        _enter_private_namespaces()
        function(**arguments)  # type: ignore[operator]
    except BaseException:
        os.write(writer, traceback.format_exc().encode())
        return 1
    return 0


def _enter_private_namespaces() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    flags = _NEWNET | _NEWNS | (_NEWUSER if uid else 0)
    assert libc.unshare(flags) == 0, os.strerror(ctypes.get_errno())
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    assert libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
    assert libc.mount(b"run", b"/run", b"tmpfs", 0, None) == 0, os.strerror(ctypes.get_errno())
