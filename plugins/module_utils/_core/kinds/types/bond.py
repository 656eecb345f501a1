# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bonding of links (linux Documentation/networking/bonding.rst)."""

from __future__ import annotations

from ...canonical import integer
from ...fields import Field
from ..link_type import Attribute, LinkType, choice

MODES = {
    "balance-rr": 0,
    "active-backup": 1,
    "balance-xor": 2,
    "broadcast": 3,
    "802.3ad": 4,
    "balance-tlb": 5,
    "balance-alb": 6,
}

TYPE = LinkType(
    "bond",
    "several links as one",
    fields={
        "bond_mode": Field(
            "str",
            "For O(kind=bond): how it spreads packets. It cannot change while the bond has ports.",
            choices=tuple(MODES),
            recreate=True,
        ),
        "miimon": Field(
            "int",
            "For O(kind=bond): milliseconds between two looks at the ports' carrier.",
            check=integer(0, 2**31 - 1),
        ),
    },
    attributes={
        "bond_mode": choice("IFLA_BOND_MODE", MODES),
        "miimon": Attribute("IFLA_BOND_MIIMON"),
    },
)
