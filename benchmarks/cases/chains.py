# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 5: a chain of many rules, beside what iptables-restore and iptables-save take by themselves.

Ours is a whole process, with interpreter and imports. Before it touches the chain, it loads the rules into a scratch
namespace and reads them back, and afterwards it reads the chain: so `programs` is what iptables alone takes for that.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.ansible_run import tasks
from benchmarks.harness import ROUNDS, Engine, Row, clock, emit, is_quick, medians, run
from plugins.module_utils._core.kernel import netns, programs

SIZES = (100, 1_000, 10_000)
BACKENDS = ("nft", "legacy")
PEER, PEER_ITEMS = "ansible.builtin.iptables", 50
BUILD, SAME, ONE, START = "build", "no change", "one rule changed", "start"
PROGRAMS = "iptables: scratch and live"
# What the floor of `no change` is: a process of Python that reads and parses, and no more.
READ = """
import subprocess, sys
saved = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True).stdout.decode()
tables, rules = {}, {}
for line in saved.split("\\n"):
    if line[:1] == "[":
        counter, _mark, rest = line.partition("] -A ")
        chain, _space, rule = rest.partition(" ")
        rules.setdefault(chain, []).append((rule, counter))
    elif line[:1] == "*":
        rules = tables[line] = {}
"""


def rules_of(number: int) -> list[str]:
    return [f"-s 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 -p tcp -m tcp --dport 80 -j ACCEPT" for n in range(number)]


def saved(backend: str, chain: str) -> list[str]:
    """The rules of a chain, as iptables-save prints them."""
    mark = f"-A {chain} "
    lines = run(f"iptables-{backend}-save").split("\n")
    return [line[len(mark) :] for line in lines if line.startswith(mark)]


def expect(backend: str, rules: Sequence[str]) -> None:
    if saved(backend, "OURS") != list(rules):
        raise SystemExit(f"chains: the chain of {len(rules)} rules is not what was declared ({backend})")


def floor_build(backend: str, rules: Sequence[str]) -> dict[str, float]:
    """A new chain by iptables-restore; and that with what ours does by programs besides."""
    text = "*filter\n:PLAIN - [0:0]\n" + "".join(f"-A PLAIN {rule}\n" for rule in rules) + "COMMIT\n"
    restore, save = f"iptables-{backend}-restore", f"iptables-{backend}-save"
    loaded = clock(lambda: run(restore, "--noflush", "-w", given=text))
    read = clock(lambda: run(save, "-c"))
    scratch = clock(lambda: run("unshare", "-n", "sh", "-c", f"{restore} -w && {save}", given=text))
    if saved(backend, "PLAIN") != list(rules):
        raise SystemExit("chains: iptables-restore did not load what it was given")
    run(f"iptables-{backend}", "-F", "PLAIN")
    run(f"iptables-{backend}", "-X", "PLAIN")
    return {f"{BUILD} floor": loaded, f"{BUILD} programs": loaded + read + scratch}


def one_round(engine: Engine, backend: str, number: int) -> Mapping[str, float]:
    rules = rules_of(number)
    ours: dict[str, Any] = {"chain": "OURS", "backend": backend}
    found = floor_build(backend, rules)
    found[BUILD] = engine.apply("iptables_chain", {**ours, "rules": rules}, changed=True)
    expect(backend, rules)
    read = [sys.executable, "-I", "-c", READ, f"iptables-{backend}-save", "-c"]
    found[f"{SAME} floor"] = clock(lambda: run(*read))
    found[SAME] = engine.apply("iptables_chain", {**ours, "rules": rules}, changed=False)
    found[START] = found[SAME] - engine.inside
    expect(backend, rules)
    rules[number // 2] = "-s 192.0.2.1/32 -j DROP"
    # By its number; iptables-restore still has to read the chain.
    text = f"*filter\n-R OURS {number // 2 + 1} -s 192.0.2.2/32 -j DROP\nCOMMIT\n"
    found[f"{ONE} floor"] = clock(lambda: run(f"iptables-{backend}-restore", "--noflush", "-w", given=text))
    found[ONE] = engine.apply("iptables_chain", {**ours, "rules": rules}, changed=True)
    expect(backend, rules)
    engine.apply("iptables_chain", {**ours, "state": "absent"}, changed=True)
    return found


def peer(items: int) -> dict[str, float]:
    """Seconds for a rule by ansible.builtin.iptables in a loop, with the node's own backend."""
    options = {"chain": "PEER", "protocol": "tcp", "destination_port": "80", "jump": "ACCEPT", "source": "{{ item }}"}
    loop = [f"10.0.0.{number}/32" for number in range(items)]
    task = {PEER: options, "loop": loop}
    done = tasks([{PEER: {"chain": "PEER", "chain_management": True}}, task, task])[1:]
    if [found.changed for found in done] != [True, False]:
        raise SystemExit(f"chains: {PEER} did not build, or not find again, {items} rules")
    run("iptables", "-F", "PEER")
    run("iptables", "-X", "PEER")
    return dict(zip((BUILD, SAME), (found.seconds / items for found in done)))


def rows(backend: str, number: int, item: Mapping[str, float], items: int, rounds: int) -> list[Row]:
    engine = Engine()
    found = medians(lambda: one_round(engine, backend, number), rounds)
    note = f"{found[START]:.2f} s of ours is the start of Python and imports"
    guess = f"{note}; {PEER}: extrapolated from {items} items, as if later ones took no longer"

    def row(action: str, **more: Any) -> Row:
        return Row(f"5 {action}, {number:,} rules, {backend}", found[action], found[f"{action} floor"], **more)

    peers = {action: {PEER: seconds * number} for action, seconds in item.items()}
    programs = {PROGRAMS: found[f"{BUILD} programs"]}
    return [
        row(BUILD, peers=peers[BUILD], against={"floor": 3.0}, compared=programs, note=guess),
        row(SAME, peers=peers[SAME], against={"floor": 2.5}, note=guess),
        row(ONE, note=note),
    ]


def main() -> None:
    items = 2 if is_quick() else PEER_ITEMS
    item = peer(items)
    for number in (20,) if is_quick() else SIZES:
        for backend in BACKENDS:
            # In a namespace of its own: tables that the other backend leaves behind are looked at too.
            with programs.scratch_namespace() as fd:
                emit(netns.run_in(fd, rows, backend, number, item, items, 1 if is_quick() else ROUNDS))


if __name__ == "__main__":
    main()
