# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of sets: changed in place or swapped under the rules that use them, owned, shared, taken back."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    ConflictError,
    ContainerlandError,
    KernelError,
    MissingError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import programs
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.programs import find

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, breaking, info, run_module
from tests.integration.support.sets import sets

#: What is there before each test, and stays to the last byte.
FOREIGN = r"""
ipset create docker-x hash:net comment counters
ipset add docker-x 10.0.0.0/8 comment "do not touch"
ipset create fail2ban hash:ip timeout 0
ipset add fail2ban 192.0.2.66
ipset create members list:set
ipset add members fail2ban
ipset add members docker-x
"""
WEB = {"name": "web", "type": "hash:ip", "entries": ["10.0.0.1", "10.0.0.2"]}
MANY = [f"10.1.{number // 256}.{number % 256}" for number in range(2000)]


def foreign() -> str:
    return "".join(sh(f"ipset save {name}") for name in ("docker-x", "fail2ban", "members"))


def elements(name: str = "web") -> list[str]:
    return [line.split()[0] for line in sets()[name][1:]]


def change(module: str, options: dict[str, Any]) -> list[str]:
    """Check mode, the change, and that nothing is left to do; each step of it may fail and is taken back."""
    before = sets()
    foretold = apply(module, options, check=True)
    assert sets() == before, "check mode changed something"
    for number in range(len(foretold.plan.steps())):
        with pytest.raises(ApplyError) as problem:
            apply(module, options, world=breaking(number, KernelError(errno.EIO, "for the test")))
        assert problem.value.undone, str(problem.value)
        assert sets() == before, f"not as before after a failure of step {number}"
    done = apply(module, options)
    assert done.plan.lines() == foretold.plan.lines()
    assert done.plan.diff() == foretold.plan.diff()
    again = apply(module, options)
    assert not again.changed, again.plan.lines()
    assert not any(name.startswith("cl_tmp_") for name in sets())
    return done.plan.lines()


def test_life() -> None:
    sh(FOREIGN)
    untouched = foreign()
    assert change("ipset", WEB) == ["create ipset 'web'"] + [f"create ipset_entry 'web 10.0.0.{n}'" for n in (1, 2)]
    more = {**WEB, "entries": ["10.0.0.3"]}
    assert change("ipset", more) == ["create ipset_entry 'web 10.0.0.3'"]
    assert elements() == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    exact = {**WEB, "entries": ["10.0.0.3", "10.0.0.4"], "exact_entries": True}
    assert len(change("ipset", exact)) == 3
    assert elements() == ["10.0.0.3", "10.0.0.4"]
    header = {"timeout": 0, "comment": True, "maxelem": 9, "hashsize": 64}
    assert change("ipset", {**exact, **header, "entries": ["10.0.0.3", "10.0.0.4", "10.0.0.5"]}) == [
        "change ipset 'web' (maxelem, timeout, comment)",
        "create ipset_entry 'web 10.0.0.5'",
    ]
    sh("ipset del web 10.0.0.5")
    commented = {**exact, "entries": [{"entry": "10.0.0.3", "comment": "new", "timeout": 500}, "10.0.0.4"]}
    assert change("ipset", commented) == ["change ipset_entry 'web 10.0.0.3' (timeout, comment)"]
    assert change("ipset", {"name": "web", "entries": [], "exact_entries": True})
    assert elements() == []
    change("ipset", WEB)
    assert change("ipset", {"name": "web", "state": "absent"}) == ["delete ipset 'web'"]
    assert not apply("ipset", {"name": "web", "state": "absent"}).changed
    assert foreign() == untouched


def test_another_type_needs_recreate() -> None:
    apply("ipset", WEB)
    other = {**WEB, "type": "hash:net", "family": "inet6", "entries": ["fd00::/64"]}
    with pytest.raises(ConflictError, match="recreate: true"):
        apply("ipset", other)
    assert change("ipset", {**other, "recreate": True}) == [
        "replace ipset 'web' (type, family)",
        "create ipset_entry 'web fd00::/64'",
    ]
    assert change("ipset", {**WEB, "recreate": True, "exact_entries": True})
    sh("ipset create holder list:set; ipset add holder web")
    with pytest.raises(ConflictError, match="cannot replace ipset 'web': the set 'holder' has it as an entry"):
        apply("ipset", {**other, "recreate": True})


