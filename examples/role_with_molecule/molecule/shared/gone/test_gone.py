# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of what the role has made is left."""

from __future__ import annotations

from testinfra.host import Host


def test_nothing_is_left(node: Host) -> None:
    assert "shop" not in node.check_output("ip netns list; ip link show")
    assert not node.file("/var/lib/containerland/shop.json").exists
