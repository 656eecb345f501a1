# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every link, address, route, rule, entry, sysctl, file and process is as it was before the role came."""

from __future__ import annotations

from labtest import drift, record, snapshot
from labtest.machine import Machine


def test_what_is_not_ours_stayed() -> None:
    for foreign in drift.of_scenario():
        if foreign.ends:
            Machine(foreign.node).sh(foreign.ends)


def test_it_had_something_to_remove() -> None:
    assert record.changes("absent")


def test_nothing_is_left() -> None:
    difference = snapshot.difference()
    assert not difference, difference
