# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One test per outcome, for test_plugin.py; not collected by default."""

from __future__ import annotations

import pytest


@pytest.mark.other_kernel("uml")
def test_passes() -> None:
    pass


@pytest.mark.other_kernel("uml")
def test_fails() -> None:
    pytest.fail("words of the guest")


@pytest.mark.other_kernel("uml")
def test_is_skipped() -> None:
    pytest.skip("a reason")


@pytest.mark.other_kernel("uml", "wireguard")
def test_needs_what_is_nowhere() -> None:
    pass


def test_runs_here() -> None:
    pass
