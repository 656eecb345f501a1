# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`containerland-net restore`: from the state files alone, after what a boot leaves of a node."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import pending
from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import converge
from ansible_collections.containerland.net.plugins.module_utils._core.guard import Guard
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.lock import node_lock
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.program import main
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import namespaces, said, sh
from tests.integration.support.private import enter
from tests.integration.support.run import apply, run_module
from tests.integration.test_topology import whole

DIRECTORY = Path("/var/lib/containerland")
Said = pytest.CaptureFixture[str]


def boot() -> None:
    """The node begins anew: nothing of its network is left, /run is empty, files stay."""
    kept = {path.relative_to(DIRECTORY): path.read_text() for path in DIRECTORY.rglob("*.json")}
    enter()
    for path, text in kept.items():
        content = json.loads(text)
        (DIRECTORY / path).parent.mkdir(parents=True, exist_ok=True)
        (DIRECTORY / path).write_text(json.dumps({**content, "boot": "another", "declared_boot": "another"}))
    sh(FOREIGN)


def restore(status: int = 0) -> None:
    assert main(["restore"]) == status


def found() -> dict[str, Any]:
    """What there is, without the addresses that the kernel chooses at random, and what follows from them."""
    shown = {
        "links": ("-d -j link", ("ifname", "mtu", "master", "ifalias", "link_netnsid")),
        "routes": ("-j -4 route show table all", ("dst", "gateway", "dev", "table", "metric", "type", "prefsrc")),
        "rules": ("-j rule", ("priority", "src", "table")),
        "neighbors": ("-j neigh show nud permanent", ("dst", "dev", "lladdr", "state")),
    }
    there: dict[str, Any] = {"entries": sorted(sh("bridge fdb show | grep dst").splitlines())}
    for name in ("", *namespaces()):
        inside = f"-n {name} " if name else ""
        for what, (question, fields) in shown.items():
            rows = json.loads(sh(f"ip {inside}{question}") or "[]")
            picked = [json.dumps({field: row.get(field) for field in fields}, sort_keys=True) for row in rows if row]
            there[f"{what} in '{name}'"] = sorted(picked)
        lines = sh(f"ip {inside}-o address show scope global").splitlines()
        there[f"addresses in '{name}'"] = sorted(" ".join(line.split()[1:4]) for line in lines)
        enter_it = f"ip netns exec {name} " if name else ""
        there[f"sysctls in '{name}'"] = sh(f"{enter_it}sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter")
    return there


def bridge(owner: str, **more: Any) -> dict[str, Any]:
    return {"name": owner, "bridge": [{"name": f"br{owner}"}], **more}


def test_after_a_boot_everything_is_back(capfd: Said) -> None:
    sh(FOREIGN)
    nothing = found()
    apply("topology", whole("web1", "web2"))
    everything = found()
    boot()
    restore()
    assert found() == everything
    assert capfd.readouterr().out.startswith("t: ")

    assert not apply("topology", whole("web1", "web2")).changed, "a run after it has something to do"
    assert apply("topology", whole("web2")).changed
    assert namespaces() == ["foreign", "web2"], "what is no longer declared goes"
    assert apply("topology", {"name": "t", "state": "absent"}).changed
    assert found() == nothing, "absent after a boot leaves something"
    assert not DIRECTORY.exists()


