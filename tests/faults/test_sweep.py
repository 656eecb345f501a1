# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed, or refused, at each of the calls by which it changes something."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.elsewhere import ELSEWHERE, OTHER_BEFORE, OTHER_FIRST, OTHER_FLOW, OTHER_SECOND, wireguard
from tests.faults.everything import ABSENT, BEFORE, FIRST, FLOW, NFT, SECOND, light
from tests.faults.way import Way, is_program, refusals

ALL = os.environ.get("CONTAINERLAND_FAULTS") == "all"
#: How many calls apart are those that the short run tries; a prime, so that it does not fall in step with batches.
STRIDE = 13


def _ways() -> dict[str, tuple[Way, int]]:
    """Name → the way, and where among its calls the short run begins."""
    ways: dict[str, tuple[Way, int]] = {}
    for kind, first, second in (("netlink", light(FIRST), light(SECOND)), ("programs", FIRST, SECOND)):
        before = BEFORE if kind == "netlink" else BEFORE + NFT
        whole = kind == "programs"
        more: dict[str, Any] = {"programs": whole, "flow": FLOW if whole else "true"}
        ways[f"made, {kind}"] = Way(before, ABSENT, first, **more), 1
        ways[f"changed, {kind}"] = Way(before, first, second, **more), 3
        ways[f"removed, {kind}"] = Way(before, first, ABSENT, **more), 5
    ways["made, another kernel"] = Way(OTHER_BEFORE, ABSENT, OTHER_FIRST, flow=OTHER_FLOW), 2
    ways["changed, another kernel"] = Way(OTHER_BEFORE, OTHER_FIRST, OTHER_SECOND, flow=OTHER_FLOW), 4
    ways["removed, another kernel"] = Way(OTHER_BEFORE, OTHER_SECOND, ABSENT, flow=OTHER_FLOW), 6
    ways["changed, wireguard"] = Way("true", wireguard(51820, "10.2.0.0/24"), wireguard(51821, "10.3.0.0/24"), False), 0
    return ways


WAYS = _ways()
_MADE = {"RTM_NEWLINK", "RTM_NEWADDR", "RTM_NEWROUTE", "RTM_NEWRULE", "RTM_NEWNEIGH", "RTM_SETLINK (bridge)"}
_CHANGED = {*_MADE, "RTM_DELLINK", "RTM_DELADDR", "RTM_DELROUTE", "RTM_DELRULE", "RTM_DELNEIGH"}
#: What each way sends, at least. test_coverage.py finds in the core's source what it can send.
REACHED = {
    "made, netlink": _MADE,
    "changed, netlink": _CHANGED,
    "removed, netlink": {"RTM_DELLINK", "RTM_DELRULE"},
    "made, programs": {*_MADE, "iptables-restore", "iptables-legacy-restore", "ip6tables-restore", "ipset restore"},
    "changed, programs": {*_CHANGED, "NFT_BATCH", "CT_DELETE", "iptables-restore", "ipset restore"},
    "removed, programs": {"NFT_BATCH", "CT_DELETE", "iptables-legacy-restore", "ipset restore"},
    "made, another kernel": {"IPVS_NEW_SERVICE", "IPVS_NEW_DEST"},
    "changed, another kernel": {
        *("IPVS_NEW_SERVICE", "IPVS_SET_SERVICE", "IPVS_DEL_SERVICE"),
        *("IPVS_NEW_DEST", "IPVS_SET_DEST", "IPVS_DEL_DEST"),
    },
    "removed, another kernel": {"IPVS_DEL_SERVICE"},
    "changed, wireguard": {"WG_SET_DEVICE"},
}


HERE = [name for name in WAYS if name.endswith(("netlink", "programs"))]
#: An emulated kernel takes ten times as long.
ELSEWHERE_WAYS = [name for name in WAYS if "another" in name and (ALL or name.startswith("changed"))]


def chosen(name: str, way: Way, begin: int) -> Iterator[int]:
    """The numbers of the calls to try."""
    missing = REACHED[name] - set(way.calls)
    assert not missing, f"{name} no longer reaches {sorted(missing)}"
    candidates = [n for n, label in enumerate(way.calls, 1) if ALL or "programs" not in name or is_program(label)]
    stride = 1 if ALL else 4 if "programs" in name else STRIDE
    yield from candidates[begin % stride :: stride]


def show(name: str, calls: Sequence[str], tried: Counter[str]) -> None:
    """What was covered, for the record."""
    counts = Counter(calls)
    print(f"\n{name}: {len(calls)} calls of {len(counts)} kinds; tried {sum(tried.values())}")
    for label in sorted(counts):
        print(f"  {label}: {counts[label]}" + (f", tried {tried[label]} times" if tried[label] else ""))


def kill_at_each(name: str, way: Way, begin: int) -> None:
    tried: Counter[str] = Counter()
    for turn, number in enumerate(chosen(name, way, begin)):
        label = way.calls[number - 1]
        ends = [(signal.SIGKILL, True), (signal.SIGHUP, False), (signal.SIGKILL, False), (signal.SIGHUP, True)]
        for by, converge in ends if ALL else [ends[turn % 4]]:
            way.killed(number, by, converge=converge)
            tried[label] += 1
        if is_program(label) and label != "NFT_BATCH" and (ALL or turn % 3 == 0):
            way.killed(number, ends[turn % 4][0], converge=True, during=True)
            tried[label] += 1
    show(f"killed, {name}", way.calls, tried)


def refuse_each(name: str, way: Way, begin: int) -> None:
    tried: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for turn, number in enumerate(chosen(name, way, begin)):
        label = way.calls[number - 1]
        faults = refusals(label)
        for fault in faults if ALL else [faults[turn % len(faults)]]:
            ended[way.refused(replace(fault, at=number))] += 1
            tried[label] += 1
    show(f"refused, {name}", way.calls, tried)
    print(f"  {dict(ended)}")


@pytest.mark.parametrize("name", HERE)
def test_after_a_kill_the_next_run_gets_there_and_absent_leaves_nothing(name: str) -> None:
    way, begin = WAYS[name]
    way.prepare()
    kill_at_each(name, way, begin)


@pytest.mark.parametrize("name", HERE)
def test_after_a_refusal_all_is_as_before(name: str) -> None:
    way, begin = WAYS[name]
    way.prepare()
    refuse_each(name, way, begin + 2)


@pytest.mark.other_kernel(*ELSEWHERE)
@pytest.mark.parametrize("name", ELSEWHERE_WAYS)
def test_both_in_another_kernel(name: str) -> None:
    way, begin = WAYS[name]
    way.prepare()
    refuse_each(name, way, begin)
    kill_at_each(name, way, begin + STRIDE)


if ALL:

    @pytest.mark.other_kernel("wireguard")
    def test_both_in_a_virtual_machine() -> None:
        way, begin = WAYS["changed, wireguard"]
        way.prepare()
        refuse_each("changed, wireguard", way, begin)
        kill_at_each("changed, wireguard", way, begin)
