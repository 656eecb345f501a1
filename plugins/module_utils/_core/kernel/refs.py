# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to network namespaces, as users write them, and the files that they stand for."""

from __future__ import annotations

import os
import subprocess

from ..errors import InputError, MissingError

NETNS_DIR = "/run/netns"

_INSPECT_TIMEOUT = 10


def path_of_ref(ref: str) -> str:
    """The file that a reference stands for; it need not exist."""
    if any(ord(char) < 32 or ord(char) == 127 for char in ref):
        raise InputError("netns", f"a namespace reference holds no control characters: {ref!r}")
    if not ref:
        return "/proc/self/ns/net"
    if ref.startswith("/"):
        return ref
    scheme, colon, rest = ref.partition(":")
    if colon and scheme in ("docker", "podman"):
        return f"/proc/{_container_pid(scheme, rest)}/ns/net"
    if colon and scheme == "pid":
        if not (rest.isascii() and rest.isdigit() and int(rest)):
            raise InputError("netns", f"not a process id: {ref!r}")
        return f"/proc/{int(rest)}/ns/net"
    return path_of_name(ref)


def _container_pid(engine: str, container: str) -> int:
    if not container or container.startswith("-"):
        raise InputError("netns", f"not a container: '{engine}:{container}'")
    command = [engine, "inspect", "--type", "container", "--format", "{{.State.Pid}}", container]
    shown = f"netns '{engine}:{container}'"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSPECT_TIMEOUT, check=False)
    except FileNotFoundError:
        raise MissingError(f"{shown}: the program '{engine}' is not installed") from None
    except subprocess.TimeoutExpired:
        raise MissingError(f"{shown}: '{engine} inspect' gave no answer in {_INSPECT_TIMEOUT} s") from None
    except OSError as error:
        raise MissingError(f"{shown}: cannot run '{engine}': {error.strerror}") from None
    pid = done.stdout.strip()
    if done.returncode or not pid.isdigit():
        reason = " ".join(done.stderr.split()) or "no such container"
        raise MissingError(f"{shown}: {reason}")
    if not int(pid):
        raise MissingError(f"{shown}: the container is not running")
    return int(pid)


def path_of_name(name: str) -> str:
    """The path of a name, which cannot lead out of /run/netns."""
    bad = any(ord(char) < 32 or ord(char) == 127 for char in name)
    if bad or name in ("", ".", "..") or "/" in name or len(os.fsencode(name)) > 255:
        raise InputError("netns", f"not a namespace name: {name!r}")
    return f"{NETNS_DIR}/{name}"
