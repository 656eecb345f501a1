# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jumps: where they stand among the rules of others, how they are found again, and whom they keep."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ConflictError,
    InputError,
    MissingError,
)

from tests.integration.support.filters import FOREIGN, WEB, change, filters, rules, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply


@pytest.mark.parametrize("change_between", ["", "iptables -D INPUT -s 192.0.2.2; iptables -I INPUT -s 192.0.2.9"])
def test_a_jump_of_others_returns_to_its_place(change_between: str) -> None:
    """Between the rules that stood around it, whatever else has come and gone."""
    sh("iptables -N X; iptables -A INPUT -s 192.0.2.1; iptables -A INPUT -s 192.0.2.2; iptables -A INPUT -j X")
    sh("iptables -A INPUT -s 192.0.2.3")
    change(
        "topology", {"name": "t", "iptables_chain": [{"chain": "X", "jumps": [{"from": "INPUT", "position": "first"}]}]}
    )
    assert rules("INPUT")[0] == "-j X"
    sh(change_between or "true")
    change("topology", {"name": "t", "state": "absent"})
    assert rules("INPUT")[-3:] == [f"-s 192.0.2.{1 if change_between else 2}/32", "-j X", "-s 192.0.2.3/32"]


def test_positions_of_jumps() -> None:
    """first: only other jumps come before it; before: a rule; last: where it is. None moves without need."""
    sh(FOREIGN.format("nft"))

    def jump(chain: str, **options: Any) -> list[str]:
        change("iptables_chain", {"chain": chain, "jumps": [{"from": "INPUT", **options}]})
        return rules("INPUT")

    others = ["-j OTHERS", "-p icmp -j ACCEPT", "-p esp -j ACCEPT"]
    assert jump("A", position="last") == [*others, "-j A"]
    assert jump("B", position="first") == ["-j B", *others, "-j A"]
    assert jump("C", position="first") == ["-j C", "-j B", *others, "-j A"]
    assert not apply("iptables_chain", {"chain": "B", "jumps": [{"from": "INPUT", "position": "first"}]}).changed
    assert jump("D", before="-p 50 -j ACCEPT") == ["-j C", "-j B", *others[:2], "-j D", others[2], "-j A"]
    assert jump("A", position="first") == ["-j A", "-j C", "-j B", *others[:2], "-j D", others[2]]
    assert jump("A", before="-p esp -j ACCEPT") == ["-j A", "-j C", "-j B", *others[:2], "-j D", others[2]]
    assert jump("D", before="-j A") == ["-j D", "-j A", "-j C", "-j B", *others]
    assert jump("E", match="-p tcp --dport 5", goto=True, position="last")[-1] == "-p tcp -m tcp --dport 5 -g E"
    missing = {"chain": "F", "jumps": [{"from": "INPUT", "before": "-p gre -j ACCEPT"}]}
    with pytest.raises(MissingError, match=r"jumps\[0\].before: .* no rule '-p gre -j ACCEPT'"):
        apply("iptables_chain", missing)
    assert "no rule '-p gre" in apply("iptables_chain", missing, check=True).warnings[0]
    with pytest.raises(MissingError, match=r"jumps\[0\].*NOWHERE"):
        apply("iptables_chain", {"chain": "F", "jumps": ["NOWHERE"]})
    with pytest.raises(InputError, match=r"jumps\[0\]: iptables says: Can't use -o with INPUT"):
        apply("iptables_chain", {"chain": "F", "jumps": [{"from": "INPUT", "match": "-o lo"}]})
    with pytest.raises(InputError, match=r"jumps\[0\]: stands for several rules"):
        apply("iptables_chain", {"chain": "F", "jumps": [{"from": "INPUT", "match": "-s 10.0.0.1,10.0.0.2"}]})
    with pytest.raises(InputError, match="put the jump among them"):
        elements = [{"chain": "F", "rules": []}, {"chain": "G", "jumps": ["F"]}]
        apply("topology", {"name": "t", "iptables_chain": elements})
    with pytest.raises(InputError, match="put the jump among them"):
        apply("topology", {"name": "t", "iptables_chain": elements[::-1]})


def test_a_chain_that_others_jump_to_stays() -> None:
    apply("iptables_chain", WEB)
    sh("iptables -N MINE; iptables -A MINE -s 192.0.2.7 -j WEB")
    before = filters()
    with pytest.raises(ConflictError) as problem:
        apply("iptables_chain", {**WEB, "state": "absent"})
    assert "MINE" in str(problem.value) and "-s 192.0.2.7/32 -j WEB" in str(problem.value)
    assert filters() == before
    with pytest.raises(ConflictError, match="INPUT still jumps to it"):
        apply("iptables_chain", {"chain": "WEB", "state": "absent"})
    with pytest.raises(ConflictError, match="INPUT still jumps to it"):
        apply("iptables_chain", {"chain": "WEB", "state": "absent"}, check=True)
    sh("iptables -F MINE; iptables -X MINE")
    change("iptables_chain", {**WEB, "state": "absent"})
    assert saved() == ""


