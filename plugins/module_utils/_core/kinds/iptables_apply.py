# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of chains and jumps as one iptables-restore per namespace, backend and family."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..errors import KernelError
from ..kernel import xtables
from ..kernel.xtables import BUILTIN, Chain, Place, Refused, Tables
from ..model import Key, Step, Verb, describe
from .base import StepError
from .iptables_edits import edits, numbered
from .iptables_flows import forget
from .iptables_look import place_in
from .iptables_order import in_order

CHAIN = "iptables_chain"
# With fewer edits than this, or than this part of a chain, the other rules are not touched, and keep what they count.
_FEW, _PART = 100, 10
Given = Callable[[str, str], str]


def apply(steps: Sequence[Step], node: Any) -> None:
    """Carries out steps of one stage.

    Raises:
        StepError: for the step whose line iptables refused, or the first; nothing of that namespace and family's
            tables was changed then.
    """
    groups: dict[tuple[str, str, str], list[Step]] = {}
    for step in steps:
        groups.setdefault((step.key.netns, step.key.ident[0], step.key.ident[1]), []).append(step)
    for (netns, backend, family), group in groups.items():
        given = partial(_as_given, node, backend, family)
        try:
            emptied = _carry_out(node.iptables_at(netns, family, backend), group, given)
        except KernelError as problem:
            raise StepError(group[0], KernelError(problem.errno, _action(group[0]), problem.words)) from None
        xtables.clear_empty(node.iptables_at(netns, family, backend), emptied)
    forget(steps, node)


def tidy(keys: Iterable[Key], node: Any) -> None:
    """Takes away the tables that chains of this owner have left empty."""
    places: dict[tuple[str, str, str], set[str]] = {}
    for key in keys:
        places.setdefault((key.netns, key.ident[0], key.ident[1]), set()).add(key.ident[2])
    for (netns, backend, family), tables in places.items():
        if node.exists(netns):
            xtables.clear_empty(node.iptables_at(netns, family, backend), tables)


def _carry_out(place: Place, group: Sequence[Step], given: Given, by_number: bool = False) -> set[str]:
    """Returns the tables from which something went."""
    tables = xtables.read(place)[0] if any(_looks(step) for step in group) else {}
    transaction = Transaction(tables, given, by_number)
    for step, position in in_order(group):
        transaction.add(step, position)
    text, where = transaction.text()
    try:
        if text:
            xtables.restore(place, text)
    except Refused as problem:
        line = problem.line or 0
        if line in where and text.split("\n")[line - 1].startswith("-D ") and not by_number:
            # iptables does not recognise every rule by its text (-m recent).
            return _carry_out(place, group, given, by_number=True)
        step = where.get(line, group[0])
        words = f"iptables says: {problem.words or 'no, without a reason'}"
        raise StepError(step, KernelError(errno.EINVAL, _action(step), words)) from None
    return transaction.emptied


def _as_given(node: Any, backend: str, family: str, table: str, rule: str) -> str:
    return str(node.rules_as_given.get((backend, family, table, rule), rule))


def _looks(step: Step) -> bool:
    """Whether what is there decides about what must be said."""
    return not (step.verb is Verb.ADD and step.key.kind == CHAIN)


def _action(step: Step) -> str:
    return f"{step.change.action.value} {describe(step.resource)}"


