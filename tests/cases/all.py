# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All cases."""

from __future__ import annotations

from . import entries, kinds, links, owners
from .case import Case

CASES: tuple[Case, ...] = (*links.CASES, *entries.CASES, *owners.CASES, *kinds.CASES)
