# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References to network namespaces, as users write them, and the files that they stand for."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import InputError, MissingError

NETNS_DIR = "/run/netns"

#: What is said, in small letters, of a container that is certainly no more; else its engine may only be down.
GONE = ("no such container", "no such machine", "not running")

_TIMEOUT = 10


class Engine(NamedTuple):
    """Who runs containers: how it is asked for the first process of one.

    Attributes:
        command: prints the process id; the container's name comes last.
        noun: what one is called.
        unknown: how it says that there is none of that name, where it does not in these words.
    """

    command: tuple[str, ...]
    noun: str = "container"
    unknown: str = ""


#: Scheme of a reference → engine. machined knows only what runs, and calls its files private.
ENGINES: Mapping[str, Engine] = {
    "docker": Engine(("docker", "inspect", "--type", "container", "--format", "{{.State.Pid}}")),
    "podman": Engine(("podman", "inspect", "--type", "container", "--format", "{{.State.Pid}}")),
    "lxc": Engine(("lxc-info", "--pid", "--no-humanize", "--name"), unknown="doesn't exist"),
    "machine": Engine(("machinectl", "show", "--property=Leader", "--value"), "machine", "No machine"),
}


def path_of_ref(ref: str) -> str:
    """The file that a reference stands for; it need not exist."""
    if any(ord(char) < 32 or ord(char) == 127 for char in ref):
        raise InputError("netns", f"a namespace reference holds no control characters: {ref!r}")
    if not ref:
        return "/proc/self/ns/net"
    if ref.startswith("/"):
        return ref
    scheme, colon, rest = ref.partition(":")
    if colon and scheme in ENGINES:
        return f"/proc/{_container_pid(scheme, rest)}/ns/net"
    if colon and scheme == "pid":
        if not (rest.isascii() and rest.isdigit() and int(rest)):
            raise InputError("netns", f"not a process id: {ref!r}")
        return f"/proc/{int(rest)}/ns/net"
    return path_of_name(ref)


def _container_pid(scheme: str, container: str) -> int:
    engine = ENGINES[scheme]
    program = engine.command[0]
    if not container or container.startswith("-"):
        raise InputError("netns", f"not a {engine.noun}: '{scheme}:{container}'")
    shown = f"netns '{scheme}:{container}'"
    command = [*engine.command, container]
    # Its words are looked at, so they have to be English.
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False, env=environment
        )
    except FileNotFoundError:
        raise MissingError(f"{shown}: the program '{program}' is not installed") from None
    except subprocess.TimeoutExpired:
        raise MissingError(f"{shown}: '{' '.join(command[:2])}' gave no answer in {_TIMEOUT} s") from None
    except OSError as error:
        raise MissingError(f"{shown}: cannot run '{program}': {error.strerror}") from None
    pid = done.stdout.strip()
    if done.returncode or not re.fullmatch(r"-?\d*", pid):
        said = " ".join(f"{done.stderr} {done.stdout if done.returncode else ''}".split())
        unknown = not said or (engine.unknown and engine.unknown in said)
        raise MissingError(f"{shown}: {f'no such {engine.noun}' if unknown else said}")
    # Docker says 0 of one that is stopped, LXC nothing or -1.
    if pid in ("", "0", "-1"):
        raise MissingError(f"{shown}: the {engine.noun} is not running")
    return int(pid)


def path_of_name(name: str) -> str:
    """The path of a name, which cannot lead out of /run/netns."""
    bad = any(ord(char) < 32 or ord(char) == 127 for char in name)
    if bad or name in ("", ".", "..") or "/" in name or len(os.fsencode(name)) > 255:
        raise InputError("netns", f"not a namespace name: {name!r}")
    return f"{NETNS_DIR}/{name}"