def test_diff_shows_entries() -> None:
    apply("ipset", {**WEB, "comment": True})
    exact = {"name": "web", "exact_entries": True, "entries": ["10.0.0.2", '10.0.0.9 comment "new one"']}
    diff = apply("ipset", exact, check=True).plan.diff()
    assert diff == {
        "before": "ipset_entry 'web 10.0.0.1'\n",
        "after": "ipset_entry 'web 10.0.0.9'\n  comment \"new one\"\n",
    }


def test_a_live_time_out_counts_down_without_a_change() -> None:
    lasting = {"name": "web", "type": "hash:ip", "timeout": 600, "entries": ["10.0.0.1", "10.0.0.2 timeout 300"]}
    apply("ipset", lasting)
    sh("ipset -exist add web 10.0.0.2 timeout 100")
    assert not apply("ipset", lasting).changed
    sh("ipset -exist add web 10.0.0.2 timeout 400; ipset del web 10.0.0.1")
    assert change("ipset", lasting) == [
        "create ipset_entry 'web 10.0.0.1'",
        "change ipset_entry 'web 10.0.0.2' (timeout)",
    ]
    sh("ipset -exist add web 10.0.0.2 timeout 0")
    assert len(change("ipset", lasting)) == 1


def test_lists_keep_their_order() -> None:
    sh("for name in a b c d; do ipset create $name hash:ip; done")
    change("ipset", {"name": "all", "type": "list:set", "entries": ["a", "c", "b before c"]})
    assert elements("all") == ["a", "b", "c"]
    change("ipset", {"name": "all", "entries": ["a after c", "d before a"]})
    assert elements("all") == ["b", "c", "d", "a"]
    change("ipset", {"name": "all", "entries": ["d"], "exact_entries": True, "size": 2, "type": "list:set"})
    assert elements("all") == ["d"]


def test_what_is_in_use_is_not_deleted() -> None:
    apply("ipset", WEB)
    sh("ipset create holder list:set; ipset add holder web")
    rule = "INPUT -m set --match-set web src -j ACCEPT"
    sh(f"iptables-legacy -A {rule}")
    before = sets()
    absent = {"name": "web", "state": "absent"}
    for check in (True, False):
        with pytest.raises(ConflictError, match="cannot delete ipset 'web': the set 'holder' has it as an entry"):
            apply("ipset", absent, check=check)
    sh("ipset del holder web")
    before = sets()
    with pytest.raises(ConflictError, match="cannot delete ipset 'web': 1 iptables rule refers to it"):
        apply("ipset", absent)
    assert sets() == before
    sh(f"iptables-legacy -D {rule}")
    assert apply("ipset", absent).changed


CHAIN = {"chain": "web", "rules": ["-m set --match-set web src -m set --match-set web dst -j ACCEPT"]}
JUMPS = [{"from": "INPUT", "match": "-m set --match-set web src"}]
NAMED = "-A INPUT -m comment --comment '--match-set web src' -j ACCEPT"
INPUT = "-A INPUT -m set --match-set web src -j ACCEPT"


@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.parametrize(
    ("others", "chains", "words"),
    [
        ("true", [{**CHAIN, "jumps": JUMPS}], "the ipv4 chain web is to use it, by the rule '-m set "),
        ("true", [{"chain": "web", "rules": [], "jumps": JUMPS}], "the ipv4 chain INPUT is to use it, by the rule '"),
        ("true", [{"chain": "web"}], "the ipv4 chain web uses it, by the rule '"),
        (f"iptables {INPUT}", [{**CHAIN, "rules": []}], "the ipv4 chain INPUT uses it, by the rule '"),
        (f"iptables-other {INPUT}; iptables-other {INPUT}", [], "2 iptables rules refer to it"),
        (f"iptables {NAMED}", [{**CHAIN, "rules": []}], ""),
        (f"iptables {NAMED}", [], ""),
    ],
    ids=["rule", "jump", "kept rules", "foreign", "other backend", "rules go", "chain goes"],
)
def test_check_mode_knows_who_will_use_a_set(
    backend: str, others: str, chains: list[dict[str, Any]], words: str
) -> None:
    place = {"backend": backend}
    first = {"name": "t", "ipset": [WEB], "iptables_chain": [{**CHAIN, **place, "jumps": JUMPS}]}
    second = {"name": "t", "iptables_chain": [{**chain, **place} for chain in chains]}
    apply("topology", first)
    other = {"nft": "legacy", "legacy": "nft"}[backend]
    sh(others.replace("iptables-other", f"iptables-{other}").replace("iptables ", f"iptables-{backend} "))
    before = sets()
    for check in (True, False):
        if words:
            with pytest.raises(ConflictError) as problem:
                apply("topology", second, check=check)
            assert str(problem.value).startswith(f"cannot delete ipset 'web': {words}")
            assert sets() == before
        else:
            assert "delete ipset 'web'" in apply("topology", second, check=check).plan.lines()
    assert words or sets() == {}


