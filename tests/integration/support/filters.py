# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iptables-save says of a namespace: never by the collection's own readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.errors import KernelError

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, breaking

PROGRAMS = ("iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
_EIO = 5


def saved(program: str = "iptables", netns: str = "", *, counters: bool = False) -> str:
    """The rules, without the lines that tell the time."""
    inside = f"ip netns exec {netns} " if netns else ""
    output = sh(f"{inside}{program}-save {'-c' if counters else ''} 2>/dev/null")
    return "".join(f"{line}\n" for line in output.splitlines() if not line.startswith("#"))


def filters(netns: str = "", *, counters: bool = False) -> dict[str, str]:
    """All rules of both backends. Tables that hold nothing are left out: legacy ones stay once they were used."""
    found = {}
    for program in PROGRAMS:
        tables = re.findall(r"\*\w+\n.*?COMMIT\n", saved(program, netns, counters=counters), re.DOTALL)
        found[program] = "".join(t for t in tables if "-A " in t or " - " in t or " DROP " in t)
    return found


def rules(chain: str, table: str = "filter", program: str = "iptables", netns: str = "") -> list[str]:
    """The rules of a chain."""
    inside = f"ip netns exec {netns} " if netns else ""
    listed = sh(f"{inside}{program} -t {table} -S {chain} 2>/dev/null").splitlines()
    return [line[len(f"-A {chain} ") :] for line in listed if line.startswith("-A")]


def change(module: str, options: Mapping[str, Any], netns: str = "", *, failing: bool = True) -> Any:
    """Check mode, which must foretell; each step failing in turn, after which all must be as before; the change
    itself; and a second run, which must have nothing to do.

    Args:
        failing: whether to let the steps fail.
    """
    before = filters(netns, counters=True)
    foretold = apply(module, options, check=True)
    assert filters(netns, counters=True) == before, "check mode changed something"
    for number in range(len(foretold.plan.steps()) if failing else 0):
        try:
            apply(module, options, world=breaking(number, KernelError(_EIO, "for the test")))
        except Exception as problem:
            assert "taken back" in str(problem) and "failed:" not in str(problem), str(problem)
        else:
            raise AssertionError(f"the failure of step {number} was not noticed")
        assert filters(netns, counters=True) == before, f"not as before after a failure of step {number}"
    done = apply(module, options)
    assert done.plan.lines() == foretold.plan.lines()
    assert done.plan.diff() == foretold.plan.diff()
    after = filters(netns, counters=True)
    again = apply(module, options)
    assert not again.changed, f"the second run changes again: {again.plan.diff()}"
    assert filters(netns, counters=True) == after, "the second run changed something"
    return done


#: A chain with jumps to it.
WEB: dict[str, Any] = {
    "chain": "WEB",
    "rules": [
        "-p tcp --dport 80 -j ACCEPT",
        {"protocol": "tcp", "destination_ports": ["443", "8080:8090"], "jump": "ACCEPT", "comment": 'it\'s "web"'},
        "-j DROP",
    ],
    "jumps": ["INPUT", {"from": "FORWARD", "position": "first", "match": "-i lo", "comment": "for us"}],
}
#: Rules of somebody else, for a backend.
FOREIGN = """
iptables-{0} -N OTHERS
iptables-{0} -A OTHERS -s 192.0.2.1 -j ACCEPT
iptables-{0} -A INPUT -j OTHERS
iptables-{0} -A INPUT -p icmp -j ACCEPT
iptables-{0} -A INPUT -p esp -j ACCEPT
iptables-{0} -A FORWARD -j OTHERS
iptables-{0} -A FORWARD -p icmp -j ACCEPT
"""
