# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's own programs, run inside namespaces, and scratch namespaces to try their input in.

A program is started by a thread that has entered the namespace: what it forks is there too, and the process itself
never moves.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import KernelError, MissingError
from . import netns

# Debian's package for each program.
_PACKAGES = {"ipset": "ipset", "iptables": "iptables", "ip6tables": "iptables", "xtables": "iptables"}
# Users' search paths often lack these.
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Finished:
    """What a program said; what is not UTF-8 is kept as surrogates."""

    returncode: int
    stdout: str
    stderr: str


def find(program: str) -> str:
    """The path of a program.

    Raises:
        MissingError: it is not installed; the message names the package.
    """
    path = shutil.which(program, path=search_path())
    if path is None:
        package = _PACKAGES.get(program) or _PACKAGES.get(program.split("-")[0], program)
        raise MissingError(f"the program '{program}' is not on the node: install the package {package}")
    return path


def search_path() -> str:
    """PATH, and the directories of system programs."""
    given = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part]
    return os.pathsep.join([*given, *(part for part in _SBIN if part not in given)])


def run(
    fd: int | None,
    argv: Sequence[str],
    stdin: str = "",
    timeout: float = _TIMEOUT,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Runs a program in a namespace until it ends; a failure is a returncode, not an exception.

    Args:
        fd: the network namespace; None for the one that the process is in.
        argv: program and arguments; the program is looked up as `find` does.
        timeout: seconds, after which it is killed.
        env: added to a clean environment (PATH, LC_ALL=C).

    Raises:
        MissingError: it is not installed, or may not be started.
        KernelError: ETIMEDOUT.
    """
    command = [find(argv[0]), *argv[1:]]
    environment = {"PATH": search_path(), "LC_ALL": "C", **(env or {})}
    if fd is None:
        return _run_here(command, stdin, timeout, environment)
    return netns.run_in(fd, _run_here, command, stdin, timeout, environment)


def _run_here(command: Sequence[str], stdin: str, timeout: float, env: Mapping[str, str]) -> Finished:
    try:
        done = subprocess.run(
            command,
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=timeout,
            env=dict(env),
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        words = f"it did not end within {timeout:g} s and was stopped"
        raise KernelError(errno.ETIMEDOUT, f"run '{command[0]}'", words) from None
    except OSError as problem:
        raise MissingError(f"cannot start '{command[0]}': {problem.strerror}") from None
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return Finished(done.returncode, out, err)


@contextmanager
def scratch_namespace() -> Iterator[int]:
    """A fresh network namespace without a name, as a descriptor; it ends with the block.

    Raises:
        MissingError: the process lacks CAP_SYS_ADMIN.
    """
    fd = netns.open_scratch()
    try:
        yield fd
    finally:
        os.close(fd)
