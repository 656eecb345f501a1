# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several at work on one node: runs of the collection, and others who know nothing of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import Any

import pytest

from tests.faults.everything import ABSENT, BEFORE, FIRST, SECOND, light
from tests.faults.hook import Fault
from tests.faults.runs import Outcome, run, start
from tests.faults.state import everything
from tests.integration.support.kernel import same, sh

ALL = os.environ.get("CONTAINERLAND_FAULTS") == "all"
#: The kernel's error, or what was found instead.
SAID = re.compile(r"\(E[A-Z0-9]+\)|is a |there is no |no such |was wanted|exist|cannot become")


def clear(outcome: Outcome) -> None:
    """It went well, or one sentence says why not, and nothing is half done."""
    said = outcome.said
    assert outcome.result is not None and outcome.result.get("exception") is None, outcome.result
    assert outcome.fine or ("\n" not in said and SAID.search(said)), said
    assert "defect of the collection" not in said


def test_the_same_owner_twice_at_once() -> None:
    """One waits for the other; the node ends as one of them said."""
    sh(BEFORE)
    clean = everything(programs=False)
    for one, other in ((FIRST, FIRST), (FIRST, SECOND), (SECOND, FIRST)):
        runs = [start("topology", light(wish)) for wish in (one, other)]
        outcomes = [running.outcome() for running in runs]
        assert all(outcome.fine for outcome in outcomes), [outcome.said for outcome in outcomes]
        unchanged = [not run("topology", light(wish), check=True).changed for wish in (one, other)]
        assert any(unchanged)
    assert run("topology", ABSENT).fine
    same(everything(programs=False), clean, "something was left")


def test_other_owners_and_single_modules_at_once() -> None:
    sh(BEFORE)
    clean = everything()
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("topology", light(FIRST)),
        ("topology", {"name": "u", "namespaces": [{"name": "u1"}], "bridge": [{"name": "u0"}]}),
        ("bridge", {"name": "s0", "addresses": ["10.77.0.1/24"]}),
        ("netns", {"name": "s1"}),
        ("ipset", {"name": "s2", "type": "hash:ip", "entries": ["10.0.0.1"]}),
        ("iptables_chain", {"chain": "S3", "backend": "legacy", "rules": ["-j ACCEPT"], "jumps": ["INPUT"]}),
    ]
    for turn in range(2):
        outcomes = [running.outcome() for running in [start(*task) for task in tasks]]
        assert all(outcome.fine for outcome in outcomes), [outcome.said for outcome in outcomes]
        assert [outcome.changed for outcome in outcomes] == [turn == 0] * len(tasks)
    removals = [(m, {**(o if m == "iptables_chain" else {"name": o["name"]}), "state": "absent"}) for m, o in tasks]
    outcomes = [running.outcome() for running in [start(*task) for task in removals]]
    assert all(outcome.fine for outcome in outcomes), [outcome.said for outcome in outcomes]
    same(everything(), clean, "something was left")


#: A link that was adopted into a namespace goes with it; the kernel takes its time. Its owner makes it again.
SPARE_AGAIN = """
for _turn in $(seq 100); do
    ip link show spare1 >/dev/null 2>&1 || break
    ip link show spare0 >/dev/null 2>&1 && exit
    ip -n web link show lan >/dev/null 2>&1 && exit
    sleep 0.05
done
ip link add spare0 address 02:00:00:00:00:d0 type veth peer name spare1 address 02:00:00:00:00:d1
ip link set spare0 up alias theirs
"""
#: What somebody does meanwhile, and how it is undone.
MEDDLING = {
    "a veth goes": ("ip link delete web", ""),
    "a bridge goes": ("ip link delete br1", ""),
    "a namespace goes": ("ip netns delete web", SPARE_AGAIN),
    "a tunnel is renamed": ("ip link set vx1 down; ip link set vx1 name theirs0", "ip link delete theirs0"),
    "a link moves away": ("ip link set ifb1 netns foreign", "ip -n foreign link delete ifb1"),
    "a bridge becomes a veth": ("ip link delete br1; ip link add br1 type veth peer name br2", "ip link delete br1"),
    "an address goes": ("ip address delete 10.1.0.1/24 dev br1", ""),
    "a route and a rule go": ("ip route delete 10.51.0.0/16; ip rule delete priority 50", ""),
}


@pytest.mark.parametrize("name", MEDDLING)
def test_others_at_work_in_the_middle_of_a_run(name: str) -> None:
    meddle, undo = MEDDLING[name]
    first, second = light(FIRST), light(SECOND)
    sh(BEFORE)
    clean = everything(programs=False)
    calls = run("topology", first).calls
    assert run("topology", second).fine
    assert run("topology", ABSENT).fine
    stride = 1 if ALL else 31
    begin = list(MEDDLING).index(name)
    ways = [(first, ABSENT), (second, first)]
    for wish, before in ways if ALL else [ways[begin % 2]]:
        for number in range(1 + begin % stride, len(calls), stride):
            if before is not ABSENT:
                assert run("topology", before).fine
            running = start("topology", wish, Fault(number, signal=signal.SIGSTOP))
            running.await_stop()
            subprocess.run(["sh", "-c", meddle], capture_output=True, check=False)
            running.go_on()
            clear(running.outcome())
            if undo:
                subprocess.run(["sh", "-c", undo], capture_output=True, check=False)
            again = run("topology", wish)
            assert again.fine, f"after call {number}: {again.said}"
            assert not run("topology", wish).changed
            assert run("topology", ABSENT).fine
            same(everything(programs=False), clean, f"something was left after call {number}")


def test_whoever_holds_the_lock_of_iptables_is_waited_for() -> None:
    sh("iptables-legacy -N OTHERS")
    holder = subprocess.Popen(["flock", "/run/xtables.lock", "sh", "-c", "echo held; sleep 1"], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    done = run("iptables_chain", {"chain": "MINE", "backend": "legacy", "rules": ["-j ACCEPT"]})
    assert holder.poll() == 0, "it did not wait"
    assert done.fine and done.changed
