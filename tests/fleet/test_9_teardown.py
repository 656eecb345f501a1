# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: each machine is as it was before the first run, that with a reboot in between as well."""

from __future__ import annotations

import pytest
from fleet.machines import ADDRESSES, Machine
from fleet.play import Plays
from fleet.snapshots import Snapshot, difference, take


@pytest.fixture(scope="module")
def after(plays: Plays, built: dict[str, Machine]) -> dict[str, Snapshot]:
    with plays.clock.phase("teardown"):
        plays.run("teardown.yml")
    with plays.clock.phase("snapshots after"):
        return take(built)


@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_is_left(name: str, before: dict[str, Snapshot], after: dict[str, Snapshot]) -> None:
    assert difference(before[name], after[name]) == ""


def test_a_second_teardown_changes_nothing(plays: Plays, after: dict[str, Snapshot]) -> None:
    assert plays.run("teardown.yml").changes() == []
