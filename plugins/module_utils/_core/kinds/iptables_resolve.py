# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules in the form that the node's own iptables gives them, or why it does not take them. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import ConflictError, InputError, MissingError
from ..kernel.xtables import Place, Tables
from ..kernel.xtables_scratch import Surroundings, Trial, TrialRefused, canonical, sets_of
from ..model import Key, Resource, describe
from .iptables_look import BEFORE
from .iptables_options import Given
from .iptables_rule import chain_name, short, target_of, unwritable

CHAIN, JUMP = "iptables_chain", "iptables_jump"
Group = Mapping[Key, Resource]


class _Wish(NamedTuple):
    """Rules to be brought to canonical form: of a chain, those that do not stand there word for word already; or a
    jump and the rule that it stands before.
    """

    resource: Resource
    table: str
    chain: str
    rules: tuple[str, ...]
    whole: tuple[str, ...] = ()


def resolve(group: Group, observed: Group, node: Any, check: bool) -> dict[Key, Resource]:
    """Those of the chains and jumps that get another form.

    Raises:
        InputError: a rule that iptables does not take, at its path.
        MissingError: a rule that a jump should stand before is not there; no iptables, or no privilege.
    """
    found: dict[Key, Resource] = {}
    places: dict[tuple[str, str, str], dict[Key, Resource]] = {}
    for key, resource in group.items():
        places.setdefault((key.netns, key.ident[0], key.ident[1]), {})[key] = resource
    known: dict[Any, list[tuple[str, ...]]] = {}
    for (netns, backend, family), part in places.items():
        sets = {
            key.ident[0]: {"inet": "ipv4", "inet6": "ipv6"}.get(resource.values.get("family", ""), "")
            for key, resource in observed.items()
            if key.kind == "ipset" and key.netns == netns
        }
        found.update(_Resolver(netns, backend, family, part, sets, node, check, known).resolve())
    return found


