# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests of all scenarios."""

from __future__ import annotations

import pytest
from labtest.machine import Machine, machines


@pytest.fixture(scope="session")
def nodes() -> dict[str, Machine]:
    """The nodes of the lab, and its client, by name."""
    return machines()
