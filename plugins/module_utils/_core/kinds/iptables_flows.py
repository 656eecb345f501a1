# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP flows to a destination that a chain no longer gives.

The nat table is asked for the first packet of a flow only. A TCP client asks anew sooner or later; a UDP client that
goes on from the same port would be sent to a server that is no more for ever (kubernetes#48370).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import KernelError
from ..kernel import conntrack
from ..model import Step, Verb, describe
from .base import by_netns

UDP = 17
_PROTOCOL = re.compile(r"(?<!! )-p (udp|17)\b")
_DESTINATION = re.compile(
    r"-j DNAT .*--to-destination (?:\[([0-9a-f:.]+)\]|([0-9.]+)|([0-9a-f:]+(?= |$)))(?::(\d+))?(?= |$)"
)


def destinations(rules: Iterable[str]) -> set[tuple[str, int]]:
    """Where rules send UDP to: (address, port); port 0 = as it was asked for."""
    found = set()
    for rule in rules:
        match = _DESTINATION.search(rule)
        if match and _PROTOCOL.search(rule):
            found.add((match[1] or match[2] or match[3], int(match[4] or 0)))
    return found


def gone(step: Step) -> set[tuple[str, int]]:
    """The destinations that a chain no longer gives after a step."""
    if step.key.kind != "iptables_chain" or step.key.ident[2] != "nat" or step.verb is Verb.ADD:
        return set()
    before = step.change.before.values.get("rules") if step.change.before is not None else None
    after = step.values.get("rules") if step.verb is Verb.SET else ()
    return destinations(before or ()) - destinations(after or ()) if after is not None else set()


def forget(steps: Sequence[Step], node: Any) -> None:
    """Makes connection tracking forget the flows; a kernel that cannot tell them leaves them, with a warning."""
    for netns, group in by_netns(steps).items():
        places = {place for step in group for place in gone(step)}
        if not places:
            continue
        flows = [conntrack.Flow(UDP, ("", 0), place) for place in sorted(places)]
        try:
            conntrack.purge(node.socket(netns, conntrack.NETLINK_NETFILTER), flows)
        except KernelError as problem:
            if problem.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT):
                step = next(step for step in group if gone(step))
                node.warn(f"{describe(step.resource)}: cannot forget UDP flows to servers that are gone: {problem}")