class Transaction:
    """The lines of iptables-restore for some steps, on top of what there is.

    Args:
        tables: what there is.
        given: table and rule → the words in which the rule was given.
        by_number: delete jumps by their numbers, not by their text. By text, nothing else goes if others change the
            chain just now.

    Attributes:
        emptied: the tables from which something goes.
    """

    def __init__(self, tables: Tables, given: Given, by_number: bool = False) -> None:
        self._tables = tables
        self._given = given
        self._by_number = by_number
        self._heads: dict[str, list[tuple[str, Step]]] = {}
        self._lines: dict[str, list[tuple[str, Step]]] = {}
        self._tails: dict[str, list[tuple[str, Step]]] = {}
        # Chains as they will be, of those in which jumps come and go.
        self._rules: dict[tuple[str, str], list[str]] = {}
        self._placed: set[Key] = set()
        self.emptied: set[str] = set()

    def add(self, step: Step, position: tuple[Any, ...] = ()) -> None:
        """Args: position: of a jump that comes."""
        if step.key.kind == CHAIN:
            {Verb.ADD: self._create, Verb.SET: self._change, Verb.DELETE: self._delete}[step.verb](step)
        elif step.verb is Verb.DELETE:
            self._remove_jump(step)
        else:
            self._place_jump(step, position)

    def text(self) -> tuple[str, Mapping[int, Step]]:
        """The input of iptables-restore, and which step each line (from 1) belongs to."""
        lines: list[str] = []
        where: dict[int, Step] = {}
        for table in BUILTIN:
            parts = [*self._heads.get(table, ()), *self._lines.get(table, ()), *self._tails.get(table, ())]
            if not parts:
                continue
            lines.append(f"*{table}")
            for line, step in parts:
                lines.append(line)
                where[len(lines)] = step
            lines.append("COMMIT")
        return ("\n".join(lines) + "\n" if lines else ""), where

    def _say(self, step: Step, lines: Iterable[str]) -> None:
        self._lines.setdefault(step.key.ident[2], []).extend((line, step) for line in lines)

    # -- chains

    def _create(self, step: Step) -> None:
        table, name = step.key.ident[2:4]
        rules = step.values.get("rules")
        self._heads.setdefault(table, []).append((f"-N {name}" if rules is None else f":{name} - [0:0]", step))
        counted = step.values.get("counters")
        counters = dict(zip(numbered(rules), counted)) if rules and counted else {}
        self._say(step, self._appended(table, name, rules or (), counters))

    def _change(self, step: Step) -> None:
        table, name = step.key.ident[2:4]
        names = step.change.fields
        if "policy" in names:
            self._say(step, [f"-P {name} {step.values['policy']}"])
        if "rules" in names:
            have = self._tables.get(table, {}).get(name, Chain())
            self._say(step, self._edited(table, name, have, step.values["rules"]))
            self._rules[table, name] = list(step.values["rules"])
        if not step.values.get("rules"):
            self.emptied.add(table)

    def _edited(self, table: str, name: str, have: Chain, rules: Sequence[str]) -> list[str]:
        """Only what differs where that is little, else the whole chain; what stays keeps its counters either way."""
        gone, come = edits(have.rules, rules)
        counters = dict(zip(numbered(have.rules), have.counters)) if come else {}
        if len(gone) + len(come) > max(_FEW, len(rules) // _PART):
            head = f"-F {name}" if name in BUILTIN[table] else f":{name} - [0:0]"
            return [head, *self._appended(table, name, rules, counters)]
        lines = [f"-D {name} {at + 1}" for at in reversed(gone)]
        wanted = numbered(rules) if come else []
        for at in come:
            counter = counters.get(wanted[at], "0:0")
            lines.append(f"[{counter}] -I {name} {at + 1} {self._given(table, rules[at])}")
        return lines

    def _appended(
        self, table: str, name: str, rules: Sequence[str], counters: Mapping[tuple[str, int], str]
    ) -> Iterable[str]:
        if not counters:
            return [f"[0:0] -A {name} {self._given(table, rule)}" for rule in rules]
        lines = numbered(rules)
        return [f"[{counters.get(line, '0:0')}] -A {name} {self._given(table, line[0])}" for line in lines]

    def _delete(self, step: Step) -> None:
        table, name = step.key.ident[2:4]
        self._say(step, [f"-F {name}"])
        self._tails.setdefault(table, []).append((f"-X {name}", step))
        self.emptied.add(table)

    # -- jumps

    def _list(self, table: str, chain: str) -> list[str]:
        if (table, chain) not in self._rules:
            self._rules[table, chain] = list(self._tables.get(table, {}).get(chain, Chain()).rules)
        return self._rules[table, chain]

    def _remove_jump(self, step: Step) -> None:
        table, chain, rule = step.key.ident[2:5]
        rules = self._list(table, chain)
        self.emptied.add(table)
        while rule in rules:
            self._take_out(step, rules)

    def _take_out(self, step: Step, rules: list[str]) -> None:
        chain, rule = step.key.ident[3:5]
        at = rules.index(rule)
        del rules[at]
        self._say(step, [f"-D {chain} {at + 1 if self._by_number else rule}"])

    def _place_jump(self, step: Step, position: tuple[Any, ...]) -> None:
        table, chain, rule = step.key.ident[2:5]
        rules = self._list(table, chain)
        counter = "0:0"
        if rule in rules and step.key not in self._placed:
            have = self._tables.get(table, {}).get(chain, Chain())
            counter = dict(zip(reversed(have.rules), reversed(have.counters))).get(rule, counter)
            self._take_out(step, rules)
        self._placed.add(step.key)
        at = place_in(rules, position)
        given = self._given(table, rule)
        if at == len(rules):
            self._say(step, [f"[{counter}] -A {chain} {given}"])
        else:
            self._say(step, [f"[{counter}] -I {chain} {at + 1} {given}"])
        rules.insert(at, rule)
