# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's cases of chains, IPVS and tasks work, at small sizes; each checks the end state itself."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.harness import CHECKOUT


def rows(case: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", f"benchmarks.cases.{case}", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["ours"] > 0 for row in found)
    return {row["case"]: row for row in found}


def test_chains() -> None:
    found = rows("chains")
    actions = ("build", "no change", "one rule changed")
    assert set(found) == {f"5 {action}, 20 rules, {backend}" for action in actions for backend in ("nft", "legacy")}
    assert all(row["floor"] > 0 for row in found.values())
    assert "extrapolated" in found["5 build, 20 rules, nft"]["note"]


def test_task() -> None:
    (row,) = rows("task").values()
    assert row["floor"] > 0 and row["unit"] == "s"


def test_ipvs() -> None:
    found = rows("ipvs")
    assert set(found) == {f"6 {a}, 10 services x 10 servers" for a in ("build", "no change", "one weight changed")}
