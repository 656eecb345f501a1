# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvlan: more IP addresses on a parent link, with its MAC address."""

from __future__ import annotations

from ..link_type import LinkType, choice
from .macvlan import IPVLAN_MODES, MODE

TYPE = LinkType(
    "ipvlan",
    "further IP addresses on O(parent), with its MAC address",
    fields={"mode": MODE},
    attributes={"mode": choice("IFLA_IPVLAN_MODE", IPVLAN_MODES)},
    parent=True,
)
