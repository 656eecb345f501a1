# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""macvlan: more MAC addresses on a parent link."""

from __future__ import annotations

from ...fields import Field
from ..link_type import LinkType, choice

# enum macvlan_mode in the kernel's if_link.h, and enum ipvlan_mode beside it: one option, checked per kind.
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
MODE = Field(
    "str",
    (
        "For O(kind=macvlan): V(private), V(vepa), V(bridge), V(passthru) or V(source).",
        "For O(kind=ipvlan): V(l2), V(l3) or V(l3s).",
    ),
    choices=(*MODES, *IPVLAN_MODES),
)

TYPE = LinkType(
    "macvlan",
    "another MAC address on O(parent)",
    fields={"mode": MODE},
    attributes={"mode": choice("IFLA_MACVLAN_MODE", MODES)},
    parent=True,
)
