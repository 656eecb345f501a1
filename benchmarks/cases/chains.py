#!/usr/bin/env python3
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chain of many rules, and a set of many entries, beside what iptables-restore and ipset take by themselves.

Usage: scripts/sandbox python benchmarks/chains.py [NUMBER]
Each figure is the median of three; the ratio is to the floor of its group.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plugins.module_utils._core.declare import declare_one
from plugins.module_utils._core.engine import converge
from plugins.module_utils._core.kernel.node import Node
from plugins.module_utils._core.kernel.world import KernelWorld

ROUNDS = 3


def apply(module: str, changed: bool, options: Mapping[str, Any]) -> float:
    """Seconds that a run of the engine takes; its answer has to be the expected one."""
    began = time.perf_counter()
    with Node() as node:
        report = converge(declare_one(module, options, node.canonical), KernelWorld(node))
    took = time.perf_counter() - began
    if report.changed is not changed:
        raise SystemExit(f"{module}: expected changed={changed}: {report.plan.lines()[:3]}")
    return took


def run(command: str, given: str = "") -> float:
    began = time.perf_counter()
    subprocess.run(["sh", "-c", command], input=given, text=True, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def show(title: str, rounds: Callable[[], Mapping[str, float]]) -> None:
    """The first row is the floor."""
    found = [rounds() for _ in range(ROUNDS)]
    floor = 0.0
    print(title)
    for name in found[0]:
        median = statistics.median(row[name] for row in found)
        floor = floor or median
        print(f"  {name:<28} {median * 1000:8.0f} ms {median / floor:6.1f}x")


def chain(backend: str, number: int) -> Mapping[str, float]:
    rules = [f"-s 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 -p tcp -m tcp --dport 80 -j ACCEPT" for n in range(number)]
    text = "*filter\n:PLAIN - [0:0]\n" + "".join(f"-A PLAIN {rule}\n" for rule in rules) + "COMMIT\n"
    ours = {"chain": "OURS", "backend": backend}
    restore, save = f"iptables-{backend}-restore --noflush", f"iptables-{backend}-save -c"
    middle = number // 2
    found = {"iptables-restore and -save": run(restore, text) + run(save)}
    run(f"iptables-{backend} -F PLAIN && iptables-{backend} -X PLAIN")
    found["build"] = apply("iptables_chain", True, {**ours, "rules": rules})
    found["no change"] = apply("iptables_chain", False, {**ours, "rules": rules})
    rules[middle] = "-s 192.0.2.1/32 -j DROP"
    found["one rule changed"] = apply("iptables_chain", True, {**ours, "rules": rules})
    found["absent"] = apply("iptables_chain", True, {**ours, "state": "absent"})
    return found


def ipset(number: int) -> Mapping[str, float]:
    entries = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(number)]
    text = f"create plain hash:ip maxelem {2 * number}\n" + "".join(f"add plain {entry}\n" for entry in entries)
    ours = {"name": "ours", "type": "hash:ip", "maxelem": 2 * number}
    found = {"ipset restore and save": run("ipset restore", text) + run("ipset save")}
    run("ipset destroy plain")
    found["build"] = apply("ipset", True, {**ours, "entries": entries})
    found["no change"] = apply("ipset", False, {**ours, "entries": entries})
    found["one more entry"] = apply("ipset", True, {**ours, "entries": [*entries, "192.0.2.1"]})
    found["absent"] = apply("ipset", True, {"name": "ours", "state": "absent"})
    return found


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    show(f"{number} rules, nft", lambda: chain("nft", number))
    show(f"{number} rules, legacy", lambda: chain("legacy", number))
    show(f"{number} entries", lambda: ipset(number))


if __name__ == "__main__":
    main()
