# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls that change each other: what one run did is taken back whole."""

from __future__ import annotations

import pytest

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply

FORWARD, REDIRECTS = "net.ipv4.ip_forward", "net.ipv4.conf.all.accept_redirects"


def values() -> list[str]:
    return sh(f"sysctl -n {FORWARD} {REDIRECTS}").split()


@pytest.mark.parametrize("redirects", ["0", "1"])
@pytest.mark.parametrize("declared", [{FORWARD: 1}, {FORWARD: 1, REDIRECTS: 0}, {REDIRECTS: 0, FORWARD: 1}])
def test_forwarding_and_what_the_kernel_sets_with_it_come_back(declared: dict[str, int], redirects: str) -> None:
    """Writing ip_forward makes accept_redirects its opposite: a hardened host must not be softened by a teardown."""
    sh(f"sysctl -qw {FORWARD}=0")
    sh(f"sysctl -qw {REDIRECTS}={redirects}")
    assert apply("topology", {"name": "t", "sysctls": declared}).changed
    assert values() == ["1", "0"]
    assert not apply("topology", {"name": "t", "sysctls": declared}).changed
    assert apply("topology", {"name": "t", "state": "absent"}).changed
    assert values() == ["0", redirects]


def test_a_value_that_was_there_is_kept_beside_forwarding() -> None:
    sh(f"sysctl -qw {FORWARD}=0")
    options = {"name": "t", "sysctls": {FORWARD: 1, REDIRECTS: 1}}
    apply("topology", options)
    assert values() == ["1", "1"]
    assert not apply("topology", options).changed
