# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routing and forwarding: a routing table of its own for the links that it is master of."""

from __future__ import annotations

from ...canonical import integer
from ...fields import Field
from ..link_type import Attribute, LinkType

TYPE = LinkType(
    "vrf",
    "a routing domain for the links that it is the master of",
    fields={"table": Field("int", "For O(kind=vrf): its routing table.", check=integer(1, 2**32 - 1), recreate=True)},
    attributes={"table": Attribute("IFLA_VRF_TABLE")},
    required=("table",),
)
