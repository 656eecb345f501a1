# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that must be confirmed, through Ansible and a real sshd: kept, or taken back when the node is cut off."""

from __future__ import annotations

import os
import re
import textwrap
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import pending

from tests.integration.support.kernel import said, same, sh, snapshot
from tests.integration.support.ssh import CONTROLLER, HOME, LOCK, Lab, eventually, finished, gone, watchers

# sshd changes its groups, which users that only seem to be root may not.
pytestmark = pytest.mark.other_kernel("setgroups", "veth")

ROUTE = {"dest": "198.51.100.0/24", "gateway": CONTROLLER}
#: Replies to new connections are thrown away; those that are established go on.
NEW_CUT = {
    "name": "t",
    "rule": [{"priority": 50, "fwmark": 7, "table": 77}],
    "route": [{"dest": "default", "type": "blackhole", "table": 77}],
}
#: The same, by the usual means.
FILTER = {
    "chain": "INPUT",
    "rules": ["-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "-p tcp --dport 22 -j DROP"],
}
#: Nothing comes back to the controller.
ALL_CUT = {"dest": f"{CONTROLLER}/32", "type": "blackhole"}


def route() -> list[Any]:
    return said(f"ip route show {ROUTE['dest']}", "dst")


def saved() -> str:
    """The packet filter's rules, without counters and dates."""
    return re.sub(r"^#.*\n| \[\d+:\d+\]", "", sh("iptables-save"), flags=re.MULTILINE)


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_kept_where_the_node_stays_in_reach(pipelining: str) -> None:
    with Lab() as lab:
        options = {**ROUTE, "confirm_timeout": 60}
        done = lab.ansible("route", options, "-vvv", ANSIBLE_PIPELINING=pipelining)
        assert (done["status"], done["plan"], route()) == (
            "CHANGED",
            ["create route '198.51.100.0/24'"],
            ["198.51.100.0/24"],
        )
        assert "confirm" not in done and "_confirm_change" not in str(done.get("invocation"))
        gone()
        again = lab.ansible("route", options, ANSIBLE_PIPELINING=pipelining)
        assert (again["status"], route()) == ("SUCCESS", ["198.51.100.0/24"])
        gone()
        assert not list(HOME.glob("remote/*"))


def test_check_mode_and_async() -> None:
    with Lab() as lab:
        before = snapshot()
        foretold = lab.ansible("route", {**ROUTE, "confirm_timeout": 60}, "--check")
        assert (foretold["status"], foretold["plan"]) == ("CHANGED", ["create route '198.51.100.0/24'"])
        refused = lab.ansible("route", {**ROUTE, "confirm_timeout": 60}, "-B", "10", "-P", "1")
        assert "confirm_timeout and async exclude each other" in refused["msg"]
        wrong = lab.ansible("route", {**ROUTE, "confirm_timeout": 1})
        assert wrong["msg"] == "confirm_timeout: must be 2 to 600 seconds, or 0 for no guard: 1"
        same(snapshot(), before, "something was changed")


@pytest.mark.parametrize(
    ("module", "options"),
    [
        pytest.param("topology", NEW_CUT, id="new"),
        pytest.param("topology", {"name": "t", "iptables_chain": [FILTER]}, id="chain"),
        pytest.param("iptables_chain", FILTER, id="filter"),
        pytest.param("route", ALL_CUT, id="all"),
    ],
)
def test_taken_back_where_the_node_is_cut_off(module: str, options: dict[str, Any]) -> None:
    with Lab() as lab:
        lab.ansible("topology", {"name": "t", "rule": [{"priority": 60, "table": "main"}]})
        before, rules = snapshot(), saved()
        done = lab.ansible(module, {**options, "confirm_timeout": 3})
        said_why = "the change was taken back, because no new connection from the controller confirmed it within 3 s"
        assert (done["status"], done["msg"], done["changed"]) == ("FAILED", said_why, False), done["said"]
        gone()
        same(snapshot(), before, "the state before did not return")
        assert saved() == rules
        assert lab.ansible("route", {**ROUTE, "confirm_timeout": 60})["status"] == "CHANGED"


def test_established_connections_do_not_confirm() -> None:
    """What is cut in the test above is cut for new connections only: without the guard, ssh goes on."""
    with Lab() as lab:
        assert lab.ansible("topology", NEW_CUT)["status"] == "CHANGED"
        assert lab.ansible("topology", NEW_CUT)["status"] == "SUCCESS"
        sh(f"ip netns exec controller ssh -O exit -o ControlPath={HOME}/control 192.0.2.1")
        assert lab.ansible("topology", NEW_CUT)["status"] == "UNREACHABLE"


def test_taken_back_when_the_controller_is_killed() -> None:
    with Lab() as lab:
        before = snapshot()
        (HOME / "hold").touch()
        controller = lab.start("topology", {"name": "t", "route": [ROUTE], "confirm_timeout": 3})
        eventually((HOME / "held").exists, "the controller did not reset its connection")
        waiting = pending.find()
        assert route() and len(watchers()) == 2 and waiting is not None
        change = waiting.change
        lab.kill(controller)
        eventually(lambda: not route(), "the change was not taken back")
        eventually(lambda: not os.path.exists(LOCK), "the lock is held")
        report = pending.find(change)
        assert report is not None and report.state is pending.State.RESTORED
        pending.forget(change)
        gone()
        same(snapshot(), before, "the state before did not return")
        assert lab.ansible("topology", {"name": "t", "route": [ROUTE], "confirm_timeout": 60})["status"] == "CHANGED"


def test_connection_lost_while_the_module_runs() -> None:
    with Lab() as lab:
        assert lab.ansible("route", {**ROUTE, "state": "absent"})["status"] == "SUCCESS"
        (HOME / "cut").touch()
        done = finished(lab.start("route", {**ROUTE, "confirm_timeout": 2}))
        lost = "the connection was lost while the module ran; the change was taken back, because no new connection"
        assert done["status"] == "FAILED" and done["msg"].startswith(lost), done["said"]
        assert route() == []
        gone()


def test_nsenter_as_become_plugin() -> None:
    """Each command is a process that enters the namespace anew; what cuts the controller off does not cut that."""
    with Lab() as lab:
        become = [f"ansible_{name}" for name in ("become=true", "become_method=containerland.net.nsenter")]
        words = " ".join([*become, "ansible_nsenter_target=inner", "ansible_connection=local"])
        sh("ip netns add inner\nip -n inner link set lo up")
        options = {"dest": "198.51.100.0/24", "type": "blackhole", "confirm_timeout": 60}
        assert lab.ansible("route", options, "-e", words)["status"] == "CHANGED"
        gone()
        assert said("ip -n inner route show type blackhole", "dst") == ["198.51.100.0/24"] and route() == []


def test_defaults_of_one_module_are_not_those_of_another() -> None:
    """All of them are run by the same action."""
    with Lab() as lab:
        play = """
        - hosts: node
          gather_facts: false
          module_defaults:
            containerland.net.route: {type: blackhole}
            group/containerland.net.all: {confirm_timeout: 60, netns: inner}
          tasks:
            - containerland.net.route: {dest: 198.51.100.0/24, netns: ""}
            - containerland.net.topology: {name: t, route: [{dest: 198.51.101.0/24, type: unreachable}]}
        """
        (HOME / "play.yml").write_text(textwrap.dedent(play))
        sh("ip netns add inner")
        lab.play(HOME / "play.yml")
        assert said("ip route show type blackhole", "dst") == ["198.51.100.0/24"]
        assert said("ip -n inner route show type unreachable", "dst") == ["198.51.101.0/24"]
        gone()