def test_again_it_changes_nothing(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", whole("web1"))
    boot()
    restore()
    file = (DIRECTORY / "t.json").read_bytes()
    capfd.readouterr()
    restore()
    assert capfd.readouterr().out == "t: as it should be\n"
    assert (DIRECTORY / "t.json").read_bytes() == file


def test_without_a_boot_it_repairs() -> None:
    sh(FOREIGN)
    apply("topology", whole("web1"))
    sh("ip link delete web1; ip netns delete web1; ip link delete vx1; ip rule delete priority 50")
    sh("sysctl -qw net.ipv4.ip_forward=0")
    restore()
    assert not apply("topology", whole("web1")).changed


def test_what_was_there_before_the_first_run_comes_back_in_the_end() -> None:
    sh(FOREIGN)
    options = {
        "name": "t",
        "sysctls": {"net.ipv4.ip_forward": 1},
        "link": [{"name": "fo0", "mtu": 1400, "alias": "adopted"}],
    }
    apply("topology", options)
    boot()
    # As /etc/sysctl.d does it at boot: it is not what the first run found.
    sh("sysctl -qw net.ipv4.ip_forward=1")
    restore()
    assert said("ip link show fo0", "mtu") == [1400]
    apply("topology", {"name": "t", "state": "absent"})
    assert sh("sysctl -n net.ipv4.ip_forward").strip() == "0"
    assert said("ip link show fo0", "mtu") == [1500]
    assert said("ip link show fo0", "ifalias") == []


def test_an_owner_that_needs_what_a_later_one_makes(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", bridge("zz"))
    apply("topology", {"name": "aa", "veth": [{"name": "a0", "master": "brzz", "peer": {"name": "a1"}}]})
    boot()
    restore()
    assert said("ip link show a0", "master") == ["brzz"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is damaged"),
        ('{"version": 1}', "is damaged"),
        ('{"version": 99, "objects": [], "declared": {}}', "has version 99"),
        ('{"version": 1, "objects": [], "declared": {"name": "bad", "bridge": [{"name": "a b"}]}}', "bridge[0].name"),
    ],
)
def test_a_bad_file_keeps_it_from_nothing_else(content: str, problem: str, capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", bridge("aa"))
    apply("topology", bridge("zz"))
    boot()
    (DIRECTORY / "bad.json").write_text(content)
    (DIRECTORY / ".zz.q1w2.json").write_text("{")
    restore(1)
    assert said("ip link show braa", "ifname") == ["braa"]
    assert said("ip link show brzz", "ifname") == ["brzz"]
    errors = capfd.readouterr().err.splitlines()
    assert len(errors) == 1 and errors[0].startswith("containerland-net: bad: ") and problem in errors[0], errors
    assert (DIRECTORY / "bad.json").read_text() == content


def test_what_cannot_be_made_is_said_and_the_rest_is_done(capfd: Said) -> None:
    sh(FOREIGN)
    sh("ip link add late type bridge")
    apply("topology", {"name": "aa", "link": [{"name": "late", "mtu": 1400}]})
    apply("topology", bridge("zz"))
    boot()
    restore(1)
    assert said("ip link show brzz", "ifname") == ["brzz"]
    assert "'late'" in capfd.readouterr().err
    sh("ip link add late type bridge")
    restore()
    assert said("ip link show late", "mtu") == [1400]


def test_what_a_path_stood_for_is_something_else_after_a_boot(capfd: Said) -> None:
    sh(FOREIGN)
    options = {
        "name": "t",
        "bridge": [{"name": "br1"}],
        "namespaces": [{"name": "web1"}],
        "veth": [
            {"name": "v0", "master": "br1", "peer": {"name": "eth0", "netns": "/run/p"}},
            {"name": "v1", "master": "br1", "peer": {"name": "eth0", "netns": "web1"}},
        ],
    }
    sh("ip netns add p; touch /run/p; mount --bind /run/netns/p /run/p")
    apply("topology", options)
    boot()
    # As the number of a process may: it stands for the node's own namespace now.
    sh(f"touch /run/p; mount --bind /proc/{os.getpid()}/ns/net /run/p")
    restore()
    assert "left out, for it was lost at the last reboot: netns '/run/p'" in capfd.readouterr().err
    assert said("ip link show eth0", "ifname") == []
    assert said("ip link show v0", "ifname") == []
    assert said("ip link show v1", "master") == ["br1"]
    restore()
    assert "left out, for it is gone since the last reboot: netns '/run/p'" in capfd.readouterr().err
    assert said("ip link show v0", "ifname") == [], "a repair in the new boot connected what is there now"
    # In the same boot it is taken at its word, and what is there does not go.
    sh("umount /run/p; ip netns add p; mount --bind /run/netns/p /run/p")
    apply("topology", options)
    restore()
    assert said("ip -n p link show eth0", "ifname") == ["eth0"]


def test_commands_run_again() -> None:
    sh(FOREIGN)
    apply("topology", {"name": "t", "namespaces": [{"name": "web1"}]})
    command = {"name": "one", "netns": "web1", "command": ["sleep", "4711"], "environment": {"A": "b"}}
    options = {"name": "t", "supervisor": "loop", "commands": [command]}
    assert run_module("netns_commands", options)["started"] == ["one"]
    kept = DIRECTORY / "commands" / "t.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    sh("ip netns pids web1 | xargs kill -KILL")
    boot()
    restore()
    try:
        where = sh("ip netns pids web1")
        assert where.strip()
        assert run_module("netns_commands", options)["changed"] is False
        restore()
        assert sh("ip netns pids web1") == where
    finally:
        assert run_module("netns_commands", {"name": "t", "state": "absent"})["stopped"] == ["one"]
    assert not kept.exists()


def test_a_change_that_nobody_confirmed_does_not_outlive_the_power() -> None:
    sh(FOREIGN)
    apply("topology", bridge("t", link=[{"name": "fo0", "mtu": 1400}]))
    guarded_run({"name": "t", "link": [{"name": "fo0", "mtu": 1300}]})
    assert said("ip link show fo0", "mtu") == [1300]
    boot()
    restore()
    assert said("ip link show fo0", "mtu") == [1400]
    assert said("ip link show brt", "ifname") == ["brt"]
    assert not apply("topology", bridge("t", link=[{"name": "fo0", "mtu": 1400}])).changed


def test_nor_does_one_that_took_everything_away() -> None:
    sh(FOREIGN)
    apply("topology", bridge("t"))
    guarded_run({"name": "t", "state": "absent"})
    assert said("ip link show brt", "ifname") == []
    boot()
    restore()
    assert said("ip link show brt", "ifname") == ["brt"]


def test_nor_does_the_first_one() -> None:
    sh(FOREIGN)
    guarded_run(bridge("t"))
    boot()
    restore()
    assert said("ip link show brt", "ifname") == []
    assert not DIRECTORY.exists()


@pytest.mark.parametrize("options", [bridge("t", route=[]), {"name": "t", "state": "absent"}])
def test_one_that_was_confirmed_does(options: dict[str, Any]) -> None:
    sh(FOREIGN)
    apply("topology", {"name": "t", "bridge": [{"name": "other"}]})
    guarded_run(options)
    assert pending.confirm() is not None
    with node_lock():
        pass  # the watchdog has it until it has heard of that
    boot()
    restore()
    assert said("ip link show brt", "ifname") == (["brt"] if "bridge" in options else [])
    assert said("ip link show other", "ifname") == []
    apply("topology", {"name": "t", "state": "absent"})
    assert not DIRECTORY.exists()


def guarded_run(options: dict[str, Any]) -> None:
    """What the module does with confirm_timeout; nobody has confirmed it."""
    with Node() as node, node_lock() as lock:
        ledger = Ledger(Store("t"), options, node.is_gone)
        guard = Guard(60, "0123456789abcdef", node, lock)
        converge(declare_topology(options, node.canonical), KernelWorld(node), ledger=ledger, guard=guard)
    assert guard.stands
