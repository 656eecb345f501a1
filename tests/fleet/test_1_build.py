# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on machines that a package manager, systemd and ssh made."""

from __future__ import annotations

from fleet.machines import Machine
from fleet.play import Plays


def test_everything_reaches_everything(plays: Plays, built: dict[str, Machine]) -> None:
    with plays.clock.phase("verify"):
        plays.run("verify.yml")


def test_a_second_run_changes_nothing(plays: Plays, built: dict[str, Machine]) -> None:
    with plays.clock.phase("second run"):
        assert plays.run("site.yml").changes() == []


def test_commands_run_as_units(built: dict[str, Machine]) -> None:
    for machine in built.values():
        for container in ("web1", "web2"):
            unit = machine.host.service(f"containerland-containers-{container}")
            assert unit.is_running, machine.sh(f"systemctl status {unit.name} || true")
            assert "200 OK" in machine.sh(
                f"ip netns exec {container} python3 -c 'import urllib.request as u; "
                'r = u.urlopen("http://127.0.0.1/", timeout=10); print(r.status, r.reason)\''
            )
