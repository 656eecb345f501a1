# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`containerland-net status` and `repair`: what differs from what is declared is told, and only that is set right."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import health_files, health_watch, program
from ansible_collections.containerland.net.plugins.module_utils._core.balance import elements
from ansible_collections.containerland.net.plugins.module_utils._core.lock import node_lock
from ansible_collections.containerland.net.plugins.module_utils._core.program import main

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import namespaces, said, same, sh, snapshot
from tests.integration.support.run import apply, run_module
from tests.integration.test_restore import boot
from tests.integration.test_topology import whole

DIRECTORY = Path("/var/lib/containerland")
Said = pytest.CaptureFixture[str]
CHAIN = {"chain": "SHOP", "rules": ["-s 10.1.0.0/16 -j ACCEPT"], "jumps": [{"from": "FORWARD"}]}

#: (what somebody does, the lines that tell it)
DRIFT = [
    ("ip link delete vx1", ["create vxlan 'vx1'", "create fdb", "create fdb"]),
    ("ip link set br1 mtu 1400", ["change bridge 'br1' (mtu)"]),
    ("ip address delete 10.1.0.1/24 dev br1", ["create address", "create neighbor", "create route"]),
    ("ip link set web1 nomaster", ["change veth 'web1' (master"]),
    ("ip -n web1 route delete default", ["create route '0.0.0.0/0' in netns 'web1'"]),
    ("ip rule delete priority 50", ["create rule"]),
    ("ip neigh delete 10.1.0.77 dev br1", ["create neighbor"]),
    ("bridge fdb delete 02:00:00:00:00:78 dev vx1 dst 10.1.0.8 self", ["create fdb"]),
    ("sysctl -qw net.ipv4.ip_forward=0", ["change sysctl 'net/ipv4/ip_forward' (value)"]),
    ("ip netns exec web1 sysctl -qw net.ipv4.conf.all.rp_filter=0", ["change sysctl"]),
    ("iptables -F SHOP", ["change iptables_chain"]),
    ("iptables -D FORWARD -j SHOP", ["create iptables_jump"]),
]


def node() -> dict[str, Any]:
    options = whole("web1")
    return {**options, "bridge": [{**options["bridge"][0], "mtu": 1450}], "iptables_chain": [CHAIN]}


def status(capfd: Said, code: int) -> dict[str, Any]:
    """What `status --json` says; it exits with `code`, and changes nothing."""
    capfd.readouterr()
    before = snapshot()
    assert main(["status", "--json"]) == code
    shown = capfd.readouterr()
    assert shown.err == ""
    same(snapshot(), before, "status has changed something")
    found: dict[str, Any] = json.loads(shown.out)
    assert found["state"] == ("in sync", "differs", "unknown")[code]
    return found


def run(capfd: Said, command: str, code: int = 0) -> tuple[list[str], str]:
    """The lines that a command prints, and what it complains of."""
    capfd.readouterr()
    assert main([command]) == code
    shown = capfd.readouterr()
    return shown.out.splitlines(), shown.err


