# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order chains and jumps come and go within one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model import Key, Step, Verb
from .iptables_look import AT, BEFORE, FIRST, LAST

Position = tuple[Any, ...]
_NUMBER = re.compile(r"\[(\d+)\]")


def in_order(steps: Sequence[Step]) -> list[tuple[Step, Position]]:
    """The steps, and where the jumps among them are to stand; one that others had made several times comes as often.

    Chains come before jumps to them, and go after them. Jumps go before others come, for two chains may change places.
    Those that come back do so by rising position; others as they are listed.
    """
    coming = {step.key: step for step in steps if step.key.kind == "iptables_jump" and step.verb is not Verb.DELETE}
    placed = [(step, position) for step in steps for position in _positions(step)]
    return sorted(placed, key=lambda item: _order(item[0], item[1], coming))


def _positions(step: Step) -> Iterator[Position]:
    position: Position = step.values.get("position") or (LAST,)
    yield position
    if position[0] == AT and step.verb is Verb.ADD:
        yield from ((AT, place, position[2]) for place in step.values.get("again", ()))


def _order(step: Step, position: Position, coming: Mapping[Key, Step]) -> tuple[int, int, int, tuple[int, ...]]:
    chain = step.key.kind == "iptables_chain"
    if step.verb is Verb.DELETE:
        return (3 if chain else 1), 0, 0, ()
    if chain:
        return 0, 0, 0, ()
    if position[0] == AT:
        return 2, 0, position[1], ()
    listed = [int(number) for number in _NUMBER.findall(step.change.new.path)]
    # Each is put before all others.
    sign = -1 if position[0] == FIRST else 1
    return 2, _depth(step, coming), 0, tuple(sign * number for number in listed)


def _depth(step: Step, coming: Mapping[Key, Step]) -> int:
    """How many jumps must be there before this one, for it stands before them."""
    depth = 0
    while True:
        position: Position = step.values.get("position") or (LAST,)
        before = coming.get(Key(step.key.kind, step.key.netns, (*step.key.ident[:4], str(position[-1]))))
        if position[0] != BEFORE or before is None or depth > len(coming):
            return depth
        step, depth = before, depth + 1