def test_an_owner_takes_away_what_it_made_and_nothing_else() -> None:
    sh(FOREIGN + "ipset create shared hash:net maxelem 100; ipset add shared 10.0.0.0/8")
    before, untouched = sets(), foreign()
    shared = {"name": "shared", "entries": ["10.1.0.0/16 nomatch", "10.0.0.0/8"], "maxelem": 200}
    listed = {"name": "all", "type": "list:set", "entries": ["web", "shared"]}
    first = {"name": "t", "ipset": [listed, WEB, shared]}
    assert len(change("topology", first)) == 8
    sh("ipset add web 192.0.2.1")
    second = {"name": "t", "ipset": [{**WEB, "entries": ["10.0.0.2", "10.0.0.3"]}, {**shared, "entries": []}]}
    change("topology", second)
    assert elements() == ["10.0.0.2", "10.0.0.3", "192.0.2.1"], "only what the owner no longer declares goes"
    assert elements("shared") == ["10.0.0.0/8"]
    assert "all" not in sets()
    other = {"name": "other", "ipset": [{"name": "web", "entries": ["10.0.0.2", "10.0.0.9"]}]}
    change("topology", other)
    apply("topology", {"name": "other", "state": "absent"})
    assert elements() == ["10.0.0.2", "10.0.0.3", "192.0.2.1"]
    change("topology", {"name": "t", "state": "absent"})
    assert sets() == before and foreign() == untouched


def test_in_a_namespace_that_comes_and_goes_with_it() -> None:
    options = {"name": "t", "namespaces": [{"name": "blue"}], "netns": "blue", "ipset": [WEB]}
    assert change("topology", options)[0] == "create netns 'blue'"
    assert list(sets("blue")) == ["web"] and sets() == {}
    assert info("blue", kinds=["ipset"])["topology"]["ipset"][0]["netns"] == "blue"
    assert info("blue")["topology"]["ipset"] == [], "programs are started on request only"
    apply("topology", {"name": "t", "state": "absent"})


@pytest.mark.parametrize(
    "desired",
    [{"entries": MANY[1000:] + ["10.2.0.1"], "exact_entries": True}, {"counters": False}, {"maxelem": 5000}],
    ids=["many entries", "no counters", "another option"],
)
def test_swapped_under_a_live_rule(desired: dict[str, Any]) -> None:
    """Packets go on matching: at no moment is the set empty, or half full."""
    sh("ip link set lo up")
    apply("ipset", {**WEB, "entries": [*MANY, "127.0.0.1"], "counters": True})
    desired = {**desired, "entries": [*desired.get("entries", MANY), "127.0.0.1"]}
    sh("iptables-legacy -A INPUT -p icmp -m set --match-set web src; iptables-legacy -A INPUT -p icmp")
    with subprocess.Popen(["ping", "-f", "-q", "127.0.0.1"], stdout=subprocess.DEVNULL) as ping:
        try:
            wait_for(lambda: counted()[0] > 10)
            kept = {entry: counts(entry) for entry in ("127.0.0.1",)}
            apply("ipset", {"name": "web", **desired})
            after = counted()[0]
            wait_for(lambda: counted()[0] > after)
        finally:
            ping.terminate()
    matched, seen = counted()
    assert matched == seen > 0
    if "counters" not in desired:
        assert counts("127.0.0.1") > kept["127.0.0.1"] > 0, "a swap keeps the counters of entries"
    assert not any(name.startswith("cl_tmp_") for name in sets())


def test_a_swap_keeps_what_is_in_comments() -> None:
    """Ends of lines and white space, of whatever alphabet, and what would be an entry if it began a line."""
    odd = "a\u2028add web 6.6.6.6\x85b\x0badd web 6.6.6.7\x0cc\x1cd\x1de\x1ef\xa0g \t\u3000"
    sh(f"printf 'create web hash:ip comment\\nadd web 10.0.0.1 comment \"%s\"\\n' '{odd}' | ipset restore")
    line = sets()["web"][1]
    assert odd in line
    assert change("ipset", {"name": "web", "maxelem": 500, "entries": ["10.0.0.2 comment x\u2028y"]})
    assert sets()["web"][1:] == [line, '10.0.0.2 comment "x\u2028y"']


