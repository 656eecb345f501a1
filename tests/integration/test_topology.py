# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole nodes: ownership, pruning, restoring, failure, the state file, the lock."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    KernelError,
    LockError,
    MissingError,
    StoreError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.lock import node_lock
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

from tests.integration.support.cases import FOREIGN, change, expect, survive_failures
from tests.integration.support.kernel import namespaces, said, same, sh, snapshot
from tests.integration.support.run import Interrupted, apply, breaking

STATE = Path("/var/lib/containerland/t.json")
BRIDGE = {"name": "br1", "mac": "02:00:00:00:00:01", "addresses": ["10.1.0.1/24"]}


def leg(name: str, number: int) -> dict[str, Any]:
    peer = {"name": "eth0", "netns": name, "addresses": [f"10.1.{number // 250}.{number % 250 + 2}/16"]}
    return {"name": name, "master": "br1", "peer": peer}


def whole(*names: str) -> dict[str, Any]:
    return {
        "name": "t",
        "sysctls": {"net.ipv4.ip_forward": 1},
        "namespaces": [{"name": name, "sysctls": {"net.ipv4.conf.all.rp_filter": 2}} for name in names],
        "bridge": [BRIDGE],
        "veth": [leg(name, number) for number, name in enumerate(names)],
        "vxlan": [{"name": "vx1", "vni": 1, "local": "10.1.0.1", "peers": [{"underlay": "10.1.0.9"}]}],
        "link": [{"name": "fo0", "mtu": 1400, "alias": "adopted"}],
        "route": [
            {"dest": "10.50.0.0/16", "gateway": "10.1.0.2"},
            *({"dest": "default", "gateway": "10.1.0.1", "netns": name} for name in names),
        ],
        "rule": [{"priority": 50, "from": "10.1.0.0/16", "table": "main"}],
        "neighbor": [{"address": "10.1.0.77", "device": "br1", "mac": "02:00:00:00:00:77"}],
        "fdb": [{"mac": "02:00:00:00:00:78", "device": "vx1", "destination": "10.1.0.8"}],
    }


def test_life_of_a_node() -> None:
    sh(FOREIGN)
    before = snapshot()
    survive_failures("topology", whole("web1"))
    assert change("topology", whole("web1", "web2"), [("ip -n web1 route show default", "gateway", "10.1.0.1")])
    assert stat.S_IMODE(STATE.stat().st_mode) == 0o600
    survive_failures("topology", whole("web2"))
    assert change(
        "topology", whole("web2"), [("ip -n web2 address show eth0 scope global", "addr_info.local", "10.1.0.2")]
    )
    assert namespaces() == ["foreign", "web2"]
    assert change(
        "topology",
        {**whole("web2"), "link": []},
        [("ip link show fo0", "mtu", 1500), ("ip link show fo0", "ifalias", None)],
    )
    survive_failures("topology", {"name": "t", "state": "absent"})
    assert change("topology", {"name": "t", "state": "absent"}, [])
    same(snapshot(), before, "absent leaves something")


def test_interrupted_anywhere_then_finished_or_removed() -> None:
    sh(FOREIGN)
    before = snapshot()
    count = len(apply("topology", whole("web1"), check=True).plan.steps())
    for number in range(count):
        with pytest.raises(Interrupted):
            apply("topology", whole("web1"), world=breaking(number, Interrupted()))
        if number % 2:
            change("topology", whole("web1"), [])
        apply("topology", {"name": "t", "state": "absent"})
        same(snapshot(), before, f"killed before step {number} of {count}")


def test_two_owners() -> None:
    sh(FOREIGN)
    apply("topology", {"name": "one", "bridge": [BRIDGE], "namespaces": [{"name": "blue"}]})
    before = snapshot()
    apply("topology", {"name": "two", "veth": [{"name": "a", "master": "br1", "peer": {"name": "b", "netns": "blue"}}]})
    apply("topology", {"name": "two", "state": "absent"})
    same(snapshot(), before, "the second owner's removal reached the first's objects")
    apply("topology", {"name": "two", "bridge": [{"name": "br1", "mtu": 1400}]})
    assert said("ip link show br1", "mtu") == [1400]
    apply("topology", {"name": "two", "state": "absent"})
    same(snapshot(), before, "what the second owner changed was not set back")


def test_what_it_did_not_make_is_not_removed() -> None:
    sh(
        FOREIGN
        + "ip link add br1 address 02:00:00:00:00:01 mtu 1450 type bridge\nip netns add blue\nip -n blue link set lo up"
    )
    before = snapshot()
    options = {"name": "t", "bridge": [{**BRIDGE, "mtu": 1400}], "namespaces": [{"name": "blue"}]}
    assert change("topology", options, [("ip link show br1", "mtu", 1400)])
    apply("topology", {"name": "t", "state": "absent"})
    same(snapshot(), before, "absent removed or changed what was there before")


