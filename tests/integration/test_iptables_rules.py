# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every match and target that this kernel's iptables takes, in both backends and for both IP versions.

Whether a rule is valid, and what it becomes, is what plain `iptables -A` says here and now: no list of exceptions.
"""

from __future__ import annotations

import shlex
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import netlink, nftables

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply

RULES = Path(__file__).parents[1] / "fixtures" / "iptables" / "rules.txt"
BACKENDS = ("nft", "legacy")
VERSIONS = {"ipv4": "iptables", "ipv6": "ip6tables"}
#: How much of the table this kernel has to take for the test to mean something.
ENOUGH = 250


@dataclass(frozen=True)
class Line:
    table: str
    chain: str
    text: str


def lines(version: str) -> Iterator[Line]:
    for line in RULES.read_text().splitlines():
        if line and not line.startswith("#"):
            versions, table, chain, *rest = line.split(" ", 3)
            if version[-1] in versions:
                yield Line(table, "OURS" if chain == "." else chain, rest[0] if rest else "")


def surroundings(version: str) -> None:
    """What the rules refer to: a chain, sets, an accounting object, a time-out policy."""
    sh(f"ipset create known hash:ip,port family {'inet6' if version == 'ipv6' else 'inet'} timeout 0 counters skbinfo")
    family = nftables.AF[version]
    protocol = nftables.attribute(2, struct.pack(">H", family)) + nftables.attribute(3, b"\x06")
    policy = nftables.text(1, "slow") + protocol + nftables.attribute(4 | 0x8000, nftables.attribute(1, b"\0\0\0\x63"))
    requests = [nftables.message(7, 0, 0, nftables.text(1, "counted")), nftables.message(8, 0, 0, policy)]
    with netlink.Socket(nftables.NETLINK_NETFILTER) as socket:
        socket.send(requests)


def ask(command: list[str]) -> str:
    """Nothing, or why the program refuses."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def plain(program: str, found: list[Line]) -> tuple[list[Line], dict[Line, str]]:
    """What iptables takes, rule by rule, and what it says of the others."""
    for table in ("filter", "nat", "mangle", "raw", "security"):
        sh(f"{program} -t {table} -N OURS")
    sh(f"{program} -N OTHER")
    taken, refused = [], {}
    for line in found:
        words = ask([program, "-t", line.table, "-A", line.chain, *shlex.split(line.text)])
        if words:
            refused[line] = words
        else:
            taken.append(line)
    return taken, refused


def saved(program: str) -> list[str]:
    return [line for line in sh(f"{program}-save").splitlines() if not line.startswith("#")]


def element(line: Line, rules: list[str], version: str, backend: str) -> dict[str, object]:
    return {"table": line.table, "chain": line.chain, "rules": rules, "ip_version": version, "backend": backend}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_iptables_takes(backend: str, version: str) -> None:
    """The chains are what `iptables -A` makes of the rules, stay so, and survive saving and restoring."""
    program = f"{VERSIONS[version]}-{backend}"
    surroundings(version)
    taken, _refused = plain(program, list(lines(version)))
    expected = saved(program)
    assert len(taken) > ENOUGH
    for table in ("filter", "nat", "mangle", "raw", "security"):
        sh(f"{program} -t {table} -F && {program} -t {table} -X")
    chains: dict[tuple[str, str], list[str]] = {("filter", "OTHER"): []}
    for table in ("filter", "nat", "mangle", "raw", "security"):
        chains[table, "OURS"] = []
    for line in taken:
        chains.setdefault((line.table, line.chain), []).append(line.text)
    options = {
        "name": "all",
        "iptables_chain": [element(Line(*at, ""), rules, version, backend) for at, rules in chains.items()],
    }
    foretold = apply("topology", options, check=True)
    done = apply("topology", options)
    assert done.plan.lines() == foretold.plan.lines()
    assert done.plan.diff() == foretold.plan.diff()
    assert saved(program) == expected
    again = apply("topology", options)
    assert not again.changed, again.plan.diff()
    # What iptables-save prints is taken too, and changes nothing; nor does a round through iptables-restore.
    printed = {name: [] for name in chains}
    table = ""
    for text in expected:
        if text.startswith("*"):
            table = text[1:]
        elif text.startswith("-A"):
            _a, chain, *rest = text.split(" ", 2)
            printed[table, chain].append(text if len(rest) else "")
    options["iptables_chain"] = [element(Line(*at, ""), rules, version, backend) for at, rules in printed.items()]
    again = apply("topology", options)
    assert not again.changed, again.plan.diff()
    sh(f"{program}-save > /run/saved && {program}-restore < /run/saved")
    assert saved(program) == expected
    assert not apply("topology", options).changed
    assert apply("topology", {"name": "all", "state": "absent"}).changed
    left = [line for line in saved(program) if line[0] == "-" or " - " in line]
    assert left == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_iptables_refuses(backend: str, version: str) -> None:
    """Such a rule is named by its number, in iptables' words, and nothing has changed."""
    program = f"{VERSIONS[version]}-{backend}"
    surroundings(version)
    _taken, refused = plain(program, list(lines(version)))
    assert len(refused) > 15
    before = saved(program)
    for line, words in refused.items():
        for check in (True, False):
            rules = ["-j ACCEPT", "-m comment --comment fine", line.text, "-j DROP"]
            chain = "FRESH" if line.chain == "OURS" else line.chain
            with pytest.raises(InputError) as problem:
                done = apply(
                    "iptables_chain", element(Line(line.table, chain, ""), rules, version, backend), check=check
                )
                pytest.fail(f"iptables refuses {line}: {words}; this took it as {done.plan.diff()}")
            assert problem.value.path == "rules[2]", f"{line}: {problem.value}"
            said = problem.value.problem.partition("iptables says: ")[2].split(";")[0].split(": rule in chain")[0]
            assert said.split("'")[0] in words.replace("`", "'"), f"{line}: {said!r} is not in {words!r}"
            assert "\n" not in str(problem.value)
    assert saved(program) == before