def counted() -> tuple[int, int]:
    lines = sh("iptables-legacy -nvxL INPUT").splitlines()[2:]
    return int(lines[0].split()[0]), int(lines[1].split()[0])


def counts(entry: str) -> int:
    return int(next(line for line in sets()["web"][1:] if line.startswith(f"{entry} ")).split()[2])


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_full_set_is_swapped() -> None:
    options = {**WEB, "entries": ["10.0.0.1", "10.0.0.2"], "maxelem": 2, "exact_entries": True}
    apply("ipset", options)
    assert len(change("ipset", {**options, "entries": ["10.0.0.2", "10.0.0.3"]})) == 2
    with pytest.raises(ContainerlandError, match="full"):
        apply("ipset", {**options, "entries": ["10.0.0.3", "10.0.0.4"], "exact_entries": False})
    assert elements() == ["10.0.0.2", "10.0.0.3"]


def test_what_a_killed_run_left_is_in_nobodys_way() -> None:
    apply("ipset", WEB)
    sh("ipset create cl_tmp_0123456789ab hash:ip; ipset add cl_tmp_0123456789ab 10.9.9.9")
    sh("ipset create holder list:set")
    assert info("", kinds=["ipset"])["counts"]["ipset"] == 2
    assert not apply("ipset", WEB, check=True).changed
    assert "cl_tmp_0123456789ab" in sets()
    assert not apply("ipset", WEB).changed
    assert sorted(sets()) == ["holder", "web"]


def test_every_entry_of_a_large_set_in_one_process(tmp_path: Any) -> None:
    """As many programs are started for 20,000 entries as for two."""
    few, many = (sorted(started(tmp_path, entries)) for entries in (MANY[:2], [*MANY, "10.8.0.0-10.8.70.79"]))
    assert few == many
    assert len(elements()) == 20000


def test_what_others_do_while_a_set_is_swapped_is_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program adds an entry and deletes one each time when this one has just read the set."""
    apply("ipset", {**WEB, "entries": MANY[:10]})
    shim = """#!/bin/sh
IPSET "$@" || exit
[ "$*" = "save web" ] || exit 0
echo >>DIR/reads; count=$(wc -l <DIR/reads)
IPSET add web 10.7.7.$count; IPSET del web 10.1.0.$count
"""
    (tmp_path / "ipset").write_text(shim.replace("DIR", str(tmp_path)).replace("IPSET", find("ipset")))
    (tmp_path / "ipset").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    apply("ipset", {"name": "web", "maxelem": 1000})
    reads = len((tmp_path / "reads").read_text())
    assert reads > 2
    there = elements()
    assert all(f"10.7.7.{number + 1}" in there and f"10.1.0.{number + 1}" not in there for number in range(reads))


def started(tmp_path: Any, entries: list[str]) -> list[str]:
    """The programs that making this set starts, by their first argument."""
    log = tmp_path / str(len(entries))
    (tmp_path / "ipset").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {find("ipset")} "$@"\n')
    (tmp_path / "ipset").chmod(0o755)
    path, os.environ["PATH"] = os.environ["PATH"], f"{tmp_path}:{os.environ['PATH']}"
    try:
        apply("ipset", {**WEB, "entries": entries, "exact_entries": True})
    finally:
        os.environ["PATH"] = path
    if len(entries) == 2:
        apply("ipset", {"name": "web", "state": "absent"})
    return log.read_text().splitlines()


def test_without_the_program_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "search_path", lambda: "/nowhere")
    with pytest.raises(MissingError, match="install the package ipset"):
        apply("ipset", WEB)


def test_through_the_module() -> None:
    foretold = run_module("ipset", WEB, check=True, diff=True)
    done = run_module("ipset", WEB, diff=True)
    assert foretold["changed"] and done["changed"] and foretold["diff"] == done["diff"]
    assert not run_module("ipset", WEB)["changed"]
    refused = run_module("ipset", {**WEB, "entries": ["10.0.0.1", "x y"]})
    assert refused["failed"] and refused["msg"].startswith("entries[1]: ipset refuses it: ")
