# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario's vars/drift.yml says: commands that break something on a node, and how converge repairs it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import yaml


class Drift(NamedTuple):
    """`breaks`: a shell command on `node`; `repairs`: the lines of the plan that undo it.

    Or somebody else's: nothing repairs it, it is still there in the end, and `ends` takes it away.
    """

    node: str
    breaks: str
    repairs: list[str] = []
    ends: str = ""


def of_scenario() -> list[Drift]:
    """The drift of the scenario that runs."""
    path = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "vars", "drift.yml")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["drift"] if path.exists() else []
    return [Drift(**entry) for entry in entries]


def expected(drifts: list[Drift]) -> dict[str, list[str]]:
    """The repairs of each node."""
    found: dict[str, list[str]] = {}
    for drift in drifts:
        found.setdefault(drift.node, []).extend(drift.repairs)
    return {node: sorted(lines) for node, lines in found.items()}
