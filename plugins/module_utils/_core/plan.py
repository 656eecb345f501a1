# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is wanted and what exists to what must change. Pure: no I/O, the same answer in check mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from .creation_order import CreationOrder
from .effects import dependents, goes_down_with_link, lowers, owners, peer_key
from .errors import ConflictError
from .kinds import KINDS
from .kinds.sysctl import SIDE_EFFECTS
from .model import Action, Change, Declaration, Key, Resource, Step, describe
from .show import show_diff

Observed = Mapping[Key, Resource]
_CREATING = (Action.CREATE, Action.REPLACE, Action.MOVE)


@dataclass(frozen=True)
class Missing:
    """A reference to something that neither exists nor is declared."""

    path: str
    key: Key

    def __str__(self) -> str:
        what = "namespace" if self.key.kind == "netns" else self.key.kind
        where = f" in netns '{self.key.netns}'" if self.key.netns else ""
        problem = (
            f"there is no {what} '{self.key.ident[0]}'{where}; create it first, or declare it in the same topology"
        )
        return f"{self.path}: {problem}" if self.path else problem


@dataclass(frozen=True)
class Plan:
    """What must change, in order: creations by rising rank, then deletions by falling rank.

    Attributes:
        vanished: what the kernel removes together with links that are deleted, moved or replaced.
        missing: references that lead nowhere.
    """

    changes: tuple[Change, ...] = ()
    vanished: Mapping[Key, Resource] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    def lines(self) -> list[str]:
        """One line per change, in order."""
        return [str(change) for change in self.changes if not change.implied]

    def diff(self) -> dict[str, str]:
        """What `--diff` shows: the changed objects before and after."""
        return show_diff(self.changes)

    def destructive(self) -> set[str]:
        """The namespaces in which more disappears than what the changes name."""
        actions = (Action.DELETE, Action.REPLACE, Action.MOVE)
        links = [c for c in self.changes if c.before and c.key.kind == "link" and (c.action in actions or lowers(c))]
        peers = {other.netns for c in links if c.before and (other := peer_key(c.before)) and other.netns != "?"}
        named = {c.before.key.netns for c in links if c.before}
        return named | peers | {key.netns for key in self.vanished if key.kind == "link"}

    def loose_ends(self) -> bool:
        """Whether a veth goes whose other end is in a namespace that was not looked into."""
        return any(c.before is not None and c.before.values.get("peer", ("",))[0] == "?" for c in self.changes)

    def steps(self) -> list[Step]:
        """The requests in the order of their stages."""
        context = CreationOrder({c.key: c for c in self.changes if c.action in _CREATING})
        steps = [
            step
            for change in self.changes
            if not change.implied and not _impossible(change)
            for step in KINDS[change.key.kind].steps(change, context)
        ]
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
        self._carry_addresses()
        self._apply_exact(declaration)
        self._expect_loopbacks()
        self._expect_side_effects()

    def plan(self) -> Plan:
        deletions = self._deletions()
        replaced = self._replacements()
        creations = [change for change in map(self._change, self._ordered()) if change is not None]
        creations = [replaced.get(change.key, change) for change in creations]
        missing = tuple(self._missing(creations))
        return Plan((*creations, *deletions), self.vanished, missing)

    def _moving(self) -> Iterator[tuple[Key, Key]]:
        """(from, to) of the links that are moved or renamed."""
        for key, wanted in self.desired.items():
            if wanted.source is not None and wanted.source in self.observed and key not in self.observed:
                yield wanted.source, key

    def _carry_addresses(self) -> None:
        """A link that is renamed keeps its IPv4 addresses; IPv6 ones go as it goes down."""
        for old, new in self._moving():
            if old.netns != new.netns:
                continue
            for key, resource in list(self.observed.items()):
                if key[:2] == ("address", old.netns) and key.ident[0] == old.ident[0] and ":" not in key.ident[1]:
                    carried = Key("address", new.netns, (new.ident[0], key.ident[1]))
                    self.observed[carried] = replace(resource, key=carried)

    def _apply_exact(self, declaration: Declaration) -> None:
        for exact in declaration.exact:
            for extra in KINDS[exact.kind].extras(exact, self.observed):
                wanted = self.desired.get(extra.key)
                if not extra.partial:
                    if wanted is None:
                        self.absent[extra.key] = extra
                elif wanted is None:
                    self.desired[extra.key] = extra
                elif "master" not in wanted.values:
                    self.desired[extra.key] = wanted.with_values(**extra.values)

    def _expect_loopbacks(self) -> None:
        """A new namespace has a loopback link, down."""
        for key in self.desired:
            if key.kind == "netns" and key not in self.observed:
                loopback = Key("link", key.ident[0], ("lo",))
                self.observed[loopback] = Resource(loopback, {"kind": "", "master": "", "up": False, "mtu": 65536})

    def _expect_side_effects(self) -> None:
        """Some sysctls change others, which are then compared with what they will be."""
        for key, wanted in self.desired.items():
            other = SIDE_EFFECTS.get(key.ident[0]) if key.kind == "sysctl" else None
            have = self.observed.get(key)
            if other is not None and have is not None and KINDS["sysctl"].compare(wanted, have):
                affected = Key("sysctl", key.netns, (other,))
                opposite = "0" if wanted.values["value"] != "0" else "1"
                self.observed[affected] = Resource(affected, {"value": opposite})

    def _ordered(self) -> list[Resource]:
        return sorted(self.desired.values(), key=lambda resource: KINDS[resource.key.kind].rank)

    def _deletions(self) -> list[Change]:
        keys = [key for key in self.absent if key in self.observed and KINDS[key.kind].owned]
        keys.sort(key=lambda key: -KINDS[key.kind].rank)
        self._refuse_kind_mismatch(keys)
        self._refuse_blocked(keys)
        implied = dependents(self.observed, keys)
        routes = self._routes_that_go(keys)
        implied.update(routes)
        early = self._wanted_again(implied, keys) | self._addresses_in_the_way(keys, routes)
        changes = [
            Change(
                Action.DELETE,
                key,
                self.observed[key],
                None,
                implied=key not in early and self._implied(key, implied, keys),
                early=key in early,
            )
            for key in keys
        ]
        self._forget(implied, keys)
        return changes

    def _wanted_again(self, implied: Mapping[Key, Resource], deleted: Iterable[Key]) -> set[Key]:
        """The links to delete first, because something that is declared goes with them and is then made anew."""
        again = {key for key in implied if key in self.desired and key.kind == "link"}
        if not again:
            return set()
        links = (key for key in deleted if key.kind == "link")
        first = {key for key in links if not again.isdisjoint(dependents(self.observed, [key]))}
        known = {*self.desired, *self.absent}
        foreign = [key for key in dependents(self.observed, first) if key.kind == "link" and key not in known]
        if foreign:
            owner = describe(self.observed[min(again)])
            sitting = describe(self.observed[foreign[0]])
            raise ConflictError(f"cannot make {owner} anew: {sitting} sits on it and was not declared")
        return first

    def _routes_that_go(self, deleted: Iterable[Key]) -> dict[Key, Resource]:
        """IPv4 routes over links that lose their last IPv4 address (fib_disable_ip in net/ipv4/fib_frontend.c)."""
        gone = {key for key in deleted if key.kind == "address" and ":" not in key.ident[1]}
        left = {
            (key.netns, key.ident[0])
            for key in (*self.observed, *self.desired)
            if key.kind == "address" and ":" not in key.ident[1] and key not in gone
        }
        emptied = {(key.netns, key.ident[0]) for key in gone} - left
        return {
            key: resource
            for key, resource in self.observed.items()
            if emptied and key.kind == "route" and ":" not in key.ident[0] and key not in self.absent
            if any((key.netns, hop.get("device")) in emptied for hop in resource.values["nexthops"])
        }

    def _addresses_in_the_way(self, deleted: Iterable[Key], routes: Mapping[Key, Resource]) -> set[Key]:
        """Addresses to delete first: those that take a wanted route along, IPv6 ones that get another prefix."""
        wanted = {
            (key.netns, key.ident[0], key.ident[1].partition("/")[0])
            for key in self.desired
            if key.kind == "address" and ":" in key.ident[1]
        }
        devices = {
            (key.netns, hop.get("device"))
            for key, resource in routes.items()
            if key in self.desired
            for hop in resource.values["nexthops"]
        }
        return {
            key
            for key in deleted
            if key.kind == "address"
            if (key.netns, key.ident[0], key.ident[1].partition("/")[0]) in wanted
            or (":" not in key.ident[1] and (key.netns, key.ident[0]) in devices)
        }

    def _refuse_kind_mismatch(self, keys: Iterable[Key]) -> None:
        for key in keys:
            wanted, have = self.absent[key].values.get("kind"), self.observed[key].values.get("kind")
            if wanted is not None and wanted != have:
                raise ConflictError(f"{describe(self.observed[key])} is not a {wanted} and is left alone")

    def _refuse_blocked(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if Key("netns", "", (key.netns,)) in self.absent:
                continue
            reason = KINDS[key.kind].blocked(self.observed[key], self.absent, self.desired)
            if reason:
                raise ConflictError(f"cannot delete {describe(self.observed[key])}: {reason}")

    def _implied(self, key: Key, implied: Mapping[Key, Resource], deleted: list[Key]) -> bool:
        """Whether the kernel removes it with another one; of a veth's ends, the first is asked for."""
        if any(other.kind == "netns" and other.ident[0] == key.netns for other in deleted):
            return True
        resource = self.observed[key]
        peer = peer_key(resource)
        if peer in deleted and deleted.index(peer) < deleted.index(key):
            return True
        return any(owner in implied or owner in deleted for owner in owners(resource) if owner != peer)

    def _forget(self, implied: Mapping[Key, Resource], gone: Iterable[Key]) -> None:
        self.vanished.update(implied)
        removed = {*implied, *gone} - {source for source, _key in self._moving()}
        for key in removed:
            self.observed.pop(key, None)
        for key, resource in self.observed.items():
            if key.kind == "link" and Key("link", key.netns, (resource.values.get("master", ""),)) in removed:
                self.observed[key] = resource.with_values(master="")

    def _replacements(self) -> dict[Key, Change]:
        """Links that must be made anew; what hangs on them is treated as gone."""
        found: dict[Key, Change] = {}
        for resource in self._ordered():
            have = self.observed.get(resource.key)
            if resource.key.kind != "link" or have is None:
                continue
            kind = KINDS[resource.key.kind]
            fields = kind.compare(resource, have)
            fixed = kind.immutable(resource, fields)
            if fixed:
                self._refuse_replacement(resource, have, fixed)
                found[resource.key] = Change(Action.REPLACE, resource.key, have, resource, fields)
        if found:
            implied = dependents(self.observed, found)
            foreign = [k for k in implied if k.kind == "link" and k not in self.desired and not self._peer_of(k, found)]
            if foreign:
                key = next(iter(found))
                problem = f"cannot replace {describe(found[key].before or found[key].after)}"  # type: ignore[arg-type]
                raise ConflictError(f"{problem}: {describe(self.observed[foreign[0]])} sits on it and was not declared")
            self._forget(implied, found)
        return found

    def _peer_of(self, key: Key, replaced: Mapping[Key, Change]) -> bool:
        return peer_key(self.observed[key]) in replaced

    def _refuse_replacement(self, wanted: Resource, have: Resource, fixed: tuple[str, ...]) -> None:
        name = fixed[0]
        prefix = f"{wanted.path}: " if wanted.path else ""
        is_now, should = have.values.get(name), wanted.values.get(name)
        if name == "kind":
            problem = f"{describe(have)} exists and is not a {should}; delete it first, or use another name"
            raise ConflictError(prefix + problem)
        if not wanted.recreate:
            problem = f"{describe(have)} has {name} {_plain(is_now)}, which cannot become {_plain(should)} in place"
            raise ConflictError(f"{prefix}{problem}; set recreate: true to have it made anew")

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
            if _is_name(wanted.key.netns) and not self._will_exist(place):
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


def _impossible(change: Change) -> bool:
    """Settings of what does not exist; the plan calls it missing."""
    return change.action is Action.CREATE and change.after is not None and change.after.partial


def _is_name(netns: str) -> bool:
    return bool(netns) and not netns.startswith("/") and ":" not in netns


def _join(path: str, option: str) -> str:
    return f"{path}.{option}" if path else option


def _plain(value: object) -> str:
    return " ".join(str(part) for part in value if part != "") if isinstance(value, tuple) else str(value)
