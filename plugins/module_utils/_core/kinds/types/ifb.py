# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intermediate functional block: where ingress traffic is redirected to be queued (tc-mirred(8))."""

from __future__ import annotations

from ..link_type import LinkType

TYPE = LinkType("ifb", "a queue for redirected traffic")
