# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is wanted and what exists to what must change. Pure: no I/O, the same answer in check mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .canonical import is_name
from .conflicts import Missing, refuse_blocked, refuse_blocked_replacement, refuse_kind_mismatch, refuse_replacement
from .creation_order import CreationOrder
from .effects import (
    addresses_in_the_way,
    as_port,
    carry_addresses,
    dependents,
    entries_that_go,
    expect_loopbacks,
    expect_side_effects,
    goes_down_with_link,
    lowers,
    moving,
    owners,
    peer_key,
    shrinks,
    shrunk,
    takes_ipv4,
    wanted_again,
)
from .errors import ConflictError
from .kinds.registry import KINDS
from .model import Action, Change, Declaration, Key, Resource, Stage, Step, describe
from .show import show_diff

Observed = Mapping[Key, Resource]
_REPLACEABLE = ("link", "ipset")


@dataclass(frozen=True)
class Plan:
    """What must change, in order: creations by rising rank, then deletions by falling rank.

    Attributes:
        vanished: what the kernel removes together with links that are deleted, moved or replaced.
        along: links that stay, and what they have now and the kernel changes along: masters that go, MTUs.
        missing: references that lead nowhere.
    """

    changes: tuple[Change, ...] = ()
    vanished: Mapping[Key, Resource] = field(default_factory=dict)
    along: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def lines(self) -> list[str]:
        """One line per change, in order."""
        return [str(change) for change in self.changes if not change.implied]

    def counts(self) -> dict[str, int]:
        """How many lines there are of each action."""
        found = dict.fromkeys((action.value for action in Action), 0)
        for change in self.changes:
            found[change.action.value] += not change.implied
        return found

    def diff(self) -> dict[str, str]:
        """What `--diff` shows: the changed objects before and after."""
        return show_diff(self.changes)

    def destructive(self) -> set[str]:
        """The namespaces in which more disappears than what the changes name."""
        actions = (Action.DELETE, Action.REPLACE, Action.MOVE)
        links = [c for c in self.changes if c.before and c.key.kind == "link" and (c.action in actions or lowers(c))]
        peers = {other.netns for c in links if c.before and (other := peer_key(c.before)) and other.netns != "?"}
        more = [change for change in self.changes if shrinks(change) or takes_ipv4(change)]
        named = {c.before.key.netns for c in (*links, *more) if c.before}
        return named | peers | {key.netns for key in self.vanished if key.kind == "link"}

    def touched(self, declaration: Declaration) -> set[str]:
        """The namespaces in which something changes, by itself or along with a link's other end or parent."""
        found = {"", *(key.netns for key in (*self.vanished, *self.along))}
        for change in self.changes:
            found |= {change.key.ident[0]} if change.key.kind == "netns" else {change.key.netns}
            for resource in (change.before, change.after):
                if resource is not None:
                    values = resource.values
                    found |= {resource.key.netns, values.get("peer", ("",))[0], values.get("parent_netns") or ""}
        return found | self._above(declaration)

    def _above(self, declaration: Declaration) -> set[str]:
        """The namespaces of declared links that sit on links that change: these take them down, or lower their MTU."""
        links = {r.key for c in self.changes for r in (c.before, c.after) if r is not None and r.key.kind == "link"}
        above = {key: r for key, r in declaration.desired.items() if key.kind == "link" and r.values.get("parent")}
        on = {
            key: Key("link", r.values.get("parent_netns", key.netns), (r.values["parent"],)) for key, r in above.items()
        }
        while more := {key for key, parent in on.items() if parent in links} - links:
            links |= more
        return {key.netns for key in on if key in links}

    def loose_ends(self) -> bool:
        """Whether a veth goes whose other end is in a namespace that was not looked into."""
        return any(c.before is not None and c.before.values.get("peer", ("",))[0] == "?" for c in self.changes)

    def steps(self) -> list[Step]:
        """The requests in the order of their stages."""
        context = CreationOrder(self.changes)
        steps = [
            step
            for change in self.changes
            if not change.implied and not _impossible(change)
            for step in KINDS[change.key.kind].steps(change, context)
        ]
        if any(step.stage == Stage.DRAIN for step in steps):
            # What carries connections is set back when they have ended.
            steps = [step._replace(stage=Stage.RESTORE) if _sets_back(step) else step for step in steps]
        return sorted(steps, key=lambda step: step.stage)


