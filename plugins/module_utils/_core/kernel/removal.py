# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many links at once: the kernel waits for all packets in flight once per request, not once per link."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import KernelError
from ..model import Step
from . import packed, reader

# Below this, numbering the links costs more than it saves.
FEW = 4
_HIGHEST = 2**31 - 1
# A namespace that a process is still in keeps its links: then there is nothing to wait for.
_PATIENCE = 2.0


def delete_links(node: Any, netns: str, steps: Sequence[Step]) -> list[Step]:
    """Deletes the links of the steps by one request for a device group that only they are in.

    Returns:
        The steps that are still to be done one by one: all, if there are few or the kernel refuses a group's
        deletion because one of its links cannot be deleted.
    """
    if len(steps) < FEW:
        return list(steps)
    taken = {row.group for row in node.links(netns)}
    group = next(number for number in iter(lambda: random.randint(2**16, _HIGHEST), None) if number not in taken)
    numbering = [packed.link_set(node.index(netns, step.key.ident[0]), group=group) for step in steps]
    socket = node.socket(netns)
    socket.send(numbering)
    refused: KernelError | None = socket.send([packed.link_delete_group(group)])[0]
    return list(steps) if refused is not None else []


def outer_ends(node: Any, netns: str) -> list[tuple[str, int]]:
    """The ends outside of a namespace of the veths in it, as (namespace, index), as far as they can be seen."""
    rows = [row for row in node.links(netns) if row.kind == "veth" and row.link_netnsid is not None]
    ends = [(node.netns_by_id(netns, row.link_netnsid), row.link) for row in rows]
    return [(other, index) for other, index in ends if other != "?"]


def await_gone(node: Any, ends: Iterable[tuple[str, int]]) -> None:
    """The kernel takes a namespace down later; who makes the same links again at once must not meet the old ones."""
    deadline = time.monotonic() + _PATIENCE
    places: dict[str, set[int]] = {}
    for netns, index in ends:
        places.setdefault(netns, set()).add(index)
    for netns, indexes in places.items():
        while node.exists(netns) and not indexes.isdisjoint(_indexes(node, netns)) and time.monotonic() < deadline:
            time.sleep(0.01)


def _indexes(node: Any, netns: str) -> set[int]:
    return {row.index for row in reader.links(node.socket(netns))}
