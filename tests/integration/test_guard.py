# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that must be confirmed, and what happens when any of their processes is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import lock as locks
from ansible_collections.containerland.net.plugins.module_utils._core import pending
from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import converge
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, LockError
from ansible_collections.containerland.net.plugins.module_utils._core.guard import Guard
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.lock import node_lock
from ansible_collections.containerland.net.plugins.module_utils._core.model import Step
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.pending import State
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import said, same, sh, snapshot
from tests.integration.support.run import run_module
from tests.integration.support.ssh import eventually, gone, traces, watchers

CHANGE = "0123456789abcdef"
#: So long that only what a test does can end it.
LONG = 600
BEFORE = {"name": "t", "bridge": [{"name": "br1", "mtu": 1400}], "link": [{"name": "fo0", "mtu": 1400}]}
AFTER = {
    "name": "t",
    "sysctls": {"net.ipv4.ip_forward": 1},
    "namespaces": [{"name": "web1"}],
    "veth": [{"name": "web1", "peer": {"name": "eth0", "netns": "web1", "addresses": ["10.1.0.2/24"]}}],
    "link": [{"name": "fo0", "alias": "adopted"}],
    "route": [{"dest": "10.50.0.0/16", "gateway": "203.0.113.2"}],
}


def guarded(seconds: int = LONG, world: type[KernelWorld] = KernelWorld) -> None:
    """What runner.py does for `topology: AFTER` with confirm_timeout."""
    with Node() as node, node_lock() as lock:
        assert pending.leftovers() == []
        ledger = Ledger(Store("t"), AFTER, node.is_gone)
        declaration = declare_topology(AFTER, node.canonical)
        converge(declaration, world(node), ledger=ledger, guard=Guard(seconds, CHANGE, node, lock))


def steps() -> int:
    with Node() as node:
        ledger = Ledger(Store("t"), AFTER, node.is_gone)
        report = converge(declare_topology(AFTER, node.canonical), KernelWorld(node), check=True, ledger=ledger)
        return len(report.plan.steps())


def prepared() -> dict[str, Any]:
    """A node that an owner has been on, and its state."""
    sh(FOREIGN)
    assert run_module("topology", BEFORE)["changed"]
    return snapshot(numbers=False)


