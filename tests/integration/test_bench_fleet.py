# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the fleet plan runs, and its rows can be read."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.harness import CHECKOUT, Row


def test_fleet_plan_gives_rows() -> None:
    command = [sys.executable, "-m", "benchmarks.cases.fleet_plan", "--quick"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [Row(**json.loads(line)) for line in done.stdout.splitlines()]
    assert [row.case.split(",")[0] for row in rows] == ["9 fleet plan", "9 fleet plan", "9 plan and all shares"]
    assert all(row.ours > 0 for row in rows)
    # What has no plan and what loops have figures of their own.
    assert rows[1].floor
    assert rows[2].peers["loop over hostvars"] > 0
