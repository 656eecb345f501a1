# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for the tests of the core."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite("tests.cases.case")


@pytest.fixture(autouse=True)
def quick_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync takes most of the time of these tests, and none of them pulls the plug."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)
