# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link that holds addresses and drops what is sent to it."""

from __future__ import annotations

from ..link_type import LinkType

TYPE = LinkType("dummy", "holds addresses, drops packets")
