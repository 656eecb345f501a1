# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node's iptables makes of rules: they are loaded into a scratch namespace and read back.

What they refer to is put there before: chains, sets, accounting objects, time-out policies, rate estimators.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import KernelError
from . import netlink, nftables, programs, xtables
from .xtables import BUILTIN, Chain, Place, Refused

_SETS = frozenset({"--match-set", "--add-set", "--del-set", "--map-set"})
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^ "][^ ]*)', re.DOTALL)
_ACCOUNTS = re.compile(r"--nfacct-name +\"?([^\s\"]+)")
_TIMEOUTS = re.compile(r"-j CT .*--timeout \"?([^\s\"]+)")
_ESTIMATORS = re.compile(r"--rateest1? \"?([^\s\"]+)|--rateest2 \"?([^\s\"]+)")
_NO_CHAIN = re.compile(r"Couldn't load target '([^']+)'|Chain '([^']+)' does not exist|goto '([^']+)' is not a chain")
_IPSET, _ACCT, _TIMEOUT = 6, 7, 8


@dataclass(frozen=True)
class Trial:
    """A chain and rules to load into it."""

    table: str
    chain: str
    rules: Sequence[str]


class TrialRefused(Exception):
    """A rule that iptables does not take.

    Args:
        trial, rule: the positions of the trial and of the rule in it.
        words: iptables' own.
        missing: the target that is neither a chain nor known otherwise; '' if the reason is another.
    """

    def __init__(self, trial: int, rule: int, words: str, missing: str = "") -> None:
        super().__init__(words)
        self.trial = trial
        self.rule = rule
        self.words = words
        self.missing = missing


@dataclass(frozen=True)
class Surroundings:
    """What rules may refer to.

    Attributes:
        live: the namespace that they are for; None if it does not exist yet.
        tables: what it holds.
        chains: (table, chain) that are or will be there, beside the built-in ones.
        sets: the family of each set that is known, '' for one that takes any.
    """

    live: Place | None = None
    tables: Mapping[str, Mapping[str, Chain]] = field(default_factory=dict)
    chains: Collection[tuple[str, str]] = ()
    sets: Mapping[str, str] = field(default_factory=dict)


def canonical(family: str, backend: str, trials: Sequence[Trial], around: Surroundings) -> list[tuple[str, ...]]:
    """The rules of each trial, as iptables-save prints them.

    Raises:
        TrialRefused: the first rule that is not taken.
        MissingError: no program, or no privilege to make a namespace.
    """
    with programs.scratch_namespace() as fd, _own_lock() as lock:
        scratch = _Scratch(Place(fd, family, backend), trials, around, lock)
        scratch.prepare()
        scratch.load()
        found = xtables.parse(xtables.run(scratch.place, "-save", []).stdout)
        return [found.get(trial.table, {}).get(trial.chain, Chain()).rules for trial in trials]


@contextlib.contextmanager
def _own_lock() -> Iterator[str]:
    """The path of a file to lock in place of the node's own: in memory, so that a run that is killed leaves none."""
    fd = os.memfd_create("xtables.lock")
    try:
        # Not getpid(): /proc may be that of another PID namespace.
        yield f"/proc/{os.readlink('/proc/self')}/fd/{fd}"
    finally:
        os.close(fd)