def in_child(work: Callable[[], object]) -> int:
    """Calls it in a process of its own; returns how that ended (a negative signal), as subprocess does."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as problem:
            print(problem)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def taken_back(before: dict[str, Any], reason: str) -> None:
    """The old state is back, to the byte, and nobody holds the node."""
    eventually(lambda: pending.find(CHANGE) and pending.find(CHANGE).state is State.RESTORED, "not taken back")  # type: ignore[union-attr]
    found = pending.find(CHANGE)
    assert found is not None and reason in found.content["reason"], found
    pending.forget(CHANGE)
    gone()
    same(snapshot(numbers=False), before, "the state before did not return")


def ended(before: dict[str, Any], reason: str) -> None:
    """Taken back, and the next run works."""
    taken_back(before, reason)
    again = run_module("topology", AFTER)
    assert again["changed"] and not again.get("warnings"), again
    assert not run_module("topology", AFTER)["changed"]


def dying(after: int, act: Callable[[], object]) -> type[KernelWorld]:
    """A kernel before whose step of that number something happens, in the first run of steps of its process."""
    process = []

    class Dying(KernelWorld):
        def execute(self, steps: Sequence[Step]) -> Any:
            if process and process != [os.getpid()]:
                yield from super().execute(steps)
                return
            process[:] = [os.getpid()]
            yield from super().execute(steps[:after])
            act()
            yield from super().execute(steps[after:])

    return Dying


def test_confirmed() -> None:
    prepared()
    guarded()
    assert len(watchers()) == 2
    assert run_module("confirm", {"action": "look", "change": CHANGE})["outcome"] == "pending"
    foretold = run_module("confirm", {}, check=True)
    assert (foretold["changed"], foretold["outcome"]) == (False, "pending")
    after = snapshot_without_guard()
    done = run_module("confirm", {"change": CHANGE})
    assert (done["changed"], done["outcome"]) == (True, "confirmed")
    assert watchers() == [] and traces() == []
    # The state file no longer holds what was before, which a node would have booted with until now.
    for path, text in after["files"].items():
        if path == "/var/lib/containerland/t.json":
            content = json.loads(text)
            assert content.pop("before")["declared"]["bridge"] == BEFORE["bridge"]
            after["files"][path] = json.dumps(content, separators=(",", ":"))
    same(snapshot(), after, "confirming changed something")
    assert run_module("confirm", {"change": CHANGE})["outcome"] == "unknown"
    assert not run_module("topology", AFTER)["changed"]


def test_not_confirmed_in_time() -> None:
    before = prepared()
    guarded(seconds=2)
    assert said("ip route show 10.50.0.0/16", "dst") == ["10.50.0.0/16"]
    eventually(lambda: pending.find(CHANGE).state is State.RESTORED, "not taken back")  # type: ignore[union-attr]
    late = run_module("confirm", {"change": CHANGE})
    assert late["failed"] and late["outcome"] == "restored"
    ended(before, reason="confirmed it within 2 s")


def test_module_killed_anywhere() -> None:
    before = prepared()
    for number in range(steps() + 1):
        assert in_child(lambda n=number: guarded(world=dying(n, lambda: os.kill(os.getpid(), signal.SIGKILL)))) == -9
        taken_back(before, "the run was killed")


def test_what_the_module_had_started_ends_first() -> None:
    before = prepared()

    def die() -> None:
        subprocess.Popen(["sh", "-c", "sleep 1; ip route add 10.50.0.0/16 via 203.0.113.2"])
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(lambda: guarded(world=dying(0, die))) == -9
    ended(before, "the run was killed")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("which", [0, 1], ids=["parent", "child"])
def test_a_watchdog_killed(which: int, number: signal.Signals) -> None:
    before = prepared()
    assert in_child(guarded) == 0
    os.kill(watchers()[which], number)
    ended(before, reason="watchdog")


@pytest.mark.parametrize("which", [[0], [1], [0, 1]], ids=["parent", "child", "both"])
def test_a_watchdog_killed_while_the_module_works(which: list[int]) -> None:
    before = prepared()

    def kill() -> None:
        for pid in [watchers()[number] for number in which]:
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(ApplyError) as problem:
        guarded(world=dying(3, kill))
    assert "the watchdog was killed; what this run had changed was taken back" in str(problem.value)
    gone()
    same(snapshot(numbers=False), before, "the state before did not return")
    assert run_module("topology", AFTER)["changed"]


def test_both_killed_then_the_next_run() -> None:
    prepared()
    assert in_child(guarded) == 0
    # Stopped first, for each acts when it sees the other's end.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in watchers():
            os.kill(pid, number)
    eventually(lambda: not watchers(), "they live")
    done = run_module("topology", {**AFTER, "confirm_timeout": LONG})
    assert not done["changed"] and "was neither confirmed nor taken back" in str(done["warnings"])
    gone()
    assert run_module("topology", {"name": "t", "state": "absent"})["changed"]


def test_killed_watchdog_is_killed_again_while_it_takes_back() -> None:
    """The parent takes over from a child that dies in the middle of it."""
    before = prepared()
    flag = Path("/mnt/killed")
    sh("mount -t tmpfs test /mnt")

    class Dying(KernelWorld):
        def execute(self, steps: Sequence[Step]) -> Any:
            if not flag.exists():
                yield from super().execute(steps[:2])
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield from super().execute(steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible_collections.containerland.net.plugins.module_utils._core.watchdog.KernelWorld", Dying)
        guarded(seconds=2)
    ended(before, "watchdog was killed")
    assert flag.exists()


def test_failures_end_the_guard() -> None:
    before = prepared()

    class Meddling(KernelWorld):
        def execute(self, steps: Sequence[Step]) -> Any:
            yield from super().execute(steps)
            sh("ip link set fo0 alias other")

    with pytest.raises(ApplyError, match="alias other where adopted was wanted; what this run had changed was taken"):
        guarded(world=Meddling)
    gone()
    same(snapshot(numbers=False), before, "the state before did not return")
    impossible = [{"dest": "10.9.0.0/16", "gateway": "192.0.2.9"}]
    refused = run_module("topology", {**AFTER, "route": impossible, "confirm_timeout": LONG})
    assert refused["failed"] and refused["msg"].endswith("what this run had changed was taken back")
    gone()
    same(snapshot(numbers=False), before, "the state before did not return")


def test_others_wait_and_say_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared()
    assert in_child(guarded) == 0
    monkeypatch.setattr(locks, "GUARD_PATIENCE", 0)
    said_why = "a change with confirm_timeout awaits confirmation, for [0-9]+ s more; waited"
    with pytest.raises(LockError, match=said_why), node_lock(wait=0.1):
        pass
    monkeypatch.undo()
    assert run_module("confirm", {})["outcome"] == "confirmed"
    with node_lock(wait=0.1):
        pass
    gone()


def test_a_run_waits_for_the_end_of_the_time() -> None:
    prepared()
    guarded(seconds=2)
    with node_lock(wait=0.1):
        assert said("ip route show 10.50.0.0/16", "dst") == []
    pending.forget(CHANGE)
    gone()


def test_a_namespace_that_only_a_process_holds() -> None:
    """The path to it may be gone when the time is over."""
    sh(FOREIGN)
    holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    here = os.stat("/proc/self/ns/net").st_ino
    eventually(lambda: os.stat(f"/proc/{holder.pid}/ns/net").st_ino != here, "no namespace")
    keeper = os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY)
    options = {"dest": "10.9.0.0/16", "type": "blackhole", "netns": f"pid:{holder.pid}"}
    done = run_module("route", {**options, "confirm_timeout": 5})
    look = ["nsenter", f"--net=/proc/self/fd/{keeper}", "ip", "route", "show", "type", "blackhole"]
    made = subprocess.run(look, pass_fds=[keeper], capture_output=True, check=True).stdout
    holder.kill()
    holder.wait()
    assert done["changed"] and made.startswith(b"blackhole 10.9.0.0/16")
    eventually(lambda: not subprocess.run(look, pass_fds=[keeper], capture_output=True, check=True).stdout, "it stays")
    pending.forget(done["confirm"])
    gone()


def test_deleted_namespaces_are_let_go() -> None:
    prepared()
    assert run_module("topology", AFTER)["changed"]
    deleted = run_module("topology", {**BEFORE, "confirm_timeout": LONG})
    assert deleted["changed"] and said("ip link show web1", "ifname") == []
    assert run_module("confirm", {"change": deleted["confirm"]})["outcome"] == "confirmed"
    gone()


def snapshot_without_guard() -> dict[str, Any]:
    found = snapshot()
    found["files"] = {path: text for path, text in found["files"].items() if not path.startswith("/run/containerland.")}
    return found
