# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel itself says, by ip(8), bridge(8) and rtnetlink(7): never by the collection's own readers."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.integration.support.dumps import dumps

_SYSCTLS = ("net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/ipv6/conf/all/forwarding")


def sh(script: str) -> str:
    """Runs shell lines, stops at the first that fails; returns what they print."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def said(command: str, path: str = "") -> list[Any]:
    """The values at a dotted path in the JSON of an `ip` or `bridge` command; [] for what does not exist.

    A command of another program is just run: its output is the value.
    """
    return values(answer(command), path)


def answer(command: str) -> list[Any]:
    """What a command says: the JSON of `ip` or `bridge`, or the output of another program."""
    program, _space, rest = command.partition(" ")
    if program not in ("ip", "bridge") or rest.startswith("netns exec"):
        return [sh(command).strip()]
    done = subprocess.run([program, "-d", "-j", *shlex.split(rest)], capture_output=True, text=True, check=False)
    return [json.loads(done.stdout)] if done.returncode == 0 and done.stdout.strip() else []


def values(found: list[Any], path: str) -> list[Any]:
    """The values at a dotted path in what a command said."""
    for part in path.split(".") if path else []:
        found = [value[part] for value in _flat(found) if isinstance(value, dict) and part in value]
    return _flat(found)


def _flat(nested: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in nested:
        found.extend(_flat(value) if isinstance(value, list) else [value])
    return found


def namespaces() -> list[str]:
    try:
        return sorted(os.listdir("/run/netns"))
    except FileNotFoundError:
        return []


def snapshot(*, numbers: bool = True) -> dict[str, Any]:
    """All that exists here and in the named namespaces, and the files of the collection.

    Args:
        numbers: with the indexes of links, which what is made anew cannot get back.
    """
    found: dict[str, Any] = {"namespaces": namespaces(), "files": _files()}
    for name in ("", *namespaces()):
        found[f"netns '{name}'"] = inside(name, lambda: {**dumps(numbers=numbers), "sysctls": _sysctls()})
    return found


def inside(name: str, work: Callable[[], Any]) -> Any:
    """Calls in a thread of that namespace, without the cost of a process."""
    if not name:
        return work()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_enter_and, name, work).result()


def _enter_and(name: str, work: Callable[[], Any]) -> Any:
    with open(os.path.join("/run/netns", name)) as file:
        assert ctypes.CDLL(None).setns(file.fileno(), 0) == 0
    return work()


def _sysctls() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text().strip() for name in _SYSCTLS}


def _files() -> dict[str, str]:
    """Those below /run/netns are the namespaces; scripts/sandbox has below /run/sandbox what others write to."""
    found = {}
    for directory in ("/var/lib/containerland", "/run"):
        for path in sorted(Path(directory).rglob("*")) if Path(directory).is_dir() else ():
            if path.is_file() and not {"netns", "sandbox"} & set(path.parts):
                found[str(path)] = path.read_text()
    return found


def same(got: Any, wanted: Any, what: str) -> None:
    """Fails with the paths of what differs between two snapshots."""
    found = list(differences(got, wanted))
    assert not found, what + ":\n" + "\n".join(found[:20])


def differences(got: Any, wanted: Any, path: str = "") -> Iterator[str]:
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in sorted({*got, *wanted}):
            yield from differences(got.get(name), wanted.get(name), f"{path} / {name}")
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for number, (one, other) in enumerate(zip(got, wanted)):
            title = f"{number} {other.get('name', '')}".rstrip() if isinstance(other, dict) else number
            yield from differences(one, other, f"{path}[{title}]")
    elif got != wanted:
        if isinstance(got, list) and isinstance(wanted, list):
            got, wanted = [e for e in got if e not in wanted], [e for e in wanted if e not in got]
        yield f"{path}: is {got}, should be {wanted}"
