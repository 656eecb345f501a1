# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode on a bare node."""

from __future__ import annotations

from labtest import record, snapshot


def test_says_what_it_would_do() -> None:
    assert record.changes("converge.check")


def test_does_nothing() -> None:
    difference = snapshot.difference()
    assert not difference, difference
