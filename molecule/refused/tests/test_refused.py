# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was refused has left no trace."""

from __future__ import annotations

from labtest import snapshot


def test_nothing_was_done() -> None:
    difference = snapshot.difference()
    assert not difference, difference
