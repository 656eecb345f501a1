# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How connections are spread: the elements that a service becomes, with servers that fail and without."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import balance

SERVICE: dict[str, Any] = {
    "name": "web",
    "proxy": "iptables",
    "protocol": "tcp",
    "scheduler": "rr",
    "affinity": 0,
    "drain": 5,
    "frontends": [{"address": "10.96.0.1", "port": 80}, {"address": "fd00:96::1", "port": 80}],
    "servers": [
        {"address": "10.0.0.1", "port": 8080, "weight": 1, "method": "masq"},
        {"address": "10.0.0.2", "port": 8080, "weight": 2, "method": "masq"},
        {"address": "10.0.0.3", "port": 8080, "weight": 1, "method": "masq"},
        {"address": "fd00::1", "port": 8080, "weight": 1, "method": "masq"},
    ],
}


def rules(chain: str = "CTL-SVC-web", version: str = "ipv4", failing: tuple[str, ...] = (), **said: Any) -> list[str]:
    made = balance.elements({**SERVICE, **said}, failing)["iptables_chain"]
    (found,) = [element["rules"] for element in made if (element["chain"], element["ip_version"]) == (chain, version)]
    return list(found)


def chance(rule: str) -> float:
    words = rule.split()
    return float(words[words.index("--probability") + 1]) if "--probability" in words else 1.0


def test_each_server_gets_its_weight() -> None:
    left, shares = 1.0, []
    for rule in rules():
        shares.append(left * chance(rule))
        left -= shares[-1]
    assert shares == pytest.approx([0.25, 0.5, 0.25])
    assert left == 0
    assert rules()[-1] == "-p tcp -j DNAT --to-destination 10.0.0.3:8080"


def test_ipv6_has_its_own_servers() -> None:
    assert rules(version="ipv6") == ["-p tcp -j DNAT --to-destination [fd00::1]:8080"]
    assert rules(version="ipv6", failing=("[fd00::1]:8080",)) == []


@pytest.mark.parametrize("failing", [("10.0.0.2:8080",), ("10.0.0.2:8080", "10.0.0.9:1")])
def test_who_fails_is_left_out(failing: tuple[str, ...]) -> None:
    made = rules(failing=failing)
    assert [rule.rpartition(" ")[2] for rule in made] == ["10.0.0.1:8080", "10.0.0.3:8080"]
    assert chance(made[0]) == 0.5


def test_with_weight_zero_likewise() -> None:
    servers = [{**SERVICE["servers"][0], "weight": 0}, SERVICE["servers"][1]]
    assert rules(servers=servers) == ["-p tcp -j DNAT --to-destination 10.0.0.2:8080"]
    assert rules(servers=servers, failing=("10.0.0.2:8080",)) == []


def test_affinity_asks_first_who_has_been_here() -> None:
    made = rules(affinity=60)
    names = [rule.rpartition(" ")[2] for rule in made]
    assert names[:3] == names[3:]
    assert all(
        f"--name {name[8:]} --rcheck --seconds 60 --reap --rsource" in rule for name, rule in zip(names, made[:3])
    )
    assert rules(names[0], affinity=60) == [
        f"-m recent --name {names[0][8:]} --set --rsource",
        "-p tcp -j DNAT --to-destination 10.0.0.1:8080",
    ]


def test_affinity_keeps_the_chains_of_servers_that_fail() -> None:
    """So only contents change with them, which whoever watches them can do alone."""
    chains = [
        [
            (e["chain"], e["ip_version"])
            for e in balance.elements({**SERVICE, "affinity": 60}, failing)["iptables_chain"]
        ]
        for failing in ((), ("10.0.0.1:8080",))
    ]
    assert chains[0] == chains[1]
    assert len(rules(affinity=60, failing=("10.0.0.1:8080",))) == 4


def test_ipvs() -> None:
    four, six = balance.elements({**SERVICE, "proxy": "ipvs", "affinity": 60}, ("10.0.0.2:8080",))["ipvs_service"]
    assert four == {
        "address": "10.96.0.1",
        "port": 80,
        "protocol": "tcp",
        "scheduler": "rr",
        "persistence": {"timeout": 60},
        "exact_servers": True,
        "drain": 5,
        "servers": [
            {"address": "10.0.0.1", "port": 8080, "weight": 1, "method": "masq"},
            {"address": "10.0.0.2", "port": 8080, "weight": 0, "method": "masq"},
            {"address": "10.0.0.3", "port": 8080, "weight": 1, "method": "masq"},
        ],
    }
    assert [server["address"] for server in six["servers"]] == ["fd00::1"]


def test_names_of_chains_fit_and_differ() -> None:
    long = ["a" * 40 + "1", "a" * 40 + "2", "a" * 20, "a" * 21]
    names = [balance.chain_name(name) for name in long]
    assert max(map(len, names)) <= 28
    assert len(set(names)) == len(names)
    assert names[2] == "CTL-SVC-" + "a" * 20
    assert all(
        len(element["chain"]) <= 28 for element in balance.elements({**SERVICE, "affinity": 1})["iptables_chain"]
    )
