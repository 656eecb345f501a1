# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which UDP destinations rules of the nat table give."""

from __future__ import annotations

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.iptables_flows import destinations


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("-p udp -j DNAT --to-destination 10.0.0.1:80", ("10.0.0.1", 80)),
        ("-d 10.96.0.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.1", ("10.0.0.1", 0)),
        (
            "-p udp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination [fd00::1]:53",
            ("fd00::1", 53),
        ),
        ("-p udp -j DNAT --to-destination fd00::1", ("fd00::1", 0)),
        ("-p udp -j DNAT --to-destination 10.0.0.1:80 --persistent", ("10.0.0.1", 80)),
        ("-p tcp -j DNAT --to-destination 10.0.0.1:80", None),
        ("! -p udp -j DNAT --to-destination 10.0.0.1", None),
        ("-p udp -j CTL-SVC-web", None),
        # Many: no single one is gone with the rule.
        ("-p udp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80", None),
        ("-p udp -j DNAT --to-destination 10.0.0.1:80-90", None),
    ],
)
def test_destinations(rule: str, wanted: tuple[str, int] | None) -> None:
    assert destinations([rule]) == ({wanted} if wanted else set())
