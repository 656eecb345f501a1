# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sweep, the random topologies and concurrency have found, each as a case of its own."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.lock import LOCK

from tests.faults.everything import ABSENT
from tests.faults.hook import Fault
from tests.faults.runs import run, start
from tests.faults.state import everything
from tests.integration.support.kernel import said, same, sh, snapshot
from tests.integration.support.run import apply, breaking

STATE = Path("/var/lib/containerland/t.json")
PAIR = "ip link add p0 address 02:00:00:00:00:01 type veth peer name p1; ip link set p0 up; ip link set p1 up"


def topology(**lists: Any) -> dict[str, Any]:
    return {"name": "t", **lists}


def fail_at_each(options: dict[str, Any]) -> None:
    """Each step in turn; all is as before, and said to be."""
    before = snapshot(numbers=False)
    for number in range(len(apply("topology", options, check=True).plan.steps())):
        with pytest.raises(ApplyError) as problem:
            apply("topology", options, world=breaking(number, KernelError(errno.EIO, "for the test")))
        assert problem.value.undone, str(problem.value)
        same(snapshot(numbers=False), before, f"not as before after a failure of step {number}")


def macvlan(below: int, **more: Any) -> dict[str, Any]:
    above = {"name": "m0", "kind": "macvlan", "parent": "p0", "mode": "bridge", "mac": "02:00:00:00:00:02", **more}
    return topology(link=[{"name": "p0", "mtu": below}, above])


def test_links_on_a_link_whose_mtu_falls_get_theirs_back() -> None:
    sh(PAIR)
    assert apply("topology", macvlan(1500)).changed
    fail_at_each(macvlan(1400))
    fail_at_each(macvlan(1400, mode="private", recreate=True))


def test_a_link_may_have_the_mtu_that_its_parent_gets() -> None:
    sh(PAIR)
    wish = macvlan(1600, mtu=1600)
    assert apply("topology", {**wish, "link": list(reversed(wish["link"]))}).changed
    assert said("ip link show m0", "mtu") == [1600]


def test_neighbours_stay_when_the_last_ipv4_address_goes() -> None:
    """fib_disable_ip takes them along; those of the owner and of others come back, and no run says that it failed."""
    sh(PAIR + "; ip address add 10.0.0.1/24 dev p0; ip neighbor add 10.0.0.9 lladdr 02:00:00:00:00:09 dev p0")
    mine = {"device": "p0", "address": "10.0.0.8", "mac": "02:00:00:00:00:08"}
    link = {"name": "p0", "addresses": ["10.0.0.1/24"]}
    assert apply("topology", topology(link=[link], neighbor=[mine])).changed
    without = topology(link=[{"name": "p0", "addresses": [], "exact_addresses": True}], neighbor=[mine])
    fail_at_each(without)
    foretold = apply("topology", without, check=True).plan.lines()
    assert apply("topology", without).plan.lines() == foretold
    assert not apply("topology", without).changed
    assert "10.0.0.8" in sh("ip neighbor show dev p0 nud permanent")
    fail_at_each(topology(link=[link], neighbor=[mine]))


def test_ports_of_others_come_back_to_a_bridge_that_was_deleted() -> None:
    sh(PAIR)
    options = topology(
        namespaces=[{"name": "w"}],
        bridge=[{"name": "b0", "mac": "02:00:00:00:00:03"}],
        sysctls={"net.ipv4.conf.b0.rp_filter": 2},
        link=[{"name": "p0", "master": "b0", "hairpin": True}],
    )
    assert run("topology", options).changed
    before = everything(programs=False)
    calls = run("topology", ABSENT).calls
    assert run("topology", options).changed
    refused = run("topology", ABSENT, Fault(calls.index("umount2") + 1, errno=errno.EBUSY))
    assert refused.said.endswith("what this run had changed was taken back")
    same(everything(programs=False), before, "not as before")


def killed_after(label: str, options: dict[str, Any]) -> None:
    """Kills a run after a call; which are counted in a run that is taken away again, the second of its kind."""
    for _turn in range(2):
        calls = run("topology", options).calls
        assert run("topology", ABSENT).fine
    assert run("topology", options, Fault(calls.index(label) + 1, signal=signal.SIGKILL)).result is None