class _Resolver:
    def __init__(
        self,
        netns: str,
        backend: str,
        family: str,
        group: Group,
        sets: Mapping[str, str],
        node: Any,
        check: bool,
        known: dict[Any, list[tuple[str, ...]]],
    ) -> None:
        self._family, self._backend, self._node, self._check, self._known = family, backend, node, check, known
        self._group = group
        self._tables: Tables = node.iptables(netns, family, backend)[0]
        self._live: Place | None = node.iptables_at(netns, family, backend) if node.exists(netns) else None
        self._sets = sets
        live = {(table, name) for table, chains in self._tables.items() for name in chains}
        declared = {(key.ident[2], key.ident[3]) for key in group if key.kind == CHAIN}
        targets = {(key.ident[2], target_of(key.ident[4])) for key in group if key.kind == JUMP}
        self._chains = {*live, *declared, *targets}
        # Rules that were there, and cannot come back.
        self._lost: dict[Key, set[str]] = {}

    def resolve(self) -> dict[Key, Resource]:
        wishes = [wish for wish in map(self._wish, self._group.values()) if wish is not None]
        done = self._load(wishes)
        found = {}
        for key, resource in self._group.items():
            new = self._chain(resource, done) if key.kind == CHAIN else self._jump(resource, done)
            if new != resource:
                found[key] = new
        return found

    def _wish(self, resource: Resource) -> _Wish | None:
        table, name = resource.key.ident[2:4]
        live = self._tables.get(table, {}).get(name)
        there = frozenset(live.rules if live is not None else ())
        odd = unwritable(there) if resource.values.get("rules") is not None else ""
        if odd:
            problem = f"{describe(resource)} holds a rule with control characters, which could not be brought back"
            raise ConflictError(f"{problem}; remove it first: {short(odd)!r}")
        if resource.key.kind == CHAIN:
            whole = tuple(map(_text, resource.values.get("rules") or ()))
            if not self._check:
                self._miss_sets(resource)
                whole = self._kept(resource, whole)
            rules = tuple(rule for rule in whole if rule not in there)
            return _Wish(resource, table, name, rules, whole) if rules else None
        rules = (resource.key.ident[4], *_before(resource))
        return None if there.issuperset(rules) else _Wish(resource, table, name, rules)

    def _load(self, wishes: list[_Wish]) -> dict[Key, tuple[str, ...]]:
        """The canonical rules of each."""
        while wishes:
            trials, parts = _trials(wishes)
            try:
                results = self._canonical(trials)
            except TrialRefused as problem:
                wishes = self._refused(problem, wishes, parts)
                continue
            if all(len(result) == len(trial.rules) for result, trial in zip(results, trials)):
                for trial, result in zip(trials, results):
                    self._remember(trial, result)
                pairs = (
                    (wish, results[number][at : at + len(wish.rules)]) for wish, (number, at) in zip(wishes, parts)
                )
                return {wish.resource.key: _filled(wish, rules) for wish, rules in pairs}
            return {wish.resource.key: self._load_alone(wish) for wish in wishes}
        return {}

    def _load_alone(self, wish: _Wish) -> tuple[str, ...]:
        """A rule with several addresses stands for several rules."""
        result = self._canonical([Trial(wish.table, wish.chain, wish.whole or wish.rules)])[0]
        if not wish.whole and len(result) != len(wish.rules):
            if not wish.resource.path:
                return wish.rules
            problem = "stands for several rules, because of a list of addresses: declare one jump for each"
            raise InputError(wish.resource.path, problem)
        return result

    def _canonical(self, trials: list[Trial]) -> list[tuple[str, ...]]:
        key = (self._family, self._backend, tuple(trials), frozenset(self._chains), tuple(self._sets.items()))
        if key not in self._known:
            around = Surroundings(self._live, self._tables, frozenset(self._chains), self._sets)
            self._known[key] = canonical(self._family, self._backend, trials, around)
        return self._known[key]

    def _refused(self, problem: TrialRefused, wishes: list[_Wish], parts: Sequence[tuple[int, int]]) -> list[_Wish]:
        """Raises, or tells of it and returns what is left to try."""
        wish, at = _find(problem, wishes, parts)
        path = _path(wish, at)
        missing, rule = problem.missing, wish.rules[at]
        words = (
            f"there is no chain or target '{short(missing)}'" if missing else f"iptables says: {short(problem.words)}"
        )
        if not path:
            self._lose(wish.resource, rule, words)
            left = self._kept(wish.resource, wish.rules) if wish.whole else ()
            new = wish._replace(rules=left, whole=self._kept(wish.resource, wish.whole))
            return [new if other is wish else other for other in wishes if other is not wish or left]
        # It may be there by the time that this is no longer check mode, if it can be a chain at all.
        if not (self._check and _can_be_chain(missing)) or (wish.table, missing) in self._chains:
            raise InputError(path, words)
        self._node.warn(f"{path}: {words}; create it first, or declare it in the same topology")
        self._chains.add((wish.table, missing))
        return wishes

    def _miss_sets(self, resource: Resource) -> None:
        """Of what is declared, the plan tells; here it is about what was there before and is to come back."""
        for rule in resource.values.get("rules") or ():
            for name in () if isinstance(rule, Given) else sets_of(rule):
                if name not in self._sets:
                    self._lose(resource, rule, f"there is no ipset '{name}'")

    def _lose(self, resource: Resource, rule: str, words: str) -> None:
        """What was there before somebody else's chain or set went, cannot come back."""
        self._lost.setdefault(resource.key, set()).add(rule)
        self._node.warn(f"{describe(resource)} does not get back its former rule '{short(rule)}': {words}")

    def _kept(self, resource: Resource, rules: tuple[str, ...]) -> tuple[str, ...]:
        lost = self._lost.get(resource.key, ())
        return tuple(rule for rule in rules if rule not in lost)

    def _remember(self, trial: Trial, result: tuple[str, ...]) -> None:
        """iptables gets the words that were given: so what it prints then is what it printed here."""
        for given, rule in zip(trial.rules, result):
            if given != rule:
                self._node.rules_as_given[self._backend, self._family, trial.table, rule] = given

    def _chain(self, resource: Resource, done: Mapping[Key, tuple[str, ...]]) -> Resource:
        rules = resource.values.get("rules")
        if rules is None:
            return resource
        return resource.with_values(rules=done.get(resource.key, self._kept(resource, tuple(map(_text, rules)))))

    def _jump(self, resource: Resource, done: Mapping[Key, tuple[str, ...]]) -> Resource:
        rules = done.get(resource.key, (resource.key.ident[4], *_before(resource)))
        key = Key(JUMP, resource.key.netns, (*resource.key.ident[:4], rules[0]))
        moved = resource._replace(key=key)
        if not _before(resource):
            return moved
        table, name = key.ident[2:4]
        if not self._stands(key, done):
            where = f"the {key.ident[1]} chain {name} of the table {table}"
            problem = f"{resource.path}.before: {where} has no rule '{short(rules[1])}'"
            if not self._check:
                raise MissingError(problem)
            self._node.warn(problem)
            return moved.without("position")
        return moved.with_values(position=(BEFORE, rules[1]))

    def _stands(self, key: Key, done: Mapping[Key, tuple[str, ...]]) -> bool:
        """Whether there is the rule before which a jump (its canonical key) is to stand, or will be by then."""
        live = self._tables.get(key.ident[2], {}).get(key.ident[3])
        coming: dict[str, Collection[str]] = {}
        for other, resource in self._group.items():
            if other.kind == JUMP and other.ident[:4] == key.ident[:4]:
                rule, *before = done.get(other, (other.ident[4], *_before(resource)))
                coming[rule] = before
        rule, seen = next(iter(coming[key.ident[4]])), {key.ident[4]}
        while live is None or rule not in live.rules:
            if rule in seen or rule not in coming:
                return False
            seen.add(rule)
            if not coming[rule]:
                return True
            rule = next(iter(coming[rule]))
        return True


