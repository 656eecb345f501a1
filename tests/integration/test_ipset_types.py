# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every type of set and form of entry that ipset(8) takes: made as declared, and found unchanged the next time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, info
from tests.integration.support.sets import sets, supported

SIX = {"family": "inet6"}
LASTING = {"timeout": 0, "comment": True, "counters": True, "skbinfo": True}

#: Type, more options, entries as declared, and what `ipset save` prints of them, sorted.
FORMS: list[tuple[str, dict[str, Any], list[Any], list[str]]] = [
    ("hash:ip", {}, ["10.0.0.1", "10.0.0.2/32"], ["10.0.0.1", "10.0.0.2"]),
    ("hash:ip", {}, ["10.0.0.4-10.0.0.6", "10.0.0.5"], ["10.0.0.4", "10.0.0.5", "10.0.0.6"]),
    ("hash:ip", {}, ["10.0.0.8/30"], ["10.0.0.10", "10.0.0.11", "10.0.0.8", "10.0.0.9"]),
    ("hash:ip", {"netmask": 24}, ["10.0.0.1", "10.0.1.9"], ["10.0.0.0", "10.0.1.0"]),
    ("hash:ip", SIX, ["2001:DB8:0::1", "fd00::2/128"], ["2001:db8::1", "fd00::2"]),
    ("hash:ip", {"timeout": 600}, ["10.0.0.1", "10.0.0.2 timeout 60"], ["10.0.0.1 timeout", "10.0.0.2 timeout"]),
    (
        "hash:ip",
        {"timeout": 0},
        [{"entry": "10.0.0.1", "timeout": 2147483}, "10.0.0.3 timeout 0"],
        ["10.0.0.1 timeout", "10.0.0.3 timeout 0"],
    ),
    (
        "hash:ip",
        {"comment": True},
        [{"entry": "10.0.0.1-10.0.0.2", "comment": "it's `a` #1; \\n $(x) é"}],
        ['10.0.0.1 comment "it\'s `a` #1; \\n $(x) é"', '10.0.0.2 comment "it\'s `a` #1; \\n $(x) é"'],
    ),
    ("hash:ip", {"counters": True}, ["10.0.0.1 packets 5 bytes 7"], ["10.0.0.1 packets 5 bytes 7"]),
    (
        "hash:ip",
        {"skbinfo": True},
        ["10.0.0.1 skbmark 0x0011/0xff skbprio 1:a skbqueue 3"],
        ["10.0.0.1 skbmark 0x11/0xff skbprio 1:a skbqueue 3"],
    ),
    (
        "hash:ip",
        LASTING,
        [{"entry": "10.0.0.1", "timeout": 1000, "comment": "x y", "skbmark": "0x10"}],
        ['10.0.0.1 timeout packets 0 bytes 0 comment "x y" skbmark 0x10'],
    ),
    ("hash:mac", {}, ["02:00:00:00:00:0A"], ["02:00:00:00:00:0A"]),
    ("hash:ip,mac", {}, ["10.0.0.1,02:00:00:00:00:0a"], ["10.0.0.1,02:00:00:00:00:0A"]),
    ("hash:net", {}, ["10.0.0.7/24", "10.9.0.1", "0.0.0.0/1"], ["0.0.0.0/1", "10.0.0.0/24", "10.9.0.1"]),
    ("hash:net", {}, ["10.0.0.0/8", "10.1.0.0/16 nomatch"], ["10.0.0.0/8", "10.1.0.0/16 nomatch"]),
    ("hash:net", {}, ["10.0.0.1-10.0.0.6"], ["10.0.0.1", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6"]),
    (
        "hash:net",
        SIX,
        ["2001:db8::7/32", {"entry": "2001:db8:1::/48", "nomatch": True}],
        ["2001:db8:1::/48 nomatch", "2001:db8::/32"],
    ),
    ("hash:net,net", {}, ["10.0.0.0/24,10.1.0.9/16"], ["10.0.0.0/24,10.1.0.0/16"]),
    (
        "hash:ip,port",
        {},
        ["10.0.0.1,http", "10.0.0.1,udp:53", "10.0.0.2,sctp:7", "10.0.0.3,89:0"],
        ["10.0.0.1,tcp:80", "10.0.0.1,udp:53", "10.0.0.2,sctp:7", "10.0.0.3,ospf:0"],
    ),
    (
        "hash:ip,port",
        {},
        ["10.0.0.1-10.0.0.2,tcp:80-81"],
        ["10.0.0.1,tcp:80", "10.0.0.1,tcp:81", "10.0.0.2,tcp:80", "10.0.0.2,tcp:81"],
    ),
    ("hash:ip,port", {}, ["10.0.0.1,icmp:ping"], ["10.0.0.1,icmp:echo-request"]),
    (
        "hash:ip,port",
        SIX,
        ["fd00::1,icmpv6:128/0", "fd00::1,tcp:22"],
        ["fd00::1,ipv6-icmp:echo-request", "fd00::1,tcp:22"],
    ),
    (
        "hash:net,port",
        {},
        ["10.0.0.0/24,8080", "10.0.1.0/24,udp:1-2"],
        ["10.0.0.0/24,tcp:8080", "10.0.1.0/24,udp:1", "10.0.1.0/24,udp:2"],
    ),
    ("hash:ip,port,ip", {}, ["10.0.0.1,tcp:80,10.0.0.2"], ["10.0.0.1,tcp:80,10.0.0.2"]),
    ("hash:ip,port,net", {}, ["10.0.0.1,tcp:80,10.1.0.9/24"], ["10.0.0.1,tcp:80,10.1.0.0/24"]),
    ("hash:net,port,net", SIX, ["fd00::/64,udp:53,fd01::/64"], ["fd00::/64,udp:53,fd01::/64"]),
    ("hash:ip,mark", {}, ["10.0.0.1,17"], ["10.0.0.1,0x00000011"]),
    (
        "hash:net,iface",
        {},
        ["10.0.0.0/24,eth0", "0.0.0.0/0,physdev:br-port", "10.1.0.0/16,web wildcard"],
        ["0.0.0.0/0,physdev:br-port", "10.0.0.0/24,eth0", "10.1.0.0/16,web wildcard"],
    ),
    ("bitmap:ip", {"range": "10.0.0.0/24"}, ["10.0.0.1", "10.0.0.4-10.0.0.5"], ["10.0.0.1", "10.0.0.4", "10.0.0.5"]),
    ("bitmap:ip", {"range": "10.0.0.0/16", "netmask": 24, "timeout": 60}, ["10.0.7.9"], ["10.0.7.0 timeout"]),
    (
        "bitmap:ip,mac",
        {"range": "10.0.0.0-10.0.0.9"},
        ["10.0.0.1,02:00:00:00:00:01", "10.0.0.2"],
        ["10.0.0.1,02:00:00:00:00:01", "10.0.0.2"],
    ),
    ("bitmap:port", {"range": "0-1024"}, ["tcp:ssh", "80-81", 443], ["22", "443", "80", "81"]),
    ("list:set", {"size": 8}, ["one", "two before one"], ["one", "two"]),
]


@pytest.mark.parametrize(("kind", "more", "entries", "saved"), FORMS, ids=lambda value: str(value)[:40])
def test_is_made_as_declared_and_found_again(
    kind: str, more: dict[str, Any], entries: list[Any], saved: list[str]
) -> None:
    sh("ipset create one hash:ip; ipset create two hash:net")
    options = {"name": "tried", "type": kind, "entries": entries, **more}
    if not supported(kind):
        with pytest.raises(InputError, match=r"^type: this kernel has no sets of type .* \(module ip_set_"):
            apply("ipset", options)
        return
    foretold = apply("ipset", options, check=True)
    assert "tried" not in sets()
    done = apply("ipset", options)
    assert done.plan.lines() == foretold.plan.lines() and done.plan.diff() == foretold.plan.diff()
    assert sorted(sets()["tried"][1:]) == sorted(saved)
    again = apply("ipset", {**options, "exact_entries": True})
    assert not again.changed, again.plan.lines()
    exported = next(e for e in info("", kinds=["ipset"])["topology"]["ipset"] if e["name"] == "tried")
    assert not apply("ipset", {**exported, "exact_entries": True}).changed
    before = without_counters()
    sh("ipset destroy tried")
    apply("ipset", exported)
    assert without_counters() == before
    other = {"maxelem": 70000} if "comment" in more else {"comment": True}
    assert apply("ipset", {**options, **other}).plan.lines() == [f"change ipset 'tried' ({next(iter(other))})"]
    assert without_counters()["tried"][1:] == before["tried"][1:]
    assert not any(name.startswith("cl_tmp_") for name in sets())


def without_counters() -> dict[str, list[str]]:
    return {name: [re.sub(r" packets \d+ bytes \d+", "", line) for line in lines] for name, lines in sets().items()}


#: Options, and the beginning of what is said; the set `there` is a hash:ip with the entry 10.0.0.1.
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"type": "hash:ip", "entries": ["10.0.0.1", "10.0.0.300"]}, "entries[1]: ipset refuses it: Syntax error"),
    ({"type": "hash:ip", "entries": ["10.0.0.1", "no.such.host"]}, "entries[1]: ipset refuses it: Syntax error"),
    ({"type": "hash:ip", "entries": ["10.0.0.1"] * 9 + ["10.0.0.2 bogus"]}, "entries[9]: ipset refuses it: Unknown"),
    ({"type": "hash:ip", "entries": ["::1"]}, "entries[0]: ipset refuses it: "),
    ({"type": "hash:ip", "entries": ["1.1.1.1 timeout"]}, "entries[0]: 'timeout' needs a value"),
    ({"type": "hash:ip", "entries": ["1.1.1.1 timeout 5"]}, "entries[0]: ipset refuses it: Timeout cannot be used"),
    ({"type": "hash:ip", "timeout": 1, "entries": ["1.1.1.1 timeout 2147484"]}, "entries[0]: ipset refuses it: "),
    ({"type": "hash:ip", "entries": ["1.1.1.1 comment x"]}, "entries[0]: ipset refuses it: Comment cannot be used"),
    ({"type": "hash:ip", "entries": ["1.1.1.1 packets 1"]}, "entries[0]: ipset refuses it: "),
    ({"type": "hash:ip", "entries": ["1.1.1.1 -exist"]}, "entries[0].entry: not an entry"),
    ({"type": "hash:ip", "entries": ["-1.1.1.1"]}, "entries[0].entry: not an entry"),
    ({"type": "hash:ip", "entries": ["1.1.1.1\nflush there"]}, "entries[0].entry: control characters"),
    ({"type": "hash:ip", "entries": ['1.1.1.1 comment "x" y" z']}, "entries[0].entry: not an entry"),
    ({"type": "hash:ip", "comment": True, "entries": [{"entry": "1.1.1.1", "comment": 'a"b'}]}, "entries[0].comment: "),
    (
        {"type": "hash:ip", "comment": True, "entries": [{"entry": "1.1.1.1", "comment": "a\nflush"}]},
        "entries[0].comment: ",
    ),
    (
        {"type": "hash:ip", "comment": True, "entries": [{"entry": "1.1.1.1", "comment": "x" * 256}]},
        "entries[0].comment: ",
    ),
    *(
        ({"type": "hash:ip", "comment": True, "entries": [{"entry": "1.1.1.1", "comment": word}]}, "entries[0].comment")
        for word in ("-f", "-q x", "-exist", "-!", "-")
    ),
    *(
        ({"type": "hash:ip", "comment": True, "timeout": 0, "entries": ["1.1.1.2", f"1.1.1.1 {rest}"]}, "entries[1]: ")
        for rest in ('comment "-q"', f"comment {'é' * 128}", "timeout 0x10", "timeout 010", "timeout soon")
    ),
    ({"type": "list:set", "entries": ["there before a,b"]}, "entries[0]: not a valid name of a set"),
    ({"type": "hash:ip", "entries": [{"entry": "1.1.1.1 timeout 5", "timeout": 6}]}, "entries[0].timeout: is 6 here"),
    ({"type": "hash:ip", "entries": [{"entry": "1.1.1.1"}, "1.1.1.1 nomatch"]}, "entries[1]: "),
    ({"type": "hash:ip", "entries": [{}]}, "entries[0].entry: is required"),
    (
        {"type": "hash:ip", "maxelem": 1, "entries": ["1.1.1.1", "1.1.1.2"]},
        "entries[1]: ipset refuses it: Hash is full",
    ),
    ({"type": "hash:ip", "netmask": 40}, "netmask: ipset refuses it: Syntax error"),
    ({"type": "hash:net", "entries": ["0.0.0.0/0"]}, "entries[0]: ipset refuses it: The value of the CIDR"),
    ({"type": "hash:foo"}, "type: ipset refuses it: Syntax error: typename 'hash:foo' is unknown"),
    ({"type": "hash:ip timeout 5"}, "type: not a type of set"),
    ({"type": "bitmap:port"}, "type: ipset refuses it: "),
    (
        {"type": "bitmap:port", "range": "1-5", "entries": [6]},
        "entries[0]: ipset refuses it: Element is out of the range",
    ),
    ({"type": "bitmap:port", "range": "1 5"}, "range: not one word"),
    ({"type": "list:set", "entries": ["there", "nobody"]}, "entries[1]: there is no set 'nobody'"),
    ({"type": "list:set", "entries": ["there before nobody"]}, "entries[0]: ipset refuses it: "),
    ({"maxelem": 7}, "there is no ipset 'tried'"),
    ({"name": "there", "entries": ["10.0.0.1 timeout 5"]}, "entries[0]: ipset refuses it: Timeout cannot be used"),
    ({"name": "there", "type": "hash:net"}, "ipset 'there' has type hash:ip, which cannot become hash:net in place"),
    ({"name": "there", "family": "inet6", "entries": ["::1"]}, "ipset 'there' has family inet, which cannot become"),
    *(
        ({"name": name, "type": "hash:ip"}, "name: ")
        for name in ("", "a b", "-x", "a\nb", 'a"b', "é" * 16, "a,b", ":all:", "cl_tmp_1", "a\\b", "#a")
    ),
]


@pytest.mark.parametrize(("options", "words"), INVALID, ids=lambda value: str(value)[:60])
def test_what_is_refused_changes_nothing(options: dict[str, Any], words: str) -> None:
    sh("ipset create there hash:ip; ipset add there 10.0.0.1")
    before = sets()
    for check in (True, False):
        if check and ("nobody" in str(options.get("entries")) or "no ipset" in words):
            continue
        with pytest.raises(ContainerlandError) as problem:
            apply("ipset", {"name": "tried", **options}, check=check)
        said = str(problem.value)
        assert said.removeprefix("type: ").startswith(words) or said.startswith(words), said
        assert "\n" not in said
    assert sets() == before


@pytest.mark.parametrize(
    "options", [{"name": "l", "type": "list:set", "entries": ["later"]}, {"name": "later", "entries": ["10.0.0.1"]}]
)
def test_what_an_earlier_task_may_make_is_a_warning_in_check_mode(options: dict[str, Any]) -> None:
    foretold = apply("ipset", options, check=True)
    assert foretold.changed and "'later'" in foretold.warnings[0]
