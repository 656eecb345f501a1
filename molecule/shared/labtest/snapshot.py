# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything on a node that a role could leave behind, as text lines that do not change by themselves."""

from __future__ import annotations

import difflib
import json
import os
import time
from pathlib import Path

from .machine import Machine, machines

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
DIRECTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
# What the script does not show: entries that somebody made, and files of running commands. Multicast comes and goes,
# and so does what a bridge learns.
_MORE = """
bridge fdb show | grep -E ' (permanent|static)' | grep -vE '^(33:33|01:00:5e)' | sed 's/^/fdb /'
ip neigh show nud permanent | sed 's/^/neighbor /'
ip neigh show proxy | sed 's/^/proxy /'
find /run/containerland | sed 's/^/file /'
find /etc/sysctl.d /etc/modules-load.d -type f -exec sha256sum {} + 2>/dev/null | sed 's/^/content /'
true
"""


def of(machine: Machine) -> list[str]:
    """The state of one node now."""
    _settle(machine)
    script = PROJECT / "scripts" / "lib" / "snapshot"
    return sorted((machine.sh(f"bash '{script}' node") + machine.sh(_MORE)).splitlines())


def everywhere() -> dict[str, list[str]]:
    """The state of all nodes now."""
    return {name: of(machine) for name, machine in machines().items()}


def save() -> dict[str, list[str]]:
    """Remember the state of all nodes, and return it."""
    now = everywhere()
    _file().write_text(json.dumps(now), encoding="utf-8")
    return now


def difference() -> str:
    """What has changed on the nodes since `save`, as a unified diff; empty if nothing has."""
    before, now = json.loads(_file().read_text(encoding="utf-8")), everywhere()
    lines: list[str] = []
    for name in sorted({*before, *now}):
        lines += difflib.unified_diff(
            before.get(name, []), now.get(name, []), f"{name} before", f"{name} now", n=0, lineterm=""
        )
    return "\n".join(lines)


def _file() -> Path:
    return DIRECTORY / "snapshot.json"


def _settle(machine: Machine) -> None:
    """IPv6 checks for a second whether an address is taken; until then it looks different."""
    deadline = time.monotonic() + 5
    while machine.sh("ip -o address show tentative") and time.monotonic() < deadline:
        time.sleep(0.1)
