# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml on machines that a package manager, systemd and ssh made."""

from __future__ import annotations

from pathlib import Path

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


def test_commands_get_their_words_and_are_started_again_and_again(plays: Plays, built: dict[str, Machine]) -> None:
    playbook = str(Path(__file__).with_name("commands.yml"))
    plays.run(playbook)
    machine = built["node1"]
    try:
        wait = "for _ in $(seq 100); do {} && exit 0; sleep 0.5; done; exit 1"
        machine.sh(wait.format("[ -s /run/fleet-words ]"))
        assert machine.sh("cat /run/fleet-words") == "100%n $HOME ${HOME}\n;\n$b %h 'c'\n"
        # More often than systemd would by default.
        machine.sh(wait.format("[ $(wc -l </run/fleet-ends) -ge 7 ]"))
        assert plays.run(playbook).changes({"node1"}) == []
    finally:
        plays.run(playbook, "-e", "commands_state=absent")
        machine.sh("rm -f /run/fleet-words /run/fleet-ends")
    assert "containerland-fleet" not in machine.sh("systemctl list-units --all --plain")
