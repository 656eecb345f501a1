# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel itself says, through ip(8) and bridge(8): never through the collection's own readers."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: What moves by itself: clocks, carrier, duplicate address detection, multicast membership.
_RESTLESS = frozenset(
    """
    operstate flags qdisc promiscuity valid_life_time preferred_life_time tentative hello_timer tcn_timer
    gc_timer topology_change_timer topology_change bridge_id root_id designated_root designated_bridge
    allmulti gso_max_size hold_timer message_age_timer forward_delay_timer root_port optimistic dadfailed
    tso_max_size
    """.split()  # noqa: SIM905
)
#: What a link that is made anew or renamed has another of.
_NUMBERS = frozenset(
    {"ifindex", "link_index", "link_netnsid", "id", "no", "bridge_id", "root_id", "label", "designated_port"}
)
_BATCHES = (
    (
        ["ip", "-d", "-j"],
        "link show\naddr show\nroute show table all\nneigh show nud all\nneigh show proxy\nrule show\n",
    ),
    (["ip", "-6", "-j"], "rule show\n"),
    (["bridge", "-j"], "fdb show\n"),
)
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
    program, _space, rest = command.partition(" ")
    if program not in ("ip", "bridge") or rest.startswith("netns exec"):
        return [sh(command).strip()]
    done = subprocess.run(f"{program} -d -j {rest}", shell=True, capture_output=True, text=True, check=False)
    values: list[Any] = [json.loads(done.stdout)] if done.returncode == 0 and done.stdout.strip() else []
    for part in path.split(".") if path else []:
        values = [value[part] for value in _flat(values) if isinstance(value, dict) and part in value]
    return _flat(values)


def _flat(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
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
    running = {name: _inside(name, _start) for name in ("", *namespaces())}
    for name, (processes, sysctls) in running.items():
        place = found[f"netns '{name}'"] = {"sysctls": sysctls}
        for process, lines in processes:
            place.update(_documents(process, lines))
    return _settled(found, numbers)  # type: ignore[no-any-return]


def _inside(name: str, work: Callable[[], Any]) -> Any:
    """Calls in a thread of that namespace: its children start there, without the cost of nsenter(1)."""
    outcome = []

    def body() -> None:
        if name:
            with open(f"/run/netns/{name}") as file:
                assert ctypes.CDLL(None).setns(file.fileno(), 0) == 0
        outcome.append(work())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return outcome[0]


def _start() -> tuple[list[tuple[subprocess.Popen[str], str]], list[str]]:
    batches = (*_BATCHES, (["bridge", "-j"], "vlan show\n")) if _has_vlans() else _BATCHES
    processes = []
    for command, lines in batches:
        with tempfile.TemporaryFile("w+") as file:
            file.write(lines)
            file.seek(0)
            process = subprocess.Popen(
                [*command, "-batch", "-"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        processes.append((process, f"{' '.join(command)}: {lines}"))
    return processes, [Path("/proc/sys", name).read_text().strip() for name in _SYSCTLS]


@functools.cache
def _has_vlans() -> bool:
    return subprocess.run(["bridge", "vlan", "show"], capture_output=True, check=False).returncode == 0


def _documents(process: subprocess.Popen[str], lines: str) -> dict[str, Any]:
    decoder, output = json.JSONDecoder(), process.communicate()[0]
    command, _colon, text = lines.partition(": ")
    found, at = {}, 0
    for line in text.splitlines():
        while at < len(output) and output[at].isspace():
            at += 1
        if at < len(output):
            assert output[at] == "[", f"{command} {line}: {output[at:]}"
            found[f"{command} {line}"], at = decoder.raw_decode(output, at)
    return found


def _files() -> dict[str, str]:
    found = {}
    for directory in ("/var/lib/containerland", "/run"):
        for path in sorted(Path(directory).rglob("*")) if Path(directory).is_dir() else ():
            if path.is_file() and "netns" not in path.parts:
                found[str(path)] = path.read_text()
    return found


def _settled(value: Any, numbers: bool) -> Any:
    if isinstance(value, list):
        kept = [_settled(part, numbers) for part in value if not _fleeting(part)]
        kept = [part for part in kept if not (isinstance(part, dict) and part.get("addr_info") == [])]
        return kept if numbers else sorted(kept, key=repr)
    if isinstance(value, dict):
        drop = _RESTLESS if numbers else _RESTLESS | _NUMBERS
        drop = drop | {"state"} if "root_block" in value else drop
        return {
            **{name: _settled(part, numbers) for name, part in value.items() if name not in drop},
            **({"up": "UP" in value["flags"]} if "ifindex" in value and "flags" in value else {}),
        }
    return value


def _fleeting(entry: Any) -> bool:
    """Link-local addresses and their routes, multicast memberships, what was learned: they come late."""
    if not isinstance(entry, dict):
        return False
    if str(entry.get("local", "")).startswith("fe80"):
        return True
    if (re.match(r"fe80|multicast|ff00|anycast", str(entry.get("dst", ""))) and "type" in entry) or entry == {}:
        return True
    if entry.get("type") in ("anycast", "multicast") or (entry.get("type") == "local" and ":" in entry["dst"]):
        return True
    if re.match(r"33:33|01:00:5e", str(entry.get("mac", ""))):
        return True
    state = entry.get("state")
    if "mac" in entry and not state:
        return True
    return isinstance(state, list) and "PERMANENT" not in state


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
            yield from differences(one, other, f"{path}[{number}]")
    elif got != wanted:
        if isinstance(got, list) and isinstance(wanted, list):
            got, wanted = [e for e in got if e not in wanted], [e for e in wanted if e not in got]
        yield f"{path}: is {got}, should be {wanted}"