class _Scratch:
    def __init__(self, place: Place, trials: Sequence[Trial], around: Surroundings, lock: str) -> None:
        self.place = place
        self._trials = trials
        self._around = around
        self._lock = lock
        self._words = _words_of(trials)
        self._order = sorted(range(len(trials)), key=lambda n: list(BUILTIN).index(trials[n].table))
        self._rules = [(n, i) for n in self._order for i in range(len(trials[n].rules))]

    def load(self) -> None:
        try:
            self._try(len(self._rules))
        except Refused as problem:
            self._explain(problem)

    def _try(self, count: int) -> None:
        """Loads the first so many rules."""
        text, _lines = self._text(count)
        xtables.restore(self.place, text, flush=True, lock=self._lock)

    def _text(self, count: int) -> tuple[str, dict[int, int]]:
        """The input of iptables-restore, and which rule stands in which line."""
        lines: list[str] = []
        where: dict[int, int] = {}
        by_table: dict[str, list[int]] = {}
        for number in self._order:
            by_table.setdefault(self._trials[number].table, []).append(number)
        at = 0
        for table, numbers in by_table.items():
            names = dict.fromkeys(self._trials[number].chain for number in numbers)
            names.update(
                (chain, None) for place, chain in self._around.chains if place == table and chain in self._words
            )
            lines.append(f"*{table}")
            lines += [f":{name} - [0:0]" for name in names if name not in BUILTIN[table]]
            lines += self._estimators(table, names)
            for number in numbers:
                trial = self._trials[number]
                for rule in trial.rules:
                    if at < count:
                        lines.append(f"-A {trial.chain} {rule}")
                        where[len(lines)] = at
                    at += 1
            lines.append("COMMIT")
        return "\n".join(lines) + "\n", where

    def _explain(self, problem: Refused) -> None:
        """Finds the rule; legacy iptables, and any that misses a chain, say only that the whole was refused."""
        _text, where = self._text(len(self._rules))
        at = where.get(problem.line or 0)
        words = problem.words
        if at is None:
            at = self._bisect()
            words = words or self._ask(at)
        if at is None:
            raise KernelError(22, "try the rules in a scratch namespace", words)
        trial, rule = self._rules[at]
        missing = _NO_CHAIN.search(words)
        name = next(filter(None, missing.groups())) if missing else ""
        raise TrialRefused(trial, rule, words or "iptables does not take it", name) from None

    def _bisect(self) -> int | None:
        """The number of the first rule with which loading fails; None if it fails without any."""
        fine, bad = 0, len(self._rules)
        if not self._loads(0):
            return None
        while bad - fine > 1:
            middle = (fine + bad) // 2
            fine, bad = (middle, bad) if self._loads(middle) else (fine, middle)
        return fine

    def _loads(self, count: int) -> bool:
        try:
            self._try(count)
        except Refused:
            return False
        return True

    def _ask(self, at: int | None) -> str:
        """What plain iptables says about a rule: more than iptables-restore does."""
        if at is None:
            return ""
        number, rule = self._rules[at]
        trial = self._trials[number]
        with contextlib.suppress(Refused):
            self._try(at)
        arguments = ["-t", trial.table, "-A", trial.chain, *words(trial.rules[rule])]
        return xtables.words_of(xtables.run(self.place, "", arguments, lock=self._lock).stderr)

    # -- what rules refer to

    def prepare(self) -> None:
        """Makes objects of the names that rules mention; what cannot be made, iptables will miss."""
        text = "\n".join(rule for trial in self._trials for rule in trial.rules if "--" in rule)
        names = dict.fromkeys(name for trial in self._trials for rule in trial.rules for name in sets_of(rule))
        requests = [self._set(name) for name in names]
        if "nfacct" in text:
            requests += [nftables.message(_ACCT, 0, 0, nftables.text(1, name)) for name in set(_ACCOUNTS.findall(text))]
        if "--timeout" in text:
            requests += self._timeouts(set(_TIMEOUTS.findall(text)))
        if requests:
            with contextlib.suppress(KernelError), self._socket(self.place.fd) as asked:
                asked.send(requests)

    def _socket(self, fd: int | None) -> netlink.Socket:
        return netlink.Socket(nftables.NETLINK_NETFILTER, fd)

    def _set(self, name: str) -> bytes:
        """IPSET_CMD_CREATE: iptables asks no more of a set than its family."""
        family = nftables.AF[self._around.sets.get(name) or self.place.family]
        named = nftables.attribute(1, b"\6") + nftables.text(2, name) + nftables.text(3, "hash:ip")
        rest = (
            nftables.attribute(4, b"\0") + nftables.attribute(5, bytes([family])) + nftables.attribute(7 | 0x8000, b"")
        )
        return nftables.message(_IPSET, 2, family, named + rest)

    def _timeouts(self, names: Iterable[str]) -> Iterator[bytes]:
        """Copies of the time-out policies of connection tracking (nfct(8)) that rules name."""
        if self._around.live is None:
            return
        with contextlib.suppress(KernelError), self._socket(self._around.live.fd) as asked:
            for name in names:
                for reply in asked.query(nftables.message(_TIMEOUT, 1, 0, nftables.text(1, name))):
                    yield nftables.message(_TIMEOUT, 0, 0, reply[20:])

    def _estimators(self, table: str, names: dict[str, None]) -> list[str]:
        """Rules that make the rate estimators which rules of ours compare, where others' rules make them."""
        wanted = {one or other for one, other in _ESTIMATORS.findall("\n".join(self._words_of_rateest()))}
        if not wanted:
            return []
        made = [
            rule
            for chains in self._around.tables.values()
            for chain in chains.values()
            for rule in chain.rules
            if "-j RATEEST " in rule and any(f"--rateest-name {name} " in rule for name in wanted)
        ]
        holder = next(name for name in ("cl_estimators", "cl_estimators_") if name not in names)
        return [f":{holder} - [0:0]", *(f"-A {holder} {_target(rule)}" for rule in dict.fromkeys(made))]

    def _words_of_rateest(self) -> Iterator[str]:
        return (rule for trial in self._trials for rule in trial.rules if "-m rateest" in rule)


def _words_of(trials: Iterable[Trial]) -> set[str]:
    rules = [rule for trial in trials for rule in trial.rules]
    quoted = [word for rule in rules if '"' in rule for word in words(rule)]
    return {*" ".join(rules).split(" "), *quoted}


def _target(rule: str) -> str:
    return rule[rule.index("-j RATEEST ") :]


def words(rule: str) -> list[str]:
    """The words of a rule in the notation of iptables-restore: quoted by '"', where '\\' takes the next literally."""
    if '"' not in rule:
        return [word for word in rule.split(" ") if word]
    return [_unquoted(part) for part in _PART.finditer(rule)]


def _unquoted(part: re.Match[str]) -> str:
    return part[2] or re.sub(r"\\(.)", r"\1", part[1], flags=re.DOTALL)


def sets_of(rule: str) -> list[str]:
    """The names of the sets that a rule refers to; ``--set`` is an old name of ``--match-set``, but of other matches
    too. What is in quotes is no option.
    """
    if "-set " not in rule:
        return []
    found = []
    match = option = ""
    for part in _PART.finditer(rule):
        word = _unquoted(part)
        if option in ("-m", "--match"):
            match = word
        elif (option in _SETS or (option == "--set" and match == "set")) and word[:1] != "-":
            found.append(word)
        option = part[2] or ""
    return found
