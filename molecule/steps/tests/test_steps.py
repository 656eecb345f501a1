# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks of the steps made."""

from __future__ import annotations

from labtest.machine import Machine


def test_one_namespace(nodes: dict[str, Machine]) -> None:
    assert nodes["node1"].ping("172.16.0.2") == 64
    assert nodes["node1"].inside("red").ping("172.16.0.1") == 64


def test_many_namespaces(nodes: dict[str, Machine]) -> None:
    made = nodes["node1"].sh("ls /run/netns").split()
    assert {f"c{number}" for number in range(1, 21)} <= set(made)