MATCHES = """
-m limit --limit 5/min
-m hashlimit --hashlimit-above 1/sec --hashlimit-mode srcip --hashlimit-name j1
-m recent --update --seconds 60 --name j2
-m set --match-set v4 src
-m conntrack --ctstate NEW,ESTABLISHED --ctproto tcp
-m string --string 'a b' --algo bm
-m u32 --u32 "0>>22&0x3C@4>>15&0x01=1"
-m time --timestart 08:00
-m statistic --mode random --probability 0.3
-m quota --quota 500
-p 6 -m multiport --dports 1,2
"""


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_jumps_with_any_match_are_found_again(backend: str) -> None:
    """Also those that iptables itself does not find by their text; in a topology, in other words than it prints."""
    sh("ipset create v4 hash:ip")
    jumps = [{"from": "INPUT", "match": match} for match in MATCHES.strip().splitlines()]
    chain = {"chain": "J", "backend": backend, "jumps": jumps}
    change("topology", {"name": "t", "iptables_chain": [chain]}, failing=False)
    change("topology", {"name": "t", "iptables_chain": [{**chain, "jumps": jumps[2:]}]}, failing=False)
    change("topology", {"name": "t", "state": "absent"})
    assert filters() == dict.fromkeys(filters(), "")
    change("iptables_chain", chain, failing=False)
    change("iptables_chain", {**chain, "state": "absent"}, failing=False)
    assert filters() == dict.fromkeys(filters(), "")


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_jumps_that_others_made_several_times(backend: str) -> None:
    """A failure brings all of them back, each to its place (`change` lets every step fail)."""
    program = f"iptables-{backend}"
    sh(f"{program} -N A; {program} -N B")
    for rule in ("-j A", "-j B", "-j A", "-i lo", "-j B", "-j A"):
        sh(f"{program} -A INPUT {rule}")
    elements = [{"chain": chain, "jumps": ["INPUT"], "backend": backend, "state": "absent"} for chain in "AB"]
    change("topology", {"name": "t", "iptables_chain": elements})
    assert rules("INPUT", program=program) == ["-i lo"]


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_two_chains_change_places(backend: str) -> None:
    """The kernel refuses loops: the old jump goes in the transaction in which the new one comes, and back."""

    def declared(*chains: dict[str, Any]) -> dict[str, Any]:
        return {"name": "t", "iptables_chain": [{"backend": backend, **chain} for chain in chains]}

    change("topology", declared({"chain": "A", "jumps": ["INPUT"]}, {"chain": "B", "jumps": ["A"]}))
    change("topology", declared({"chain": "A", "jumps": ["B"]}, {"chain": "B", "jumps": ["INPUT"]}))
    program = f"iptables-{backend}"
    assert [rules(chain, program=program) for chain in ("INPUT", "A", "B")] == [["-j B"], [], ["-j A"]]
    change("topology", {"name": "t", "state": "absent"})
    assert filters() == dict.fromkeys(filters(), "")


def test_jumps_keep_the_order_in_which_they_are_listed() -> None:
    """Also before each other, whichever is listed first; one cannot stand before what goes or never comes."""

    def declared(*jumps: dict[str, Any], other: bool = True) -> dict[str, Any]:
        chain = {"chain": "A", "jumps": [{"from": "INPUT", **jump} for jump in jumps]}
        return {"name": "t", "iptables_chain": [chain, {"chain": "B", "jumps": ["INPUT"] if other else []}]}

    sh("iptables -A INPUT -i lo -j ACCEPT")
    listed = [{"match": f"-p {p}", "position": "first"} for p in ("tcp", "17", "icmp")]
    change("topology", declared(*listed))
    assert rules("INPUT") == ["-p tcp -j A", "-p udp -j A", "-p icmp -j A", "-i lo -j ACCEPT", "-j B"]
    change("topology", {"name": "t", "state": "absent"})
    chained = [{"match": "-p 6", "before": "-p udp -j A"}, {"match": "-p 17", "before": "-j B"}]
    change("topology", declared(*chained))
    assert rules("INPUT") == ["-i lo -j ACCEPT", "-p tcp -j A", "-p udp -j A", "-j B"]
    for check in (True, False):
        with pytest.raises(InputError, match=r"jumps\[1\].before: the rule '-j B' is to go in the same run"):
            apply("topology", declared(*chained, other=False), check=check)
    change("topology", {"name": "t", "state": "absent"})
    round_and_round = [{"match": "-p 6", "before": "-p udp -j A"}, {"match": "-p 17", "before": "-p tcp -j A"}]
    with pytest.raises(MissingError, match=r"before: .* no rule"):
        apply("topology", declared(*round_and_round))
    assert len(apply("topology", declared(*round_and_round), check=True).warnings) == 2


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_a_jump_that_becomes_one_of_the_rules(backend: str) -> None:
    """As the refusal of a jump from a chain with rules of its own advises."""
    chain = {"chain": "A", "rules": ["-j DROP"], "backend": backend}
    apply("topology", {"name": "t", "iptables_chain": [{**chain, "jumps": ["INPUT"]}]})
    whole = {
        "name": "t",
        "iptables_chain": [chain, {"chain": "INPUT", "rules": ["-i lo -j ACCEPT", "-j A"], "backend": backend}],
    }
    assert apply("topology", whole).changed
    assert rules("INPUT", program=f"iptables-{backend}") == ["-i lo -j ACCEPT", "-j A"]
    assert not apply("topology", whole).changed
    apply("topology", {"name": "t", "state": "absent"})
    assert sh(f"iptables-{backend} -S").splitlines() == [
        f"-P {chain} ACCEPT" for chain in ("INPUT", "FORWARD", "OUTPUT")
    ]


def test_jumps_go_where_links_go() -> None:
    """A closer look at what goes with a link does not lose what was asked about."""
    chain = {"chain": "A", "rules": ["-j ACCEPT"], "jumps": [{"from": "FORWARD", "position": "first"}]}
    apply("topology", {"name": "t", "bridge": [{"name": "b0"}], "iptables_chain": [chain]})
    assert apply("topology", {"name": "t", "state": "absent"}).plan.lines() == [
        "delete iptables_jump 'ipv4 filter FORWARD -j A'",
        "delete iptables_chain 'ipv4 filter A'",
        "delete bridge 'b0'",
    ]
