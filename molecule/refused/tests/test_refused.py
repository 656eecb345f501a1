# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was refused has left no trace."""

from __future__ import annotations

from labtest import snapshot
from labtest.machine import Machine
from labtest.traffic import ask, serving


def test_nothing_was_done() -> None:
    difference = snapshot.difference()
    assert not difference, difference


def test_s13_addresses_that_services_were_refused_are_still_those_of_others(nodes: dict[str, Machine]) -> None:
    """What is sent there arrives."""
    with serving(nodes["client"], "client", 80), serving(nodes["node2"], "node2", 80):
        assert ask(nodes["node1"], ("tcp", "192.0.2.2", 80), ("tcp", "192.0.2.12", 80)) == [
            "client 192.0.2.11",
            "node2 192.0.2.11",
        ]
