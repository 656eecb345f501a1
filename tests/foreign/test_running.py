# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that run already, of two Docker daemons on two nodes, in one overlay: as docs/guides/adopt.md tells it."""

from __future__ import annotations

import re

from tests.foreign.host import directory, eventually
from tests.foreign.nodes import NodeWithDocker, changed, play, two_nodes
from tests.integration.support.kernel import sh
from tests.integration.support.run import CHECKOUT

SITE, CONTAINERS = "playbooks/site.yml", "tests/foreign/containers.yml"
#: What the guide shows of the program's output and of messages.
REPAIRED, STOPPED, LEFT_OUT = re.findall(
    r"^```(?:console|text)\n(?:# [^\n]*\n)?(.*?)^```$",
    (CHECKOUT / "docs/guides/adopt.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


def address(node: NodeWithDocker) -> str:
    """Of the leg that the container has of us."""
    shown = node.sh(
        """nsenter --net=/proc/$(docker inspect -f '{{.State.Pid}}' web)/ns/net ip -o -4 address show ctl0"""
    )
    return shown.split()[3].partition("/")[0]


def reach_each_other(one: NodeWithDocker, two: NodeWithDocker) -> None:
    for asking, asked in ((one, two), (two, one)):
        where = address(asked)
        eventually(lambda: asking.ask(where) == asked.name, f"{asking.name} does not reach {asked.name}")  # noqa: B023


def test_containers_of_two_daemons_in_one_overlay() -> None:
    with directory() as files, two_nodes(files) as (one, two):
        for node in (one, two):
            node.serve()
        before = {node.name: node.theirs() for node in (one, two)}

        made = play(SITE)
        assert min(changed(made).values()) > 2
        reach_each_other(one, two)
        # From outside by the published port, answered by the way that it came; and Docker's own way out is as it was.
        client = "ip netns exec client"
        assert sh(f"echo | {client} busybox nc -w 3 192.0.2.11 8080").strip() == "node1"
        assert {node.name: node.theirs() for node in (one, two)} == before
        assert changed(play(SITE)) == {"node1": 0, "node2": 0}

        restarted(one, two)
        stopped(one, two)
        removed(one, two)

        play("playbooks/teardown.yml")
        for node in (one, two):
            assert node.theirs() == before[node.name], "teardown has changed something of Docker's"
            assert not node.run("ip link show ctl0").stdout


def restarted(one: NodeWithDocker, two: NodeWithDocker) -> None:
    """A restart gives it a new namespace; what the timer runs connects that, and finds nothing to do after that."""
    play("tests/foreign/node_program.yml")
    one.sh("docker restart web")
    assert not one.ask("10.244.12.1"), "a new namespace has no leg of ours"
    assert REPAIRED in one.sh("/run/containerland-net repair")
    reach_each_other(one, two)
    assert one.sh("/run/containerland-net repair") == ""
    # As after a boot of the node: the file is of another one, and the engine starts its containers later.
    one.sh(
        """sed -i 's/"boot": *"[^"]*"/"boot": "another"/' /var/lib/containerland/containers.json; docker restart web"""
    )
    assert "lost at the last reboot: netns 'docker:web'" in one.sh("/run/containerland-net restore 2>&1")
    assert REPAIRED in one.sh("/run/containerland-net repair")
    reach_each_other(one, two)
    assert changed(play(CONTAINERS)) == {"node1": 0, "node2": 0}


def stopped(one: NodeWithDocker, two: NodeWithDocker) -> None:
    """The playbook refuses, or leaves it out and goes on; what the timer runs connects it once it runs."""
    two.sh("docker stop web")
    assert STOPPED.strip() in play(CONTAINERS, fails=True)
    went_on = play(CONTAINERS, "--extra-vars=containers_stopped=leave_out")
    assert LEFT_OUT.strip() in went_on
    assert two.sh("/run/containerland-net repair") == ""
    two.sh("docker start web")
    assert "veth 'c-web'" in two.sh("/run/containerland-net repair")
    reach_each_other(one, two)
    assert changed(play(CONTAINERS)) == {"node1": 0, "node2": 0}


def removed(one: NodeWithDocker, two: NodeWithDocker) -> None:
    """Another container of that name takes its place."""
    two.sh("docker rm --force web")
    assert "no such container" in play(CONTAINERS, fails=True).lower()
    two.serve()
    assert changed(play(CONTAINERS))["node2"] == 1
    reach_each_other(one, two)
