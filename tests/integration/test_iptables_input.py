# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written as a rule: texts and dictionaries, both IP versions, and nothing else that could get in."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    ConflictError,
    InputError,
)

from tests.integration.support.filters import WEB, change, filters, rules, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, run_module


def test_both_versions() -> None:
    options = {
        "chain": "B",
        "ip_version": "both",
        "jumps": ["INPUT", {"from": "FORWARD", "match": "-4 -s 10.0.0.0/8"}],
        "rules": [
            "-p tcp --dport 1 -j ACCEPT",
            "-4 -s 10.0.0.1 -j ACCEPT",
            {"source": "fd00::1", "ip_version": "ipv6", "jump": "DROP"},
            {"protocol": "icmpv6", "icmp_type": "echo-request", "ip_version": "ipv6", "jump": "ACCEPT"},
        ],
    }
    change("iptables_chain", options)
    assert rules("B") == ["-p tcp -m tcp --dport 1 -j ACCEPT", "-s 10.0.0.1/32 -j ACCEPT"]
    assert rules("B", program="ip6tables")[1:] == [
        "-s fd00::1/128 -j DROP",
        "-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT",
    ]
    assert rules("FORWARD", program="ip6tables") == [] and rules("FORWARD") == ["-s 10.0.0.0/8 -j B"]
    with pytest.raises(InputError, match=r"rules\[4\]: iptables says"):
        apply("iptables_chain", {**options, "rules": [*options["rules"], "-s 10.0.0.1"]})
    change("iptables_chain", {**options, "state": "absent"})
    assert filters() == dict.fromkeys(filters(), "")