def _trials(wishes: Sequence[_Wish]) -> tuple[list[Trial], list[tuple[int, int]]]:
    """One trial per chain, and for each wish its trial and where its rules begin there."""
    collected: dict[tuple[str, str], list[str]] = {}
    parts = []
    for wish in wishes:
        rules = collected.setdefault((wish.table, wish.chain), [])
        parts.append((list(collected).index((wish.table, wish.chain)), len(rules)))
        rules += wish.rules
    return [Trial(table, chain, tuple(rules)) for (table, chain), rules in collected.items()], parts


def _find(problem: TrialRefused, wishes: Sequence[_Wish], parts: Sequence[tuple[int, int]]) -> tuple[_Wish, int]:
    return next(
        (wish, problem.rule - at)
        for wish, (number, at) in zip(wishes, parts)
        if number == problem.trial and at <= problem.rule < at + len(wish.rules)
    )


def _filled(wish: _Wish, canonical_rules: tuple[str, ...]) -> tuple[str, ...]:
    """The rules of a whole chain, with the canonical ones in the places of those that were tried."""
    if not wish.whole:
        return canonical_rules
    found = dict(zip(wish.rules, canonical_rules))
    return tuple(found.get(rule, rule) for rule in wish.whole)


def _path(wish: _Wish, at: int) -> str:
    path = wish.resource.path
    if wish.resource.key.kind == JUMP:
        return f"{path}.before" if at and path else path
    rule = wish.resource.values["rules"][wish.whole.index(wish.rules[at])]
    return rule.path if isinstance(rule, Given) else path


def _can_be_chain(name: str) -> bool:
    try:
        return bool(chain_name(name))
    except ValueError:
        return False


def _text(rule: Given | str) -> str:
    return rule.text if isinstance(rule, Given) else rule


def _before(resource: Resource) -> Collection[str]:
    position = resource.values.get("position")
    return position[1:] if position and position[0] == BEFORE else ()
