# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role has made, asked of the node itself."""

from __future__ import annotations

from testinfra.host import Host


def test_the_shop_is_reached(node: Host) -> None:
    assert node.run("ping -c 1 -w 5 10.20.0.2").rc == 0


def test_the_shop_has_its_way_out(node: Host) -> None:
    assert node.check_output("ip -n shop route show default").startswith("default via 10.20.0.1 dev eth0")
