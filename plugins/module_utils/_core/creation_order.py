# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order links are made, and which two are made as one pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .effects import peer_key
from .errors import InputError
from .kinds.registry import KINDS
from .model import Action, Change, Key, Resource

_CREATING = (Action.CREATE, Action.REPLACE, Action.MOVE)


class CreationOrder:
    """Answers the kinds' questions about what the run creates and deletes."""

    def __init__(self, changes: Iterable[Change]) -> None:
        by_key = {change.key: change for change in changes}
        self._creating = {key: change for key, change in by_key.items() if change.action in _CREATING}
        self._going = {key for key, change in by_key.items() if change.action is Action.DELETE}
        self._depths: dict[Key, int] = {}
        self._paired: set[Key] = set()

    def goes(self, key: Key) -> bool:
        return key in self._going

    def depth(self, key: Key, above: tuple[Key, ...] = ()) -> int:
        if key in above:
            resource = self._creating[key].after
            raise InputError(
                resource.path if resource else "",
                f"links wait for each other in a loop: {_chain(above, key)}",
            )
        if key not in self._depths:
            waits = [other for other in self._needs(key) if other in self._creating]
            self._depths[key] = max((self.depth(other, (*above, key)) + 1 for other in waits), default=0)
        return self._depths[key]

    def _needs(self, key: Key) -> Iterator[Key]:
        resource = self._creating[key].new
        kind = KINDS["link"]
        yield from (other for _option, other in kind.references(resource))
        other_end = peer_key(resource)
        partner = self._creating.get(other_end) if other_end else None
        if partner is not None and partner.after is not None:
            yield from (other for option, other in kind.references(partner.after) if option != "master")

    def partner(self, resource: Resource) -> Resource | None:
        key = peer_key(resource)
        if key is None or resource.key in self._paired:
            return None
        self._paired.add(key)
        change = self._creating.get(key)
        return change.after if change is not None else None


def _chain(above: tuple[Key, ...], key: Key) -> str:
    return " → ".join(k.ident[0] for k in (*above[above.index(key) :], key))
