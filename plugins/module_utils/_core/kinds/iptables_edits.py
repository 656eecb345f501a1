# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes from one list of rules to another: which go, which come, which stay where they are. O(n log n)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

Line = tuple[str, int]


def numbered(rules: Iterable[str]) -> list[Line]:
    """Each rule with how many equal ones come before it, so that all are different."""
    seen: Counter[str] = Counter()
    found = []
    for rule in rules:
        found.append((rule, seen[rule]))
        seen[rule] += 1
    return found


def edits(old: Sequence[str], new: Sequence[str]) -> tuple[list[int], list[int]]:
    """The positions in `old` of what goes, and those in `new` of what comes; a rule that moves does both.

    As few as possible: those that stay are a longest rising subsequence.
    """
    same = 0
    most = min(len(old), len(new))
    while same < most and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < most - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    gone, come = _edits(old[same : len(old) - tail], new[same : len(new) - tail])
    return [at + same for at in gone], [at + same for at in come]


def _edits(old: Sequence[str], new: Sequence[str]) -> tuple[list[int], list[int]]:
    places = {line: at for at, line in enumerate(numbered(old))}
    pairs = [(places[line], at) for at, line in enumerate(numbered(new)) if line in places]
    ends: list[int] = []
    tails: list[int] = []
    previous = [-1] * len(pairs)
    for number, (place, _at) in enumerate(pairs):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        tails[length : length + 1] = [number]
        previous[number] = tails[length - 1] if length else -1
    kept_old, kept_new = set(), set()
    number = tails[-1] if tails else -1
    while number >= 0:
        kept_old.add(pairs[number][0])
        kept_new.add(pairs[number][1])
        number = previous[number]
    return [at for at in range(len(old)) if at not in kept_old], [at for at in range(len(new)) if at not in kept_new]
