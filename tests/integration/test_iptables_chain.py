# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains and jumps: made, changed, refused, broken, removed; beside the rules of others."""

from __future__ import annotations

import fcntl
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    ConflictError,
    InputError,
    MissingError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import programs, xtables

from tests.integration.support.filters import FOREIGN, WEB, change, filters, rules, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, info


@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.parametrize("netns", ["", "box"])
def test_the_life_of_a_chain(backend: str, netns: str) -> None:
    """Made, rules added, removed, moved, emptied, taken away; others' rules stay to the byte, and nothing is left."""
    inside = f"ip netns exec {netns} " if netns else ""
    if netns:
        sh(f"ip netns add {netns}")
    options = {**WEB, "backend": backend, **({"netns": netns} if netns else {})}
    sh(FOREIGN.format(backend).replace("\niptables", f"\n{inside}iptables"))
    before, program = filters(netns), f"iptables-{backend}"
    change("iptables_chain", options, netns)
    assert rules("WEB", program=program, netns=netns) == [
        "-p tcp -m tcp --dport 80 -j ACCEPT",
        '-p tcp -m multiport --dports 443,8080:8090 -m comment --comment "it\\\'s \\"web\\"" -j ACCEPT',
        "-j DROP",
    ]
    assert rules("INPUT", program=program, netns=netns)[-1] == "-j WEB"
    assert rules("FORWARD", program=program, netns=netns)[0] == '-i lo -m comment --comment "for us" -j WEB'
    first, second, third = options["rules"]
    new = "-s 192.0.2.9 -j RETURN"
    for wanted in ([first, second, new, third], [third, first], [first, third], [], [first, first, new]):
        changed = change("iptables_chain", {**options, "rules": wanted}, netns, failing=not wanted).changed
        assert changed and len(rules("WEB", program=program, netns=netns)) == len(wanted)
    assert not apply("iptables_chain", {**options, "rules": None, "jumps": None}).changed
    change("iptables_chain", {**options, "rules": None, "state": "absent"}, netns)
    assert filters(netns) == before
    sh(f"{inside}{program} -F && {inside}{program} -X")
    if backend == "nft":
        apply("iptables_chain", options)
        sh(f"{inside}{program} -t filter -S >/dev/null")
        apply("iptables_chain", {**options, "state": "absent"})
        assert saved(program, netns) == "", "an empty table was left"