def test_what_is_declared_is_counted(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", node())
    counts = {"namespaces": 1, "bridge": 1, "veth": 1, "vxlan": 1, "link": 1, "route": 2, "rule": 1, "neighbor": 1}
    counts |= {"fdb": 1, "iptables_chain": 1, "sysctls": 1}
    found = status(capfd, 0)["owners"]["t"]
    assert found == {"state": "in sync", "declared": counts, "differences": [], "warnings": [], "problem": ""}
    lines, complaint = run(capfd, "status")
    assert len(lines) == 1 and lines[0].startswith("t: 1 namespaces, 1 bridge, 1 veth"), lines
    assert lines[0].endswith(": as declared") and complaint == ""


@pytest.mark.parametrize(("drift", "lines"), DRIFT, ids=[drift for drift, _lines in DRIFT])
def test_drift_is_told_and_repaired(drift: str, lines: list[str], capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", node())
    sh(drift)
    told = status(capfd, 1)["owners"]["t"]["differences"]
    assert len(told) == len(lines) and all(got.startswith(want) for got, want in zip(told, lines)), told
    assert run(capfd, "status", 1)[0][1:] == [f"  {line}" for line in told]
    assert apply("topology", node(), check=True).plan.lines() == told
    assert run(capfd, "repair") == ([f"t: {line}" for line in told], "")
    status(capfd, 0)
    assert run(capfd, "repair") == ([], ""), "a second repair has something to do"
    assert not apply("topology", node()).changed


def test_what_others_add_is_no_drift(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", node())
    sh("ip link add other type veth peer name rehto; ip -n web1 address add 10.9.9.9/32 dev eth0; ip netns add theirs")
    sh("ip route add blackhole 10.66.0.0/16; iptables -A INPUT -s 10.66.0.1 -j DROP")
    before = snapshot()
    status(capfd, 0)
    assert run(capfd, "repair") == ([], "")
    same(snapshot(), before, "repair has changed what others made")


def test_after_a_boot_all_of_it_differs(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", node())
    boot()
    told = status(capfd, 1)["owners"]["t"]["differences"]
    assert "create netns 'web1'" in told and "create bridge 'br1'" in told
    assert run(capfd, "repair") == ([f"t: {line}" for line in told], "")
    status(capfd, 0)


def test_what_is_something_else_by_now_differs(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", {"name": "aa", "bridge": [{"name": "br1"}]})
    apply("topology", {"name": "zz", "bridge": [{"name": "br2"}]})
    sh("ip link delete br1; ip link add br1 type veth peer name rb1; ip link delete br2")
    told = status(capfd, 1)["owners"]
    conflict = "bridge[0]: veth 'br1' exists and is not a bridge; delete it first, or use another name"
    assert told["aa"]["differences"] == [conflict]
    lines, complaint = run(capfd, "repair", 1)
    assert lines == ["zz: create bridge 'br2'"]
    assert complaint == f"containerland-net: aa: {conflict}\n"
    assert said("ip link show rb1", "ifname") == ["rb1"], "what others made is gone"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is damaged"),
        ('{"version": 1}', "is damaged"),
        ('{"version": 99}', "has version 99"),
        ('{"version": 1, "objects": [], "declared": {"name": "bad", "bridge": [{"name": "a b"}]}}', "bridge[0].name"),
    ],
)
def test_a_bad_file_is_told_and_keeps_nothing_else(content: str, problem: str, capfd: Said) -> None:
    sh(FOREIGN)
    for owner in ("aa", "zz"):
        apply("topology", {"name": owner, "bridge": [{"name": f"br{owner}"}]})
    sh("ip link delete brzz")
    bad = DIRECTORY / "bad.json"
    bad.write_text(content)
    found = status(capfd, 2)["owners"]
    assert [found[name]["state"] for name in ("aa", "bad", "zz")] == ["in sync", "unknown", "differs"]
    assert problem in found["bad"]["problem"]
    lines, complaint = run(capfd, "repair", 1)
    assert lines == ["zz: create bridge 'brzz'"]
    assert complaint.startswith("containerland-net: bad: ") and problem in complaint and complaint.count("\n") == 1
    assert said("ip link show braa", "ifname") == ["braa"]
    assert bad.read_text() == content


def test_a_container_that_is_gone_is_left_out(capfd: Said) -> None:
    sh(FOREIGN)
    with subprocess.Popen(["unshare", "--net", "sleep", "60"]) as process:
        while os.readlink(f"/proc/{process.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            pass
        leg = {"name": "v0", "master": "br1", "peer": {"name": "eth0", "netns": f"pid:{process.pid}"}}
        apply("topology", {"name": "t", "bridge": [{"name": "br1"}], "veth": [leg]})
        status(capfd, 0)
        process.send_signal(signal.SIGKILL)
        process.wait()
    sh("while ip link show v0 >/dev/null 2>&1; do sleep 0.1; done; ip link delete br1")
    found = status(capfd, 1)["owners"]["t"]
    assert found["differences"] == ["create bridge 'br1'"]
    gone = f"left out, for it is gone: netns 'pid:{process.pid}' and all that leads there"
    assert found["warnings"] == [gone]
    assert run(capfd, "repair") == (["t: create bridge 'br1'"], "")
    status(capfd, 0)


def test_commands_that_ended_are_told_and_started(capfd: Said) -> None:
    sh(FOREIGN)
    apply("topology", {"name": "t", "namespaces": [{"name": "web1"}]})
    command = {"name": "one", "netns": "web1", "command": ["sleep", "4711"]}
    run_module("netns_commands", {"name": "t", "supervisor": "loop", "commands": [command]})
    try:
        assert status(capfd, 0)["commands"]["t"]["declared"] == {"commands": 1}
        sh('ip netns pids web1 | xargs kill -KILL; while [ "$(ip netns pids web1)" ]; do sleep 0.1; done')
        assert status(capfd, 1)["commands"]["t"]["differences"] == ["start 'one'"]
        assert run(capfd, "repair") == (["commands of t: start 'one'"], "")
        status(capfd, 0)
    finally:
        run_module("netns_commands", {"name": "t", "state": "absent"})


def test_while_somebody_changes_the_network_nothing_can_be_told(capfd: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    apply("topology", {"name": "t", "bridge": [{"name": "br1"}]})
    sh("ip link delete br1")
    monkeypatch.setattr("ansible_collections.containerland.net.plugins.module_utils._core.status.PATIENCE", 0.1)
    with node_lock() as lock:
        lock.tell("topology 't', process 1: apply, 3 of 4 requests")
        lock.tell("topology 't', process 1: verify")
        lines, complaint = run(capfd, "status", 2)
    assert lines == [] and "another run holds /run/containerland.lock (topology 't', process 1: verify); " in complaint
    with node_lock():
        pid = os.fork()
        if pid == 0:
            monkeypatch.setattr(program, "restore", _busy)
            os._exit(main(["repair"]))
        assert os.waitpid(pid, 0)[1] == 0, "a timer that comes at the wrong time has failed"
    assert "nothing is repaired this time: another run holds" in capfd.readouterr().err
    assert said("ip link show br1", "ifname") == []


def _busy() -> Any:
    """What restore does while another run holds the lock for longer than it waits."""
    with node_lock(0.1):
        yield


def test_nothing_is_declared(capfd: Said) -> None:
    assert run(capfd, "status") == (["nothing is declared"], "")
    assert status(capfd, 0)["owners"] == {}


def test_a_server_that_fails_stays_out(capfd: Said) -> None:
    """The watch has taken it out since it was declared, so that is no drift."""
    health = {"type": "tcp", "interval": 2, "timeout": 1, "rise": 2, "fall": 3, "port": 0, "path": "/"}
    servers = [{"address": f"10.1.0.{n}", "port": 80, "weight": 1, "method": "masq"} for n in (2, 3)]
    front = [{"address": "10.96.0.10", "port": 80}]
    service = {"name": "web", "proxy": "iptables", "protocol": "tcp", "scheduler": "rr", "affinity": 0, "drain": 0}
    service = {**service, "frontends": front, "servers": servers, "health": health}
    options = {"name": "services", **elements(service)}
    apply("topology", options)
    health_files.save("services", [service])
    status(capfd, 0)
    failing = {"web": ["10.1.0.3:80"]}
    state = Path(health_files.STATE)
    state.mkdir()
    (state / "services.json").write_text(json.dumps({"failing": failing}))
    assert status(capfd, 1)["failing"] == failing, "the watch has not applied it yet"
    health_watch.apply([service], failing)
    assert "10.1.0.3" not in sh("iptables-save -t nat")
    assert status(capfd, 0)["failing"] == failing
    assert run(capfd, "status")[0][-1] == "service web: no answer from 10.1.0.3:80"
    assert run(capfd, "repair") == ([], "")
    sh("iptables -t nat -F CTL-SVC-web")
    assert len(run(capfd, "repair")[0]) == 1
    assert "10.1.0.2" in sh("iptables-save -t nat") and "10.1.0.3" not in sh("iptables-save -t nat")
    # Declared while it failed, it comes back all the same when it answers again.
    apply("topology", {"name": "services", **elements(service, failing["web"])})
    (state / "services.json").write_text(json.dumps({"failing": {}}))
    assert len(run(capfd, "repair")[0]) == 1
    assert "10.1.0.3" in sh("iptables-save -t nat")
    status(capfd, 0)
    assert namespaces() == []
