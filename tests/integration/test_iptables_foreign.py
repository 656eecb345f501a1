# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside Docker and firewalld: their rules stay to the byte, counters and all, whatever becomes of ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ConflictError

from tests.integration.support.filters import change, rules, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply

DUMPS = Path(__file__).parents[1] / "fixtures" / "iptables"
#: A chain of theirs that ours is to be reached from.
INNER = {"docker": "DOCKER-USER", "firewalld": "FWD_public_allow"}
MARK = "CL-"
_POLICY = re.compile(r"(?<=ACCEPT )\[.*|(?<=DROP )\[.*")


def theirs(program: str) -> list[str]:
    """All but what belongs to us; of policies no counters, for legacy iptables loses those with any change."""
    return [
        _POLICY.sub("", line) if line[0] == ":" else line
        for line in saved(program, counters=True).splitlines()
        if MARK not in line
    ]


@pytest.mark.parametrize("version", ["ipv4", "ipv6"])
@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.parametrize("whose", INNER)
def test_rules_of_others(whose: str, backend: str, version: str) -> None:
    program = f"{'iptables' if version == 'ipv4' else 'ip6tables'}-{backend}"
    sh(f"{program}-restore -c < {DUMPS}/{whose}.{version}.save")
    before = theirs(program)
    assert len(before) > 30
    common = {"ip_version": version, "backend": backend}
    prefix = "10.244.0.0/16" if version == "ipv4" else "fd00:244::/48"
    inner = INNER[whose] if INNER[whose] in saved(program) else "FORWARD"
    guard: dict[str, Any] = {
        **common,
        "chain": f"{MARK}GUARD",
        "rules": [f"-s {prefix} -m conntrack --ctstate NEW -j ACCEPT", "-j RETURN"],
        "jumps": [{"from": "FORWARD", "position": "first"}, {"from": inner, "match": "-p udp"}, "INPUT"],
    }
    out = {
        **common,
        "table": "nat",
        "chain": f"{MARK}OUT",
        "rules": [f"-s {prefix} ! -d {prefix} -j MASQUERADE"],
        "jumps": [{"from": "POSTROUTING", "position": "first"}],
    }

    def declared(*chains: dict[str, Any]) -> dict[str, Any]:
        return {"name": "ours", "iptables_chain": list(chains)}

    change("topology", declared(guard, out), failing=False)
    assert theirs(program) == before
    assert rules("FORWARD", program=program)[0] == f"-j {MARK}GUARD"
    more = [f"-s {prefix} -p tcp -m multiport --dports {n} -j ACCEPT" for n in range(1, 150)]
    jumps = [{"from": "FORWARD", "match": f"-d {prefix}"}, "OUTPUT"]
    change("topology", declared({**guard, "rules": more, "jumps": jumps}, out), failing=False)
    assert theirs(program) == before
    assert rules("FORWARD", program=program)[-1] == f"-d {prefix} -j {MARK}GUARD"
    change("topology", declared(guard))
    assert theirs(program) == before
    change("topology", {"name": "ours", "state": "absent"}, failing=False)
    assert theirs(program) == before and MARK not in saved(program)


@pytest.mark.parametrize("whose", INNER)
def test_a_chain_of_theirs_is_not_taken_away(whose: str) -> None:
    """Its name would do, but they jump to it; and one that was adopted comes back as it was."""
    sh(f"iptables-restore -c < {DUMPS}/{whose}.ipv4.save")
    before, chain = saved(counters=True), INNER[whose]
    with pytest.raises(ConflictError, match="still jumps to it"):
        apply("iptables_chain", {"chain": chain, "state": "absent"})
    element = {"chain": chain, "rules": ["-s 10.0.0.1 -j DROP", *rules(chain)]}
    change("topology", {"name": "ours", "iptables_chain": [element]})
    assert rules(chain)[0] == "-s 10.0.0.1/32 -j DROP"
    change("topology", {"name": "ours", "state": "absent"})
    assert saved(counters=True) == before
