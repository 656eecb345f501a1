# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iptables holds, as objects: chains, and the jumps in those that are asked about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..errors import ConflictError
from ..kernel.xtables import BUILTIN, FAMILIES, Chain, Tables
from ..model import Key, Resource
from .iptables_rule import target_of

FIRST, LAST, BEFORE, AT = "first", "last", "before", "at"


def look(node: Any, netns: str, keys: Collection[Key] | None) -> dict[Key, Resource]:
    """All chains of the backends and families that the keys name, and jumps in the chains that they name.

    Args:
        keys: of both kinds; None for all chains of the node's own backend.

    Raises:
        ConflictError: nft(8) has filled a table so that iptables cannot show it.
        MissingError: there is no such iptables, or no privilege.
    """
    found: dict[Key, Resource] = {}
    asked = {key.ident[:2] for key in keys} if keys is not None else {("", family) for family in FAMILIES}
    for backend, family in sorted(asked):
        tables, incompatible = node.iptables(netns, family, backend)
        for key in keys or ():
            if key.ident[:2] == (backend, family) and key.ident[2] in incompatible:
                raise ConflictError(_filled_by_nft(key))
        if keys is not None:
            _tell_of_the_other(node, netns, family, backend, tables)
        sources = {key.ident[2:4] for key in keys or () if key.kind == "iptables_jump"}
        for table in {**BUILTIN, **tables} if keys is not None else tables:
            builtin = {name: Chain("ACCEPT") for name in BUILTIN.get(table, ())}
            chains = {**builtin, **tables.get(table, {})}
            where = (backend, family, table)
            found.update(_chains(netns, where, chains))
            for name in chains:
                if (table, name) in sources:
                    found.update(_jumps(netns, where, name, chains))
    return found


def _filled_by_nft(key: Key) -> str:
    where = f" in netns '{key.netns}'" if key.netns else ""
    return (
        f"the {key.ident[1]} table {key.ident[2]}{where} holds what iptables cannot show, because nft(8) filled it: "
        "change it with nft, or move those rules to a table of another name"
    )


def _chains(netns: str, where: tuple[str, str, str], chains: dict[str, Chain]) -> Iterable[tuple[Key, Resource]]:
    referrers: dict[str, list[tuple[str, str]]] = {name: [] for name, chain in chains.items() if not chain.policy}
    for name, chain in chains.items():
        for rule in chain.rules if referrers else ():
            target = target_of(rule)
            if target in referrers and target != name:
                referrers[target].append((name, rule))
    for name, chain in chains.items():
        key = Key("iptables_chain", netns, (*where, name))
        values = {
            "rules": chain.rules,
            "policy": chain.policy or None,
            "counters": chain.counters,
            "referrers": tuple(referrers.get(name, ())),
        }
        yield key, Resource(key, values)


def _places(rules: Sequence[str]) -> dict[str, list[int]]:
    """Where each rule stands, from 1: others may have made the same jump more than once."""
    found: dict[str, list[int]] = {}
    for place, rule in enumerate(rules, 1):
        found.setdefault(rule, []).append(place)
    return found


def _jumps(
    netns: str, where: tuple[str, str, str], source: str, chains: dict[str, Chain]
) -> Iterable[tuple[Key, Resource]]:
    rules = chains[source].rules
    places = _places(rules)
    targets = [target_of(rule) for rule in rules]
    to_chain = [target in chains for target in targets]
    done: set[str] = set()
    first = True
    for index, rule in enumerate(rules):
        if to_chain[index] and rule not in done:
            done.add(rule)
            key = Key("iptables_jump", netns, (*where, source, rule))
            values = {"position": (AT, index + 1, rules), "again": places[rule][1:], "first": first}
            yield key, Resource(key, values)
        first = first and to_chain[index]


def jump_holds(position: tuple[Any, ...], observed: Resource) -> bool:
    """Whether a jump stands where it should."""
    _at, index, rules = observed.values["position"]
    if position[0] == FIRST:
        return bool(observed.values["first"])
    if position[0] == LAST:
        return True
    return place_in([*rules[: index - 1], *rules[index:]], position, index - 1) == int(index) - 1


def place_in(rules: Sequence[str], position: tuple[Any, ...], now: int | None = None) -> int:
    """Where a jump belongs among the other rules of its chain, from 0; `now`, if that is a place where it may be.

    A place that a jump had is given by the rules that stood around it then: others may have come and gone.
    """
    least, most = 0, len(rules)
    if position[0] == FIRST:
        most = 0
    elif position[0] == BEFORE and position[1] in rules:
        most = rules.index(position[1])
        least = most if now is None else 0
    elif position[0] == AT:
        _at, index, around = position
        before, after = frozenset(around[: index - 1]), frozenset(around[index:])
        least = max((at + 1 for at, rule in enumerate(rules) if rule in before - after), default=0)
        most = min((at for at, rule in enumerate(rules) if rule in after - before), default=most)
    if now is not None and least <= now <= most:
        return now
    if position[0] == AT and list(rules[: index - 1]) == list(around[: index - 1]):
        return int(index) - 1
    return most if position[0] != AT else min(least, len(rules))


def _tell_of_the_other(node: Any, netns: str, family: str, backend: str, tables: Tables) -> None:
    """Two filters in one namespace are two truths; nobody may have meant that."""
    other, elsewhere = node.iptables_elsewhere(netns, family, backend)
    count = sum(len(chain.rules) for chains in elsewhere.values() for chain in chains.values())
    if not elsewhere:
        return
    where = f" in netns '{netns}'" if netns else ""
    names = ", ".join(sorted(elsewhere))
    node.warn(
        f"iptables-{other} has {family} rules too{where} ({count} in {names}), beside those of the backend that is "
        f"used here: packets meet both, and a packet is accepted only if both accept it; keep all rules in one of them"
    )
