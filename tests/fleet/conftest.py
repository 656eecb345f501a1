# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the machines, what was there before, and the network that site.yml has built on them.

The files run in the order of their numbers; one that needs the network asks for `built`, and so runs alone as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet.machines import Machine, running
from fleet.play import Plays
from fleet.snapshots import Snapshot, take


@pytest.fixture(scope="session")
def plays() -> Iterator[Plays]:
    """Runs playbooks, and measures how long that and the rest takes."""
    # Short, for it holds sockets, whose paths have at most 108 bytes.
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        yield Plays(Path(name))


@pytest.fixture(scope="session")
def machines(plays: Plays) -> Iterator[dict[str, Machine]]:
    """The three machines, as they were installed."""
    with running(plays.directory) as booted:
        plays.clock.done("boot")
        yield booted


@pytest.fixture(scope="session")
def before(plays: Plays, machines: dict[str, Machine]) -> dict[str, Snapshot]:
    """What there was on each machine before anything was built."""
    with plays.clock.phase("snapshots before"):
        return take(machines)


@pytest.fixture(scope="session")
def built(plays: Plays, machines: dict[str, Machine], before: dict[str, Snapshot]) -> dict[str, Machine]:
    """The machines, with the container network of the inventory."""
    with plays.clock.phase("build"):
        plays.run("site.yml")
    return machines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in Plays.report():
        terminalreporter.write_line(line)
