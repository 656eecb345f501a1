# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that boots has its network again, without Ansible."""

from __future__ import annotations

import pytest
from fleet.machines import Machine
from fleet.play import Plays
from fleet.snapshots import difference

NODE = "node2"
# What the kernel says of the links, addresses, entries, rules and namespaces; without numbers that count up.
STATE = """
for place in '' web1 web2; do
    inside() { if [ "$place" ]; then ip netns exec "$place" "$@"; else "$@"; fi; }
    {
        inside ip -o link show | sed -E 's/^[0-9]+: //; s/@if[0-9]+//; s/ link-netns(id)? [^ ]+//' |
            sed -E 's/NO-CARRIER,|,LOWER_UP| state (UP|DOWN|UNKNOWN)//g'
        inside ip -o address show scope global | sed -E 's/^[0-9]+: //'
        inside ip route show table all | grep -vE 'fe80|ff00|proto kernel'
        inside ip neigh show nud permanent
        inside bridge fdb show | grep -E 'dst|master' | grep permanent || true
        inside iptables-save | grep -E '^(:CTL|-A)' | sed -E 's/ \\[.*//' || true
        inside sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv6.conf.all.disable_ipv6
    } | sed "s/^/$place: /" | sort
done
ip netns list | sed 's/ .*//' | sort
"""


@pytest.fixture(scope="module")
def states(plays: Plays, built: dict[str, Machine]) -> tuple[str, str]:
    """What the node was before it booted, and is after."""
    machine = built[NODE]
    before = machine.sh(STATE)
    with plays.clock.phase("reboot"):
        machine.reboot()
    return before, machine.sh(STATE)


def test_the_unit_has_restored_everything(states: tuple[str, str], built: dict[str, Machine]) -> None:
    said = built[NODE].sh("systemctl status containerland-net.service || true")
    assert "status=0/SUCCESS" in said and "active (exited)" in said, said
    assert difference(*(state.splitlines() for state in states)) == ""


def test_commands_run_again(states: tuple[str, str], built: dict[str, Machine]) -> None:
    for container in ("web1", "web2"):
        assert built[NODE].host.service(f"containerland-containers-{container}").is_running


def test_everything_reaches_everything_again(plays: Plays, states: tuple[str, str]) -> None:
    with plays.clock.phase("verify after the reboot"):
        plays.run("verify.yml")


def test_ansible_finds_nothing_to_do(plays: Plays, states: tuple[str, str]) -> None:
    with plays.clock.phase("check after the reboot"):
        played = plays.run("site.yml", "--check", "--diff")
    assert played.changes() == [], played.output
