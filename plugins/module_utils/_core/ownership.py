# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an owner made before, and what follows when it is no longer declared: removal, or the way it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Callable

from .effects import owners
from .errors import StoreError
from .kinds.link import PORT_FLAGS
from .kinds.registry import KINDS
from .kinds.sysctl import device_of
from .model import Action, Declaration, Key, Resource, describe
from .plan import Plan
from .state_file import this_boot
from .store import Record, Store

# A link that is moved goes down and leaves its master.
_LOST_BY_MOVING = ("up", "master")


class Ledger:
    """The remembered objects of one owner, through one run.

    Args:
        store: where they are remembered.
        declared: what is written beside them, so that the state can be restored without Ansible.
        is_gone: whether the namespace of a reference is no more, and all that was in it with it.
    """

    def __init__(
        self, store: Store, declared: Mapping[str, Any], is_gone: Callable[[str], bool] = lambda ref: False
    ) -> None:
        self._store = store
        self._declared = declared
        self._is_gone = is_gone
        self._records = store.load()
        # What the file holds since this run announced its changes.
        self._announced: dict[Key, Record] | None = None

    def prune(self, declaration: Declaration) -> Declaration:
        """Adds what the owner no longer declares: what it created is absent, what it changed gets its old values."""
        desired, absent = dict(declaration.desired), dict(declaration.absent)
        gone = {ref for ref in {key.netns for key in self._records} if self._is_gone(ref)}
        for key, record in self._records.items():
            if key in desired or key in absent or key.netns in gone:
                continue
            if record.source is not None and record.source.netns in gone:
                continue
            if record.created:
                parting = KINDS[key.kind].parting
                absent[key] = Resource(key, {name: value for name, value in record.values.items() if name in parting})
            elif record.source is not None:
                values = dict(record.original)
                desired[record.source] = Resource(record.source, values, partial=True, source=key)
            elif record.original and not self._goes_with_its_owner(key, desired):
                desired[key] = Resource(key, dict(record.original), partial=True)
        for key, resource in desired.items():
            if not resource.path:
                desired[key] = resource._replace(values=KINDS[key.kind].as_found(resource.values, key, absent))
        return Declaration(desired, absent, declaration.exact)

    def _goes_with_its_owner(self, key: Key, desired: Mapping[Key, Resource]) -> bool:
        """A setting needs no restoring where its namespace or link is removed."""
        owners = [Key("netns", "", (key.netns,))]
        if key.kind == "sysctl":
            owners.append(_link_of(key))
        return any(o in self._records and self._records[o].created and o not in desired for o in owners)

    def spare_foreign(self, declaration: Declaration, observed: Mapping[Key, Resource]) -> list[str]:
        """Takes back the removal of links that have become something else, and restorations of what is gone."""
        warnings = []
        moved = {resource.source for resource in declaration.desired.values() if resource.source in observed}
        for key, record in self._records.items():
            have = observed.get(key)
            restored = declaration.desired.get(key)
            # A setting that is declared is not spared: its namespace or link may be made again in this run.
            spared = restored is not None and not restored.path and not KINDS[key.kind].owned
            if spared and (have is None or _link_of(key) in moved):
                del declaration.desired[key]
            kind = record.values.get("kind")
            if have is None or kind is None or have.values.get("kind") == kind:
                continue
            if declaration.absent.pop(key, None) is not None:
                warnings.append(f"{describe(have)} is no longer the {kind} that was made here, and is left alone")
        warnings += _spare_shared(declaration, observed)
        for key, resource in list(declaration.desired.items()):
            if resource.path:
                continue
            if key not in observed and resource.source not in observed:
                warnings.append(f"{describe(resource)} is gone, so it cannot be set back to what it was")
                del declaration.desired[key]
            else:
                declaration.desired[key] = resource.without(*_lost(resource, declaration, observed))
        return warnings

    def settings_of(self, links: Collection[Key]) -> list[Key]:
        """What it has set of these links, and goes with them."""
        return [key for key in self._records if key.kind == "sysctl" and _link_of(key) in links]

    def announce(
        self, declaration: Declaration, plan: Plan, observed: Mapping[Key, Resource], lent: Mapping[Key, Resource]
    ) -> None:
        """Remembers what is about to be made, before it is made.

        Args:
            lent: settings that are other than this while the run lasts; the next run sets them back if this one dies.
        """
        borrowed = {key: Record(key, False, {}, found.values) for key, found in lent.items()}
        self._announced = {**borrowed, **self._records, **self._after(declaration, plan, observed)}
        self._store.keep()
        try:
            self._store.save(self._announced.values(), self._declared)
        except StoreError:
            # The new file may be there, and only not be sure to outlive a power cut.
            with suppress(StoreError):
                self.withdraw()
            raise

    def withdraw(self) -> None:
        """The run was taken back: what was remembered before holds again."""
        self._store.end_guarded()
        if self._store.bring_back():
            return
        if self._records:
            self._store.save(self._records.values(), self._store.declared)
        else:
            self._store.remove()

    def begin_guarded(self) -> Callable[[], None]:
        """Until the change is confirmed, which the answer is for, a boot of the node brings back what was before."""
        self._store.begin_guarded()
        return self._store.confirm

    def way_back(self) -> Callable[[], None]:
        """What makes the state file as it is now."""
        return self._store.way_back()

    def settle(self, declaration: Declaration, plan: Plan, observed: Mapping[Key, Resource]) -> None:
        """Remembers what is now there; nothing to remember leaves no file."""
        records = self._after(declaration, plan, observed)
        if not records:
            # Even where there is none: a killed run may have left half a file.
            self._store.remove()
        elif records != self._announced and (plan.changed or records != self._records or not self._is_current()):
            self._store.save(records.values(), self._declared)
        self._store.tidy()

    def _is_current(self) -> bool:
        return self._store.boot == this_boot() and not self._store.unconfirmed

    def _after(self, declaration: Declaration, plan: Plan, observed: Mapping[Key, Resource]) -> dict[Key, Record]:
        changes = {change.key: change for change in plan.changes}
        records = {}
        for key, resource in declaration.desired.items():
            if not resource.path:
                continue
            known = self._records.get(key)
            change = changes.get(key)
            created = known.created if known is not None else False
            original = dict(known.original) if known is not None else {}
            source = known.source if known is not None else None
            if change is not None and change.action in (Action.CREATE, Action.REPLACE):
                created, original, source = KINDS[key.kind].owned and not resource.partial, {}, None
            elif change is not None and change.before is not None and not created:
                if change.action is Action.MOVE:
                    source = change.before.key
                lost = _LOST_BY_MOVING if change.action is Action.MOVE else ()
                for name in (*change.fields, *lost):
                    original.setdefault(name, change.before.values.get(name))
                if "master" in change.fields:
                    flags = {n: v for n, v in change.before.values.items() if n in PORT_FLAGS}
                    original = {**flags, **original}
            if known is None and not KINDS[key.kind].owned and key in observed:
                # Equal now, but the next change of another sysctl may take it along.
                original.setdefault("value", observed[key].values["value"])
            records[key] = Record(key, created, dict(resource.values), original, source)
        return records


def _link_of(setting: Key) -> Key:
    """The link that a sysctl belongs to, if it belongs to one."""
    return Key("link", setting.netns, (device_of(setting.ident[0]),))


def _spare_shared(declaration: Declaration, observed: Mapping[Key, Resource]) -> list[str]:
    """What others have put something into stays, though nobody declares it any more."""
    strangers: dict[Key, list[str]] = {}
    for key, resource in observed.items():
        if KINDS[key.kind].holds and key not in declaration.absent:
            for owner in owners(resource):
                if owner in declaration.absent and not declaration.absent[owner].path:
                    strangers.setdefault(owner, []).append(key.ident[-1])
    for owner in strangers:
        del declaration.absent[owner]
    return [f"{describe(Resource(o))} stays, for others have added {', '.join(n)} to it" for o, n in strangers.items()]


def _lost(resource: Resource, declaration: Declaration, observed: Mapping[Key, Resource]) -> list[str]:
    """Old values that cannot come back, for the link that they name is gone."""
    return [
        option
        for option, key in KINDS[resource.key.kind].references(resource)
        if key.kind == "link" and (key not in observed or key in declaration.absent)
    ]