CLASHES = {
    "the VNI is taken": ({"vxlan": [{"name": "vx2", "vni": 999, "local": "203.0.113.1"}], "fdb": []}, "EEXIST"),
    "no way to the gateway": ({"route": [{"dest": "10.60.0.0/16", "gateway": "192.0.2.99"}]}, "ENETUNREACH"),
    "no such value": ({"sysctls": {"net.ipv4.ip_forward": "many"}}, "EINVAL"),
    "a port of two masters": ({"bridge": [BRIDGE, {"name": "br3", "ports": ["br1"]}]}, "ELOOP"),
}


@pytest.mark.parametrize("name", CLASHES)
def test_failure_in_the_middle(name: str) -> None:
    sh(FOREIGN + "ip -n foreign link add eth0 type veth peer name eth1")
    more, word = CLASHES[name]
    before = snapshot(numbers=False)
    with pytest.raises(ApplyError) as problem:
        apply("topology", {**whole("web1"), **more})
    assert word in str(problem.value) and problem.value.undone, str(problem.value)
    same(snapshot(numbers=False), before, str(problem.value))


def test_adopted_link_goes_back() -> None:
    sh(FOREIGN + "ip link add d0 address 02:00:00:00:00:d0 type veth peer name d1\nip link set d0 up alias mine")
    before = snapshot(numbers=False)
    options = {
        "name": "t",
        "namespaces": [{"name": "blue"}],
        "link": [{"name": "eth0", "netns": "blue", "adopt": {"name": "d0"}, "mtu": 1400}],
    }
    assert change("topology", options, [("ip -n blue link show eth0", "mtu", 1400)])
    assert change("topology", {"name": "t", "state": "absent"}, [("ip link show d0", "ifalias", "mine")])
    same(snapshot(numbers=False), before, "the adopted link did not come back as it was")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"version": 99, "objects": []}', "version 99"),
        ('{"version": 1}', "damaged"),
    ],
)
def test_state_file_that_cannot_be_used(content: str, word: str) -> None:
    STATE.parent.mkdir()
    STATE.write_text(content)
    before = snapshot()
    with pytest.raises(StoreError) as problem:
        apply("topology", {"name": "t", "bridge": [BRIDGE]})
    assert word in str(problem.value)
    same(snapshot(), before, "refused, but changed something")


def test_interrupted_write_keeps_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    apply("topology", {"name": "t", "bridge": [BRIDGE]})
    before = STATE.read_text()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError):
        apply("topology", {"name": "t", "bridge": [BRIDGE, {"name": "br2"}]})
    monkeypatch.undo()
    assert STATE.read_text() == before and [path.name for path in STATE.parent.iterdir()] == ["t.json"]
    assert said("ip link show br2", "ifname") == []
    assert set(Store("t").load()) and json.loads(before)["name"] == "t"


def test_lock() -> None:
    """One waits for the other; who waits too long says so."""
    sh("true")
    entered, order = threading.Event(), []

    def hold() -> None:
        with node_lock():
            entered.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with pytest.raises(LockError), node_lock(wait=0.05):
        pass
    with node_lock():
        order.append("second")
    thread.join()
    assert order == ["first", "second"] and not Path("/run/containerland.lock").exists()


def test_two_at_once() -> None:
    sh(FOREIGN)
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=apply, args=("topology", whole("web1", "web2"))) for _turn in range(2)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0]
    assert not apply("topology", whole("web1", "web2")).changed


def test_more_namespaces_than_open_files_are_allowed() -> None:
    """At first: a run holds two files for each namespace."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    names = [f"n{number}" for number in range(150)]
    options = {"name": "t", "namespaces": [{"name": name} for name in names]}
    for wanted, changed in ((options, True), (options, False), ({"name": "t", "state": "absent"}, True)):
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        assert apply("topology", wanted).changed is changed
    assert namespaces() == []


def test_at_the_hard_limit_it_says_so_and_changes_nothing() -> None:
    names = [f"n{number}" for number in range(150)]
    options = {"name": "t", "namespaces": [{"name": name} for name in names]}
    apply("topology", options)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    with pytest.raises((KernelError, MissingError), match="ulimit -Hn"):
        apply("topology", {**options, "namespaces": options["namespaces"][1:]})
    assert sorted(os.listdir("/run/netns")) == sorted(names)


def test_two_hundred_containers_without_a_process() -> None:
    started: list[str] = []
    events = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen")
    sys.addaudithook(lambda event, _details: started.append(event) if event in events else None)
    names = [f"c{number}" for number in range(200)]
    options = {
        "name": "t",
        "namespaces": [{"name": n} for n in names],
        "bridge": [{**BRIDGE, "addresses": ["10.1.255.1/16"]}],
    }
    options["veth"] = [leg(name, number) for number, name in enumerate(names)]
    began = time.monotonic()
    assert apply("topology", options).changed
    built = time.monotonic() - began
    assert not apply("topology", options).changed
    assert started == []
    expect([("ip -n c199 -4 address show eth0", "addr_info.local", "10.1.0.201")])
    assert len(said("ip link show master br1", "ifname")) == 200
    started.clear()
    assert apply("topology", {"name": "t", "state": "absent"}).changed
    assert started == [] and namespaces() == [] and built < 60
