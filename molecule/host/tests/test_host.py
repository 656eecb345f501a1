# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls now and at the next boot."""

from __future__ import annotations

import pytest
from labtest.machine import Machine

SYSCTLS = {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.all.rp_filter": 2,
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.all.send_redirects": 0,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv6.conf.all.accept_redirects": 0,
}


@pytest.mark.parametrize("name", SYSCTLS)
def test_sysctl(nodes: dict[str, Machine], name: str) -> None:
    assert nodes["node1"].sysctl(name) == SYSCTLS[name]


def test_boot(nodes: dict[str, Machine]) -> None:
    node = nodes["node1"]
    sysctls = node.file("/etc/sysctl.d/90-containerland.conf")
    assert (sysctls.mode, sysctls.user) == (0o644, "root")
    said = dict(line.split(" = ") for line in sysctls.content_string.splitlines() if not line.startswith("#"))
    assert said == {name: str(value) for name, value in SYSCTLS.items()}
    modules = node.file("/etc/modules-load.d/90-containerland.conf").content_string.splitlines()[1:]
    assert modules == ["bridge", "veth", "vxlan"]


def test_other_nodes(nodes: dict[str, Machine]) -> None:
    assert nodes["node2"].sysctl("net.ipv4.ip_forward") == 0
