# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change is taken back after others were at work: what they made impossible stays away, all else comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import converge
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store
from ansible_collections.containerland.net.plugins.module_utils._core.taking_back import TakeBack

from tests.integration.support.kernel import said, sh
from tests.integration.support.run import apply

ROUTE = {"dest": "10.50.0.0/16", "type": "blackhole"}


def changed_and_taken_back(options: Mapping[str, Any], meanwhile: str) -> tuple[bool, str]:
    """Applies a topology, lets others work, takes it back as the guard does; whether all came back, or why not."""
    ways: list[TakeBack] = []

    @contextmanager
    def keep(take_back: TakeBack, confirmed: Callable[[], None]) -> Iterator[None]:
        ways.append(take_back)
        yield

    with Node() as node:
        ledger = Ledger(Store(options["name"]), options, node.is_gone)
        converge(declare_topology(options, node.canonical), KernelWorld(node), ledger=ledger, guard=keep)
    sh(meanwhile)
    with Node() as node:
        return ways[0](KernelWorld(node))


def rules(*options: str) -> list[str]:
    return sh(" ".join(["iptables", *options, "-S"])).splitlines()


def routes() -> list[Any]:
    return said("ip route show type blackhole", "dst")


def test_a_chain_that_others_jump_to_stays_and_holds_nothing_else_up() -> None:
    sh("iptables -A INPUT -p tcp --dport 22 -j ACCEPT")
    before = rules()
    topology = {
        "name": "t",
        "sysctls": {"net.ipv4.ip_forward": 1},
        "iptables_chain": [
            {"chain": "CUT", "rules": ["-j DROP"], "jumps": [{"from": "INPUT", "position": "first"}]},
            {"chain": "INPUT", "policy": "DROP"},
        ],
        "route": [ROUTE],
    }
    complete, why = changed_and_taken_back(topology, "iptables -A FORWARD -j CUT")
    assert not complete and "the chain FORWARD still jumps to it" in why
    assert sorted(rules()) == sorted([*before, "-N CUT", "-A FORWARD -j CUT", "-A CUT -j DROP"])
    assert routes() == [] and sh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"


def test_a_namespace_that_others_delete_holds_nothing_else_up() -> None:
    sh("ip netns add n1\nip netns exec n1 iptables -P FORWARD DROP")
    topology = {
        "name": "t",
        "iptables_chain": [
            {"chain": "INPUT", "policy": "DROP"},
            {"chain": "FORWARD", "policy": "ACCEPT", "netns": "n1"},
        ],
        "route": [ROUTE, {**ROUTE, "netns": "n1"}],
    }
    complete, why = changed_and_taken_back(topology, "ip netns delete n1")
    assert not complete and "there is no namespace 'n1'" in why
    assert "-P INPUT ACCEPT" in rules() and routes() == []


def test_a_rule_to_a_chain_that_others_delete_holds_nothing_else_up() -> None:
    sh("iptables -N F\niptables -A INPUT -j F\niptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP")
    topology = {
        "name": "t",
        "iptables_chain": [{"chain": "INPUT", "rules": ["-j DROP"]}, {"chain": "FORWARD", "policy": "DROP"}],
    }
    complete, _why = changed_and_taken_back(topology, "iptables -F F\niptables -X F")
    left = ["-P INPUT DROP", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT", "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"]
    assert rules() == left
    assert not complete


def test_what_is_written_in_other_words_is_kept_by_its_owner() -> None:
    sets = [{"name": "s", "type": "hash:net", "entries": ["10.0.0.5/24", "192.0.2.1/32"]}]
    chains = [{"chain": "A", "rules": ["-p TCP --dport http -j ACCEPT"], "jumps": [{"from": "INPUT", "match": "-p 6"}]}]
    topology = {"name": "t", "ipset": sets, "iptables_chain": chains}
    for lines in (5, 0, 0):
        assert len(apply("topology", topology).plan.lines()) == lines
        assert sorted(sh("ipset save").splitlines()[1:]) == ["add s 10.0.0.0/24", "add s 192.0.2.1"]
    assert apply("topology", {**topology, "ipset": [{**sets[0], "entries": ["10.0.0.9/24"]}]}).plan.lines() == [
        "delete ipset_entry 's 192.0.2.1'"
    ]
    apply("topology", {"name": "t", "state": "absent"})
    assert sh("ipset save") == ""
