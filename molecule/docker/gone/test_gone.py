# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left of the network."""

from __future__ import annotations

import pytest
import testinfra


@pytest.mark.parametrize("name", ["node1", "node2"])
def test_nothing_is_left(name: str) -> None:
    node = testinfra.get_host(f"docker://{name}")
    links = [line.split()[1].partition("@")[0] for line in node.check_output("ip -o link").splitlines()]
    assert links == ["lo:", "eth0"]
    assert not node.check_output("ip netns list; ls /var/lib/containerland 2>/dev/null || true")
    assert "CTL-" not in node.check_output("iptables-save")
