# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge repaired what had drifted, and nothing else."""

from __future__ import annotations

import difflib

from labtest import drift, record


def test_exactly_that() -> None:
    wanted, done = drift.expected(drift.of_scenario()), record.changes("converge")
    lines = [[f"{host}: {line}" for host in sorted(found) for line in found[host]] for found in (wanted, done)]
    difference = "\n".join(difflib.unified_diff(*lines, "wanted", "done", n=0, lineterm=""))
    assert not difference, difference
