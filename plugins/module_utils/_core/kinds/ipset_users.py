# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What will still use a set after a run: the kernel counts its users (ip_set_get), and iptables tells of some."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..kernel import ipset as codec
from ..kernel.xtables_scratch import sets_of
from ..model import Key, Resource
from .iptables_rule import short

_CHAIN, _JUMP = "iptables_chain", "iptables_jump"
_PATIENCE, _PAUSE = 10, 0.05


@dataclass(frozen=True)
class Users:
    """The rules that use a set.

    Attributes:
        node: where they are; it has read all chains of the backends and families of this run.
        key: the set's.
        lists: how many lists hold it.
        rules: how many rules, of whatever program, the kernel counts beside them.
    """

    node: Any
    key: Key
    lists: int
    rules: int

    def staying(self, absent: Collection[Key], desired: Mapping[Key, Resource]) -> str:
        """Which of them a run leaves or makes, as the end of a sentence; '' if none."""
        netns = self.key.netns
        ours = [key for key in (*absent, *desired) if key.kind in (_CHAIN, _JUMP) and key.netns == netns]
        for key in ours:
            for rule in _declared(desired[key]) if key in desired else ():
                if self._times(rule):
                    return f"the {key.ident[1]} chain {key.ident[3]} is to use it, by the rule '{short(rule)}'"
        going = 0
        for place, rule, times in self._live({key.ident[:2] for key in ours}):
            chain = Key(_CHAIN, netns, place)
            rewritten = chain in desired and desired[chain].values.get("rules") is not None
            if not (rewritten or chain in absent or Key(_JUMP, netns, (*place, rule)) in absent):
                return f"the {place[1]} chain {place[3]} uses it, by the rule '{short(rule)}'"
            going += times
        return counted(self._beyond(going))

    def _live(self, places: Collection[tuple[Any, ...]]) -> Iterator[tuple[tuple[str, ...], str, int]]:
        """Place, text and number of references of each rule with the set."""
        for backend, family in sorted(places):
            for table, chains in self.node.iptables(self.key.netns, family, backend)[0].items():
                for name, chain in chains.items():
                    for rule in chain.rules:
                        times = self._times(rule)
                        if times:
                            yield (backend, family, table, name), rule, times

    def _times(self, rule: str) -> int:
        name = self.key.ident[0]
        return sets_of(rule).count(name) if name in rule else 0

    def _beyond(self, known: int) -> int:
        """How many references there are that are not known."""
        rules = self.rules
        for _attempt in range(_PATIENCE):
            if rules <= known:
                return 0
            # Of rules that are deleted, nf_tables lets go a little later (nf_tables_trans_destroy_work).
            time.sleep(_PAUSE)
            header = codec.headers(self.node.inside(self.key.netns)).get(self.key.ident[0])
            rules = header.references - self.lists if header is not None else 0
        return max(rules - known, 0)


def counted(rules: int) -> str:
    """So many rules as a reason why a set may not go; '' for none."""
    return f"{rules} iptables rule{'s refer' if rules > 1 else ' refers'} to it" if rules else ""


def _declared(resource: Resource) -> Collection[str]:
    if resource.key.kind == _JUMP:
        return (resource.key.ident[4],)
    return tuple(rule if isinstance(rule, str) else rule.text for rule in resource.values.get("rules") or ())