@pytest.mark.parametrize(
    ("label", "left"), [("create netns", "/run/netns/w"), ("create state", f"{STATE.parent}/.t.json.new")]
)
def test_absent_finds_the_files_of_a_killed_run(label: str, left: str) -> None:
    killed_after(label, topology(namespaces=[{"name": "w"}]))
    assert os.path.exists(left)
    assert run("topology", ABSENT).fine
    assert not os.path.exists(left) and not STATE.parent.exists()


def test_absent_finds_the_empty_tables_of_a_killed_run() -> None:
    options = topology(iptables_chain=[{"chain": "MINE", "backend": "nft", "table": "nat", "rules": ["-j RETURN"]}])
    assert run("topology", options).fine
    calls = run("topology", ABSENT).calls
    assert run("topology", options).fine
    assert run("topology", ABSENT, Fault(calls.index("iptables-restore") + 1, signal=signal.SIGKILL)).result is None
    assert "nat" in sh("nft list tables")
    assert run("topology", ABSENT).fine
    assert sh("nft list tables") == ""


def test_what_a_killed_run_had_switched_on_for_a_while_is_switched_off() -> None:
    sh(PAIR)
    lowered = topology(link=[{"name": "p0", "up": False}])
    killed_after("write sysctl", lowered)
    path = Path("/proc/sys/net/ipv6/conf/p0/keep_addr_on_down")
    assert path.read_text() == "1\n"
    assert run("topology", lowered).fine
    assert path.read_text() == "0\n"
    assert not run("topology", lowered).changed


def test_a_namespace_that_is_made_anew_while_a_run_waits_is_the_new_one() -> None:
    sh("ip netns add w")
    anew = "echo held; sleep 1; ip netns delete w; ip netns add w"
    with subprocess.Popen(["flock", LOCK, "sh", "-c", anew], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        waiting = start("topology", {"name": "t", "netns": "w", "bridge": [{"name": "b0"}]})
    outcome = waiting.outcome()
    assert outcome.fine, outcome.said
    assert "b0" in sh("ip -n w link show")


def test_a_warning_with_another_number_is_no_failure_of_the_way_back() -> None:
    sh("iptables-legacy -N OTHERS; iptables-legacy -A INPUT -j OTHERS")
    chains = [
        {"chain": "MINE", "backend": backend, "rules": ["-j RETURN"], "jumps": ["INPUT"]}
        for backend in ("legacy", "nft")
    ]
    options = topology(iptables_chain=chains, route=[{"dest": "10.9.0.0/16", "gateway": "192.0.2.1"}])
    with pytest.raises(ApplyError, match=r"ENETUNREACH.*was taken back$"):
        apply("topology", options)


def test_the_state_file_is_as_before_whatever_the_disk_has_room_for() -> None:
    """From some call on it is written no more, or one other call is refused; the old file needs no room to return."""
    sh(PAIR)
    before = topology(bridge=[{"name": "br1", "stp": False}, {"name": "br2"}], link=[{"name": "p0", "mtu": 1400}])
    after = topology(bridge=[{"name": "br1", "stp": True}], link=[{"name": "p0", "mtu": 1300}])
    assert run("topology", before).fine
    calls = run("topology", after).calls
    numbers = [number for number, label in enumerate(calls, 1) if label.endswith(" state")]
    assert len({calls[number - 1] for number in numbers}) > 3, calls
    for number in numbers:
        assert run("topology", before).fine
        content, files, network = STATE.read_bytes(), sorted(STATE.parent.iterdir()), snapshot(numbers=False)
        outcome = run("topology", after, Fault(number, errno=errno.ENOSPC, again=calls[number - 1] == "write state"))
        if outcome.fine:
            assert calls[number - 1].startswith(("link", "unlink", "mkdir")), (
                f"{calls[number - 1]} was refused, and nobody noticed"
            )
            assert run("topology", before).fine
            continue
        assert "No space left" in outcome.said, outcome.said
        assert STATE.read_bytes() == content, f"call {number}, {calls[number - 1]}: {outcome.said}"
        assert sorted(STATE.parent.iterdir()) == files
        same(snapshot(numbers=False), network, f"not as before after {calls[number - 1]}")
    assert run("topology", {"name": "t", "state": "absent"}).fine
    assert not STATE.parent.exists() or not any(STATE.parent.iterdir())
