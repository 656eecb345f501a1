# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last run of a playbook changed, as the callback plugin `record` wrote it down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def of(run: str) -> list[Entry]:
    """The changes of the last run, for example of ``converge``, or ``converge.check`` in check mode."""
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], f"{run}.json")
    return list(json.loads(path.read_text(encoding="utf-8")))


def changes(run: str) -> dict[str, list[str]]:
    """What was done on each host, a line per change: plans of the engine, commands, files."""
    found: dict[str, list[str]] = {}
    for entry in of(run):
        found.setdefault(entry["host"], []).extend(_lines(entry))
    return {host: sorted(lines) for host, lines in found.items()}


def diffs(run: str) -> dict[str, list[Any]]:
    """What `--diff` showed for each host."""
    found: dict[str, list[Any]] = {}
    for entry in of(run):
        if "diff" in entry:
            found.setdefault(entry["host"], []).append(entry["diff"])
    return found


def _lines(entry: Entry) -> list[str]:
    if "plan" in entry:
        return list(entry["plan"])
    if "started" in entry:
        return [f"{verb} {name}" for verb in ("started", "stopped") for name in entry[verb]]
    return [entry["task"]]
