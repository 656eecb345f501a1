# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that repairs itself, and one that boots with files that it cannot use, before a container engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet.machines import Machine
from fleet.play import Plays
from fleet.snapshots import difference
from fleet.test_2_reboot import NODE, STATE

PLAY = str(Path(__file__).with_name("drift.yml"))
INTERVAL = "persist_drift_interval=10s"
SECONDS = 300
# Notes what there is when a container engine starts.
ENGINE = """
cat >/etc/systemd/system/docker.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip netns exec web1 ip -o -4 address show >/run/engine-saw 2>&1'
[Install]
WantedBy=multi-user.target
END
systemctl enable docker.service
"""
NO_ENGINE = "systemctl disable --now docker.service; rm -f /etc/systemd/system/docker.service; systemctl daemon-reload"
UNITS = "containerland-net-drift.timer containerland-net-drift.service containerland-net.service"
#: Files that a boot must not fall over, by their owners.
BAD = {"aaa": "{", "newer": '{"version": 99}'}


def changed(plays: Plays, *arguments: str) -> int:
    """How many tasks of the role have changed something."""
    return plays.run(PLAY, *arguments).recap[NODE]["changed"]


@pytest.fixture(scope="module")
def repairing(plays: Plays, built: dict[str, Machine]) -> Iterator[Machine]:
    """The node with the timer, without it in the end."""
    node = built[NODE]
    with plays.clock.phase("a timer that repairs drift"):
        assert changed(plays, "-e", INTERVAL)
        assert not changed(plays, "-e", INTERVAL)
    yield node
    assert changed(plays)
    assert not changed(plays)
    assert node.run("systemctl cat containerland-net-drift.timer").rc != 0


def status(node: Machine) -> tuple[int, dict[str, dict[str, dict[str, str]]]]:
    """What `containerland-net status` says, and its exit status."""
    said = node.run("/usr/local/sbin/containerland-net status --json")
    return said.rc, json.loads(said.stdout)


def journal(node: Machine, unit: str) -> str:
    return node.sh(f"journalctl --boot --output=cat --unit={unit}")


def test_what_drifts_is_repaired_and_told(repairing: Machine) -> None:
    before = repairing.sh(STATE)
    repairing.sh(
        "ip link delete c-web1; ip address delete $(ip -o -4 address show dev ctl0 | awk '{print $4}') dev ctl0"
    )
    deadline = time.monotonic() + SECONDS
    while "create veth 'c-web1'" not in (said := journal(repairing, "containerland-net-drift.service")):
        assert time.monotonic() < deadline, said
        time.sleep(2)
    assert "containers: create address 'ctl0 10.244." in said
    assert difference(before.splitlines(), repairing.sh(STATE).splitlines()) == ""
    assert status(repairing)[0] == 0


@pytest.fixture(scope="module")
def second(plays: Plays, repairing: Machine) -> Iterator[tuple[str, str]]:
    """What the node was, and is after it booted with bad files and a container engine."""
    before = repairing.sh(STATE)
    repairing.sh(ENGINE)
    for owner, content in BAD.items():
        repairing.sh(f"printf '%s' '{content}' >/var/lib/containerland/{owner}.json")
    with plays.clock.phase("second reboot"):
        repairing.reboot()
    yield before, repairing.sh(STATE)
    repairing.sh(NO_ENGINE)


def test_bad_files_keep_nothing_else_from_coming_back(second: tuple[str, str], repairing: Machine) -> None:
    assert difference(*(state.splitlines() for state in second)) == ""
    said = journal(repairing, "containerland-net.service")
    assert "aaa: state file /var/lib/containerland/aaa.json is damaged" in said
    assert "newer: cannot use state file" in said and "has version 99" in said
    assert "containers: " in said
    assert "status=1/FAILURE" in said
    # Neither what systemd tries again nor the timer is to hold the lock now.
    repairing.sh(f"systemctl stop {UNITS}")
    code, found = status(repairing)
    assert code == 2
    assert {
        name: owner["state"] for name, owner in found["owners"].items() if owner["state"] != "in sync"
    } == dict.fromkeys(BAD, "unknown")
    for owner, content in BAD.items():
        assert repairing.sh(f"cat /var/lib/containerland/{owner}.json") == content


def test_a_container_engine_starts_when_the_network_is_there(second: tuple[str, str], repairing: Machine) -> None:
    assert "10.244." in repairing.sh("cat /run/engine-saw")
    assert "docker.service" in repairing.sh("systemctl show --property=Before containerland-net.service")


def test_without_them_all_is_well(second: tuple[str, str], repairing: Machine) -> None:
    for owner in BAD:
        repairing.sh(f"rm /var/lib/containerland/{owner}.json")
    repairing.sh("systemctl reset-failed; systemctl start containerland-net.service")
    assert status(repairing)[0] == 0
    assert "Started containerland-net-drift.timer" in journal(repairing, "containerland-net-drift.timer")