def make_plan(declaration: Declaration, observed: Observed) -> Plan:
    """Compares and orders.

    Raises:
        ConflictError: what exists cannot become what is wanted, and replacing it is not allowed.
        InputError: too little was said to create an object, or links wait for each other in a loop.
    """
    return _Planner(declaration, observed).plan()


class _Planner:
    def __init__(self, declaration: Declaration, observed: Observed) -> None:
        self.desired = dict(declaration.desired)
        self.absent = dict(declaration.absent)
        self.observed = dict(observed)
        self._as_found = observed
        self.vanished: dict[Key, Resource] = {}
        self.along: dict[Key, dict[str, Any]] = {}
        carry_addresses(self.desired, self.observed)
        self._apply_exact(declaration)
        expect_loopbacks(self.desired, self.observed)
        expect_side_effects(self.desired, self.observed)

    def plan(self) -> Plan:
        deletions = self._deletions()
        replaced = self._replacements()
        creations = [change for change in map(self._change, self._ordered()) if change is not None]
        creations = [replaced.get(change.key, change) for change in creations]
        missing = tuple(self._missing(creations))
        return Plan((*creations, *deletions), self.vanished, self.along, missing)

    def _apply_exact(self, declaration: Declaration) -> None:
        lists = {(exact.kind, exact.netns, exact.device) for exact in declaration.exact}
        kinds = {exact.kind for exact in declaration.exact}
        for key, resource in self.observed.items():
            if key.kind not in kinds:
                continue
            kind = KINDS[key.kind]
            if any((key.kind, key.netns, device) in lists for device in kind.devices(resource)):
                self._leave_out(kind.extra(resource))

    def _leave_out(self, extra: Resource) -> None:
        wanted = self.desired.get(extra.key)
        if not extra.partial:
            if wanted is None and extra.key not in self.absent:
                self.absent[extra.key] = extra
        elif wanted is None:
            self.desired[extra.key] = extra
        elif "master" not in wanted.values:
            self.desired[extra.key] = wanted.with_values(**extra.values)

    def _ordered(self) -> list[Resource]:
        return sorted(self.desired.values(), key=lambda resource: KINDS[resource.key.kind].rank)

    def _deletions(self) -> list[Change]:
        keys = [key for key in self.absent if key in self.observed and KINDS[key.kind].owned]
        keys.sort(key=lambda key: -KINDS[key.kind].rank)
        refuse_kind_mismatch(keys, self.absent, self.observed)
        refuse_blocked(keys, self.desired, self.absent, self.observed)
        implied = dependents(self.observed, keys)
        entries = entries_that_go(keys, self.desired, self.absent, self.observed)
        implied.update(entries)
        early = wanted_again(implied, keys, self.desired, self.absent, self.observed)
        early |= addresses_in_the_way(keys, entries, self.desired)
        order = {key: number for number, key in enumerate(keys)}
        changes = [
            Change(
                Action.DELETE,
                key,
                KINDS[key.kind].leaving(self.observed[key], self.absent[key], self.desired),
                None,
                implied=key not in early and self._implied(key, implied, order),
                early=key in early,
            )
            for key in keys
        ]
        self._forget(implied, keys)
        return changes

    def _implied(self, key: Key, implied: Mapping[Key, Resource], deleted: Mapping[Key, int]) -> bool:
        """Whether the kernel removes it with another one; of a veth's ends, the first is asked for."""
        if Key("netns", "", (key.netns,)) in deleted:
            return True
        resource = self.observed[key]
        peer = peer_key(resource)
        if peer is not None and deleted.get(peer, len(deleted)) < deleted[key]:
            return True
        return any(owner in implied or owner in deleted for owner in owners(resource) if owner != peer)

    def _forget(self, implied: Mapping[Key, Resource], gone: Iterable[Key]) -> None:
        self.vanished.update(implied)
        removed = {*implied, *gone} - {source for source, _key in moving(self.desired, self.observed)}
        for key in removed:
            self.observed.pop(key, None)
        for key, resource in self.observed.items():
            if key.kind == "link" and Key("link", key.netns, (resource.values.get("master", ""),)) in removed:
                self.along.setdefault(key, {}).update(as_port(resource.values))
                self.observed[key] = resource.with_values(master="")

    def _replacements(self) -> dict[Key, Change]:
        """Links that must be made anew; what hangs on them is treated as gone."""
        found: dict[Key, Change] = {}
        for resource in self._ordered():
            have = self.observed.get(resource.key)
            if resource.key.kind not in _REPLACEABLE or have is None:
                continue
            kind = KINDS[resource.key.kind]
            fields = kind.compare(resource, have)
            fixed = kind.immutable(resource, fields)
            if fixed:
                refuse_replacement(resource, have, fixed)
                refuse_blocked_replacement(resource, have, self.absent)
                before = self._as_found.get(resource.key, have)
                found[resource.key] = Change(Action.REPLACE, resource.key, before, resource, fields)
        if found:
            implied = dependents(self.observed, found)
            foreign = [
                k
                for k in implied
                if k.kind == "link" and k not in self.desired and peer_key(self.observed[k]) not in found
            ]
            if foreign:
                key = next(iter(found))
                problem = f"cannot replace {describe(found[key].before or found[key].after)}"  # type: ignore[arg-type]
                raise ConflictError(f"{problem}: {describe(self.observed[foreign[0]])} sits on it and was not declared")
            self._forget(implied, found)
        return found

    def _change(self, wanted: Resource) -> Change | None:
        have = self.observed.get(wanted.key)
        kind = KINDS[wanted.key.kind]
        if have is not None:
            fields = kind.compare(wanted, have)
            # Not `have`, which has lost the master that this run replaces: a roll-back gives it back.
            before = self._as_found.get(wanted.key, have)
            change = Change(Action.CHANGE, wanted.key, before, wanted, fields) if fields else None
            if change is not None and lowers(change):
                below = dependents(self.observed, [wanted.key])
                self.vanished.update((k, r) for k, r in below.items() if goes_down_with_link(k))
            if change is not None and shrinks(change):
                for key, values in shrunk(change, self.observed).items():
                    self.along.setdefault(key, {}).update(values)
            return change
        if wanted.source is not None and wanted.source in self.observed:
            before = self.observed[wanted.source]
            below = {k: r for k, r in self.observed.items() if k.kind != "link" and wanted.source in owners(r)}
            self.vanished.update(below)
            return Change(Action.MOVE, wanted.key, before, wanted, kind.compare(wanted, before))
        if not wanted.partial:
            kind.complete(wanted)
        elif not wanted.values:
            return None
        return Change(Action.CREATE, wanted.key, None, wanted)

    def _missing(self, changes: Iterable[Change]) -> Iterator[Missing]:
        for change in changes:
            wanted = change.new
            place = Key("netns", "", (wanted.key.netns,))
            if is_name(wanted.key.netns) and not self._will_exist(place):
                yield Missing(_join(wanted.path, "netns"), place)
                continue
            if change.action is Action.CREATE and wanted.partial:
                yield Missing(wanted.path, wanted.source or wanted.key)
            for option, key in KINDS[wanted.key.kind].references(wanted):
                if not self._will_exist(key):
                    yield Missing(_join(wanted.path, option), key)

    def _will_exist(self, key: Key) -> bool:
        wanted = self.desired.get(key)
        return key in self.observed or (wanted is not None and (not wanted.partial or wanted.source in self.observed))


def _sets_back(step: Step) -> bool:
    return step.key.kind == "sysctl" and not step.resource.path


def _impossible(change: Change) -> bool:
    """Settings of what does not exist; the plan calls it missing."""
    return change.action is Action.CREATE and change.after is not None and change.after.partial


def _join(path: str, option: str) -> str:
    return f"{path}.{option}" if path else option
