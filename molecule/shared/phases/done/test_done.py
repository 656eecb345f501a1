# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge did what check mode had said, to the letter."""

from __future__ import annotations

from labtest import record


def test_as_predicted() -> None:
    assert record.changes("converge") == record.changes("converge.check")


def test_diff_as_predicted() -> None:
    assert record.diffs("converge") == record.diffs("converge.check")
