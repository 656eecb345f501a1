# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode finds nothing to do; then much of it is broken, for converge to repair."""

from __future__ import annotations

from labtest import drift, record
from labtest.machine import Machine


def test_check_mode_is_clean() -> None:
    assert record.of("converge.check") == []


def test_break() -> None:
    for broken in drift.of_scenario():
        Machine(broken.node).sh(broken.breaks)