STRUCTURED = [
    ({"protocol": "!tcp", "source": "! 10.0.0.0/8", "in_interface": "eth0", "jump": "DROP"},
     "! -s 10.0.0.0/8 -i eth0 ! -p tcp -j DROP"),
    ({"protocol": "tcp", "syn": "negate", "source_port": "1:2", "destination_port": "!5", "goto": "OTHERS"},
     "-p tcp -m tcp --sport 1:2 ! --dport 5 ! --tcp-flags FIN,SYN,RST,ACK SYN -g OTHERS"),
    ({"protocol": "tcp", "tcp_flags": {"flags": ["ALL"], "flags_set": ["ACK", "SYN"]}, "jump": "ACCEPT"},
     "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK -j ACCEPT"),
    ({"ctstate": ["ESTABLISHED", "RELATED"], "jump": "ACCEPT"}, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
    ({"match": ["state"], "ctstate": ["NEW"], "jump": "ACCEPT"}, "-m state --state NEW -j ACCEPT"),
    ({"src_range": "10.0.0.1-10.0.0.2", "dst_range": "!10.0.0.3-10.0.0.4", "jump": "ACCEPT"},
     "-m iprange --src-range 10.0.0.1-10.0.0.2 ! --dst-range 10.0.0.3-10.0.0.4 -j ACCEPT"),
    ({"match_set": "v4", "match_set_flags": "dst,src", "jump": "ACCEPT"}, "-m set --match-set v4 dst,src -j ACCEPT"),
    ({"limit": "5/minute", "limit_burst": 9, "reject_with": "icmp-port-unreachable"},
     "-m limit --limit 5/min --limit-burst 9 -j REJECT --reject-with icmp-port-unreachable"),
    ({"uid_owner": "!0", "gid_owner": "5"}, "-m owner ! --uid-owner 0 --gid-owner 5"),
    ({"log_prefix": "-t odd: ", "log_level": "info"}, '-j LOG --log-prefix "-t odd: " --log-level 6'),
    ({"protocol": "icmp", "icmp_type": "echo-request", "fragment": True}, "-p icmp -f -m icmp --icmp-type 8"),
    ({"set_dscp_mark": "8"}, "-j DSCP --set-dscp 0x08"),
    ({"set_dscp_mark_class": "CS1", "comment": "--table"}, '-m comment --comment "--table" -j DSCP --set-dscp 0x08'),
]  # fmt: skip


def test_structured_rules() -> None:
    sh("iptables -t mangle -N OTHERS; ipset create v4 hash:ip,port")
    given = [options for options, _rule in STRUCTURED]
    options = {"chain": "S", "table": "mangle", "rules": [*given, *(r for _o, r in STRUCTURED)]}
    for number, (_options, rule) in enumerate(STRUCTURED):
        if "REJECT" in rule:
            del options["rules"][number + len(STRUCTURED)], options["rules"][number]
    change("iptables_chain", options)
    got, half = rules("S", "mangle"), len(options["rules"]) // 2
    assert got[:half] == got[half:]
    change("iptables_chain", {"chain": "S", "rules": [o for o, r in STRUCTURED if "REJECT" in r]})
    assert rules("S") == [r for _o, r in STRUCTURED if "REJECT" in r]


@pytest.mark.parametrize(
    "options",
    [
        {"rules": ["-j ACCEPT", "-m comment --comment 'a\n-A INPUT -j DROP'"]},
        {"rules": ["-j ACCEPT", {"comment": "a\nCOMMIT\n*nat\n:PREROUTING DROP"}]},
        {"rules": ["-j ACCEPT", {"match_set": "x\n-F"}]},
        {"rules": ["-j ACCEPT", {"source": "10.0.0.1 -j ACCEPT\n-A INPUT"}]},
        {"rules": ["-j ACCEPT", "-j DROP\r"]},
        {"rules": ["-j ACCEPT", "-j DROP\0"]},
        {"rules": ["-j ACCEPT", "-t nat -j DROP"]},
        {"rules": ["-j ACCEPT", "-D INPUT 1"]},
        {"rules": ["-j ACCEPT", "-A INPUT -j DROP"]},
        {"rules": ["-j ACCEPT", "-j DROP --tab nat"]},
        {"rules": ["-j ACCEPT", "-j DROP --flush"]},
        {"rules": ["-j ACCEPT", "-j DROP -fvtnat"]},
        {"rules": ["-j ACCEPT", "-M /bin/true"]},
        {"rules": ["-j ACCEPT", "--modprobe=/bin/true -j DROP"]},
        {"rules": ["-j ACCEPT", "-m ../../tmp/evil"]},
        {"rules": ["-j ACCEPT", "-j DROP -c 5 7"]},
        {"rules": ["-j ACCEPT", "-j 'DROP"]},
        {"rules": ["-j ACCEPT", {"rule": "-j DROP", "source": "10.0.0.1"}]},
        {"rules": ["-j ACCEPT", {"source": "10.0.0.1 -j ACCEPT"}]},
        {"rules": ["-j ACCEPT", {"in_interface": "-t"}]},
        {"jumps": ["INPUT", {"from": "FORWARD", "comment": "a\n-F"}]},
        {"jumps": ["INPUT", "FOR\nWARD"]},
        {"jumps": ["INPUT", {"from": "FORWARD", "match": "-s 10.0.0.1 -j DROP"}]},
        {"jumps": ["INPUT", {"from": "FORWARD", "before": "-j DROP\n-F"}]},
        {"rules": ["-j ACCEPT", "-m comment --comment \ud800"]},
        {"rules": ["-j ACCEPT", {"comment": "\udc80"}]},
        {"rules": ["-j ACCEPT", {"jump": "a\u2028b"}]},
        {"rules": ["-j ACCEPT", '-j "a b"']},
        {"rules": ["-j ACCEPT", f"-j '{'x' * 10_000}"]},
        {"rules": ["-j ACCEPT", {"jump": "x" * 10_000}]},
        {"jumps": ["INPUT", {"from": "FORWARD", "comment": "\ud800"}]},
        {"jumps": ["INPUT", {"from": "FORWARD", "match": "-i \udc80"}]},
        {"jumps": ["INPUT", {"from": "FORWARD", "before": "-i \udc80"}]},
        {"jumps": ["INPUT", "FOR\ud800"]},
    ],
)
def test_nothing_but_rules_gets_in(options: dict[str, Any]) -> None:
    """Line breaks, other commands, other tables, programs to run: refused by path, and nothing is live."""
    sh("iptables -A INPUT -s 192.0.2.1 -j ACCEPT")
    before = filters()
    for check in (True, False):
        with pytest.raises(InputError) as problem:
            apply("iptables_chain", {"chain": "EVIL", **options}, check=check)
        assert problem.value.path.startswith(f"{next(iter(options))}[1]"), problem.value
        assert "\n" not in str(problem.value) and len(str(problem.value)) < 500
    assert filters() == before


@pytest.mark.parametrize("name", ["a b", "-A", "!x", "a\nb", "x" * 29, "", "ACCEPT", 'a"b', "a,b", "a/b", "\ud800"])
def test_names_of_chains(name: str) -> None:
    with pytest.raises((InputError, ApplyError)):
        apply("iptables_chain", {"chain": name, "rules": ["-j ACCEPT"]})
    assert saved() == ""


def test_the_module_itself() -> None:
    """Through Ansible's own interface: changed, plan, diff, and errors as one sentence."""
    result = run_module("iptables_chain", WEB, diff=True)
    assert result["changed"] and result["plan"][0] == "create iptables_chain 'ipv4 filter WEB'", result
    assert "1: -p tcp -m tcp --dport 80 -j ACCEPT" in result["diff"]["after"]
    assert not run_module("iptables_chain", WEB)["changed"]
    refused = run_module("iptables_chain", {**WEB, "rules": ["-j ACCEPT", "-p tcp --dprt 1"]})
    assert refused["failed"] and refused["msg"] == 'rules[1]: iptables says: unknown option "--dprt"'
    assert run_module("iptables_chain", {"chain": "WEB", "rules": "x"}, check=True)["failed"]


def test_a_rule_of_others_with_a_line_break() -> None:
    """It looks like other rules in what iptables-save prints: it misleads nobody, and is never written again."""
    odd = "a\n-A INPUT -j DROP\n:X - [0:0]\nCOMMIT\n*nat"
    subprocess.run(["iptables", "-A", "INPUT", "-m", "comment", "--comment", odd, "-j", "ACCEPT"], check=True)
    before = saved()
    change("iptables_chain", {"chain": "N", "rules": ["-j DROP"], "jumps": [{"from": "INPUT", "position": "first"}]})
    assert "-A INPUT -j N\n" in saved()
    for options in ({"chain": "INPUT", "rules": ["-j DROP"]}, {"chain": "INPUT", "rules": []}):
        with pytest.raises(ConflictError, match="control characters"):
            apply("iptables_chain", options)
    change("iptables_chain", {"chain": "N", "jumps": ["INPUT"], "state": "absent"})
    assert saved() == before


def test_a_text_that_the_kernel_cuts_within_a_letter() -> None:
    """iptables keeps 29 bytes of a log prefix; what is left is no UTF-8, and must not spoil the module's answer."""
    options = {"chain": "A", "rules": [{"log_prefix": "é" * 20, "jump": "LOG"}]}
    done = run_module("iptables_chain", options, diff=True)
    assert done["diff"]["after"].endswith(f'--log-prefix "{"é" * 14}\\udcc3"\n')
    assert not run_module("iptables_chain", options)["changed"]