def test_the_diff_tells_rules() -> None:
    """Those that go, come and move, with their numbers, and no others."""
    apply("iptables_chain", {"chain": "C", "rules": [f"-s 10.0.0.{n} -j ACCEPT" for n in range(1, 9)]})
    wanted = [f"-s 10.0.0.{n} -j ACCEPT" for n in (8, 1, 2, 3, 5, 6, 7)] + ["-j DROP"]
    done = apply("iptables_chain", {"chain": "C", "rules": wanted, "jumps": [{"from": "INPUT", "position": "first"}]})
    assert done.plan.lines() == [
        "change iptables_chain 'ipv4 filter C' (rules)",
        "create iptables_jump 'ipv4 filter INPUT -j C'",
    ]
    assert done.plan.diff() == {
        "before": "iptables_chain 'ipv4 filter C'\n  4: -s 10.0.0.4/32 -j ACCEPT\n  8: -s 10.0.0.8/32 -j ACCEPT\n",
        "after": "iptables_chain 'ipv4 filter C'\n  1: -s 10.0.0.8/32 -j ACCEPT\n  8: -j DROP\n"
        "iptables_jump 'ipv4 filter INPUT -j C'\n  position first\n",
    }


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_counters_and_what_rules_remember(backend: str) -> None:
    """A change leaves the packets and bytes of other rules as they are, and their quota, in either way of changing."""
    program = f"iptables-{backend}"
    some = [f"-s 10.0.0.{n} -j ACCEPT" for n in range(1, 150)]
    stateful = [
        "-m quota --quota 10000 -j ACCEPT",
        "-m limit --limit 1/min --limit-burst 2 -j ACCEPT",
        "-m hashlimit --hashlimit-upto 1/min --hashlimit-mode srcip --hashlimit-name seen -j ACCEPT",
        "-m recent --set --name seen",
        "-m statistic --mode nth --every 3 --packet 0 -j ACCEPT",
        "-m connbytes --connbytes 1: --connbytes-dir both --connbytes-mode packets",
        "-m connlimit --connlimit-above 100 -j DROP",
        "-m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ]
    options = {"chain": "OUTPUT", "rules": [*stateful, *some], "backend": backend}
    sh("ip link set lo up")
    apply("iptables_chain", options)
    sh("ping -c 12 -i 0.01 -s 1000 127.0.0.1 >/dev/null")
    assert not apply("iptables_chain", options).changed

    def counted() -> list[str]:
        return [line for line in saved(program, counters=True).splitlines() if any(r in line for r in stateful)]

    before = counted()
    assert "[0:0]" not in before[0]
    apply("iptables_chain", {**options, "rules": [*stateful, *some[::-1]]})
    assert counted() == before
    sh("ping -c 12 -i 0.01 -s 1000 127.0.0.1 >/dev/null")
    before = counted()
    apply("iptables_chain", {**options, "rules": ["-d 10.0.0.1 -j DROP", *stateful, *some[:0:-1]]})
    assert counted() == before
    if backend == "nft":
        sh("ping -c 1 -s 1000 127.0.0.1 >/dev/null")
        assert counted()[0] == before[0], "the quota began anew, though little was changed"
        assert counted() != before


def test_builtin_chains() -> None:
    """Rules and policy of a built-in chain, alone and in a topology, which gives it back as it was."""
    sh("iptables -A INPUT -s 192.0.2.1 -j ACCEPT; iptables -A INPUT -s 192.0.2.2 -j ACCEPT")
    before = filters(counters=True)
    wanted = {"chain": "INPUT", "policy": "DROP", "rules": ["-i lo -j ACCEPT", "-s 192.0.2.2 -j ACCEPT"]}
    change("topology", {"name": "t", "iptables_chain": [wanted]})
    assert "INPUT DROP" in saved() and rules("INPUT") == ["-i lo -j ACCEPT", "-s 192.0.2.2/32 -j ACCEPT"]
    change("topology", {"name": "t", "iptables_chain": [{"chain": "INPUT", "policy": "DROP"}]})
    assert change("topology", {"name": "t", "state": "absent"}).changed
    assert filters(counters=True) == before
    change("iptables_chain", {"chain": "INPUT", "policy": "DROP"})
    change("iptables_chain", {"chain": "INPUT", "rules": []})
    assert rules("INPUT") == [] and "INPUT DROP" in saved()
    with pytest.raises(InputError, match="built in and cannot be absent"):
        apply("iptables_chain", {"chain": "INPUT", "state": "absent"})
    for options, path in (
        ({"chain": "WEB", "policy": "DROP"}, "policy"),
        ({"chain": "PREROUTING"}, "chain"),
        ({"chain": "INPUT", "jumps": ["FORWARD"]}, "jumps"),
    ):
        with pytest.raises(InputError) as problem:
            apply("iptables_chain", options)
        assert problem.value.path == path


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_a_topology_takes_back_all_it_did(backend: str) -> None:
    """Chains that refer to each other in any order; jumps that move; adopted chains; jumps of others."""
    sh(FOREIGN.format(backend))
    before = filters()

    def chains(*elements: dict[str, Any]) -> dict[str, Any]:
        return {"name": "t", "iptables_chain": [{"backend": backend, **element} for element in elements]}

    first = {"chain": "A", "rules": ["-j B", "-g C"], "jumps": [{"from": "INPUT", "position": "first"}]}
    change("topology", chains(first, {"chain": "B", "rules": ["-j C"]}, {"chain": "C", "rules": ["-j DROP"]}))
    assert rules("INPUT", program=f"iptables-{backend}")[0] == "-j A"
    moved = {**first, "rules": ["-j C"], "jumps": [{"from": "INPUT", "before": {"protocol": "esp", "jump": "ACCEPT"}}]}
    change("topology", chains({"chain": "C", "rules": ["-s 10.0.0.1 -j DROP"]}, moved))
    assert rules("INPUT", program=f"iptables-{backend}")[0] == "-j A", "it stood before that rule already"
    adopted = {"chain": "OTHERS", "rules": ["-j RETURN"]}
    change("topology", chains(adopted, {"chain": "C", "rules": ["-j OTHERS"], "jumps": ["FORWARD"]}))
    change("topology", {"name": "t", "state": "absent"})
    assert filters() == before


def test_what_rules_refer_to() -> None:
    """Chains and sets that exist, that the same topology makes, or that are missing."""
    sh("ipset create known hash:net family inet6; ipset create v4 hash:ip")
    rules6 = ["-m set --match-set known src -j ACCEPT", "-j SET --add-set known src"]
    change("iptables_chain", {"chain": "S", "ip_version": "ipv6", "rules": rules6})
    with pytest.raises(InputError, match=r"rules\[0\]: iptables says: .*known"):
        apply("iptables_chain", {"chain": "S", "rules": rules6})
    missing = {"chain": "S", "rules": ["-j ACCEPT", "-m set --match-set nosuch src -j DROP"]}
    with pytest.raises(MissingError, match=r"rules\[1\]: there is no ipset 'nosuch'"):
        apply("iptables_chain", missing)
    assert "no ipset 'nosuch'" in apply("iptables_chain", missing, check=True).warnings[0]
    with pytest.raises(InputError, match=r"rules\[0\]: there is no chain or target 'NOSUCH'"):
        apply("iptables_chain", {"chain": "S", "rules": ["-j NOSUCH"]})
    foretold = apply("iptables_chain", {"chain": "S", "rules": ["-j NOSUCH", "-p 6"]}, check=True)
    assert "rules[0]: there is no chain or target 'NOSUCH'" in foretold.warnings[0]
    assert foretold.plan.diff()["after"].splitlines()[1:] == ["  1: -j NOSUCH", "  2: -p tcp"]
    assert "'LATER'" in apply("iptables_chain", {"chain": "S", "rules": ['-j "LATER"']}, check=True).warnings[0]
    sh("iptables -N LIVE")
    change("iptables_chain", {"chain": "S", "rules": ['-j "LIVE"', '-m comment --comment "--match-set foo src -j NO"']})
    change("iptables_chain", {"chain": "S", "rules": ["-m set --set v4 src -j ACCEPT", '-m set --match-set "v4" dst']})
    with pytest.raises(MissingError, match=r"rules\[0\]: there is no ipset 'nosuch'"):
        apply("iptables_chain", {"chain": "S", "rules": ["-m set --set nosuch src"]})
    sh("iptables -t mangle -A INPUT -j RATEEST --rateest-name theirs --rateest-interval 250ms --rateest-ewmalog 500ms")
    compared = "-m rateest --rateest theirs --rateest-lt --rateest-bps 1kbit"
    change("iptables_chain", {"chain": "R", "table": "mangle", "rules": [compared]})
    with pytest.raises(InputError, match=r"rules\[0\]"):
        apply("iptables_chain", {"chain": "R", "table": "mangle", "rules": [compared.replace("theirs", "nobodys")]})
    whole = {
        "name": "t",
        "ipset": [{"name": "made", "type": "hash:ip"}],
        "iptables_chain": [{"chain": "M", "rules": ["-m set --match-set made src -j ACCEPT"], "jumps": ["INPUT"]}],
    }
    before = filters()
    change("topology", whole)
    change("topology", {"name": "t", "state": "absent"})
    assert filters() == before and "made" not in sh("ipset list -name")


def test_rules_of_the_other_backend_are_told() -> None:
    assert apply("iptables_chain", {"chain": "A", "rules": ["-j ACCEPT"]}).warnings == ()
    done = apply("iptables_chain", {"chain": "A", "rules": ["-j DROP"], "backend": "legacy"})
    assert len(done.warnings) == 1
    assert "iptables-nft has ipv4 rules too (1 in filter)" in done.warnings[0]
    sh("iptables-legacy -t nat -A POSTROUTING -j MASQUERADE")
    done = apply("iptables_chain", {"chain": "A", "rules": ["-j ACCEPT"]}, check=True)
    assert "iptables-legacy has ipv4 rules too (2 in filter, nat)" in done.warnings[0]
    assert apply("iptables_chain", {"chain": "A", "ip_version": "ipv6"}).warnings == ()


def test_a_table_that_nft_filled_is_refused() -> None:
    sh("nft 'add table ip filter; add chain ip filter x; add rule ip filter x ct state vmap { new : accept }'")
    before = sh("nft list ruleset")
    with pytest.raises(ConflictError, match=r"ipv4 table filter holds what iptables cannot show"):
        apply("iptables_chain", {"chain": "A", "rules": ["-j ACCEPT"]})
    assert sh("nft list ruleset") == before
    assert apply("iptables_chain", {"chain": "A", "table": "mangle", "rules": ["-j ACCEPT"]}).changed


@pytest.mark.parametrize("held", ["for long", "for a moment"])
def test_a_held_lock(held: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waited for; then one sentence, and nothing lost. Reading and trying do not need the lock."""
    options = {"chain": "A", "rules": ["-j ACCEPT"], "jumps": ["INPUT"], "backend": "legacy"}
    apply("iptables_chain", options)
    before = filters()
    changed = {**options, "rules": ["-j DROP"]}
    if held == "for a moment":
        sh("flock /run/xtables.lock sleep 1.5 & sleep 0.3")
        assert apply("iptables_chain", changed).changed
        assert rules("A", program="iptables-legacy") == ["-j DROP"]
        return
    monkeypatch.setattr(xtables, "LOCK_WAIT", 1)
    with open("/run/xtables.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert apply("iptables_chain", changed, check=True).changed
        assert not apply("iptables_chain", options).changed
        with pytest.raises(ApplyError) as problem:
            apply("iptables_chain", changed)
        assert "/run/xtables.lock" in str(problem.value) and problem.value.undone
        assert apply("iptables_chain", {**options, "backend": "nft"}).changed
        apply("iptables_chain", {**options, "backend": "nft", "state": "absent"})
    assert filters() == before


def test_what_network_info_shows_can_be_declared() -> None:
    sh(FOREIGN.format("nft") + "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE; ip6tables -P FORWARD DROP")
    before = filters()
    found = info("", kinds=["iptables_chain"])["topology"]["iptables_chain"]
    assert {(c["table"], c["chain"], c.get("ip_version", "ipv4")) for c in found} >= {
        ("filter", "OTHERS", "ipv4"),
        ("nat", "POSTROUTING", "ipv4"),
        ("filter", "FORWARD", "ipv6"),
    }
    assert not apply("topology", {"name": "t", "iptables_chain": found}).changed
    sh("iptables -F; iptables -X; iptables -t nat -F; ip6tables -P FORWARD ACCEPT")
    apply("topology", {"name": "t", "iptables_chain": found})
    assert filters() == before


def test_ten_thousand_rules_take_no_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of programs does not depend on that of rules; one that changes is one edit."""
    started: list[list[str]] = []
    inputs: list[str] = []
    plain = programs.run

    def counted(fd: int | None, argv: Any, stdin: str = "", *rest: Any, **options: Any) -> programs.Finished:
        started.append(list(argv))
        inputs.append(stdin)
        return plain(fd, argv, stdin, *rest, **options)

    monkeypatch.setattr(programs, "run", counted)
    wanted = [f"-s 10.{n // 65536}.{n // 256 % 256}.{n % 256} -j ACCEPT" for n in range(10_000)]
    apply("iptables_chain", {"chain": "BIG", "rules": wanted})
    # Look; try in the scratch namespace and read back; carry out; look again.
    assert [argv[0].rpartition("-")[2] for argv in started] == ["save", "restore", "save", "restore", "save"]
    started.clear()
    inputs.clear()
    assert not apply("iptables_chain", {"chain": "BIG", "rules": rules("BIG")}).changed
    assert len(started) == 1
    started.clear()
    apply("iptables_chain", {"chain": "BIG", "rules": [*rules("BIG")[:5000], "-j DROP", *rules("BIG")[5001:]]})
    assert len(started) == 6
    assert inputs[-2].splitlines() == ["*filter", "-D BIG 5001", "[0:0] -I BIG 5001 -j DROP", "COMMIT"]
