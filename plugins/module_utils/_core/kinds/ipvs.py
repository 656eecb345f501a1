# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services of IPVS and their servers.

A server is an object of its own: so a service can be shared, and who made a server takes only that away. One that goes
may be drained: it gets weight 0, so that nothing new comes to it, and stays until its connections have ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import MissingError
from ..kernel import ipvs
from ..model import Action, Change, Exact, Key, Resource, Stage, Step, Verb
from .base import Context, Kind, Wanted
from .ipvs_apply import SERVER_DEFAULTS, SERVICE_DEFAULTS, apply

DRAIN = "drain"
_FLAGS = tuple(ipvs.FLAGS.items())


def service_key(netns: str, service: ipvs.ServiceId) -> Key:
    return Key("ipvs_service", netns, (str(service),))


def server_key(netns: str, service: ipvs.ServiceId, server: str) -> Key:
    return Key("ipvs_server", netns, (str(service), server))


class _IpvsKind(Kind):
    """What services and servers have in common."""

    follows_device = False
    stands_alone = True
    parting = (DRAIN,)
    defaults: Mapping[str, Any] = {}

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        """Nothing to bring to another form; but this is where a node without IPVS is found out."""
        without = {ref for ref in {key.netns for key in desired} if node.exists(ref) and not node.has_ipvs(ref)}
        lacking = next((resource for key, resource in desired.items() if key.netns in without), None)
        if lacking is not None:
            problem = f"{lacking.path}: {ipvs.ABSENT}" if lacking.path else ipvs.ABSENT
            if not check:
                raise MissingError(problem)
            node.warn(problem)
        return {}

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        names = (name for name in self.defaults if name in desired.values)
        return tuple(name for name in names if desired.values[name] != observed.values.get(name))

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        names = change.fields if change.action is Action.CHANGE else tuple(self.defaults)
        return self._lines(change.before, names), self._lines(change.after, names)

    def _lines(self, resource: Resource | None, names: Sequence[str]) -> list[str]:
        """What is said, without what goes without saying."""
        values = resource.values if resource is not None else {}
        return [
            f"{name}: {_shown(values[name])}"
            for name in names
            if name in values and (len(names) < len(self.defaults) or values[name] != self.defaults[name])
        ]

    def steps(self, change: Change, context: Context) -> list[Step]:
        steps = super().steps(change, context)
        if change.action is Action.DELETE and change.old.values.get(DRAIN):
            first = Step(Stage.DRAIN, Verb.SET, change, change.old, {"weight": 0}, change.old)
            return [first, *steps]
        return steps

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        apply(steps, node)


class IpvsServiceKind(_IpvsKind):
    name = "ipvs_service"
    rank = 12
    add = Stage.SERVICE
    remove = Stage.REMOVE_SERVICE
    defaults = SERVICE_DEFAULTS

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        """All services, and the servers of those that are wanted, which may go with them."""
        found: dict[Key, Resource] = {}
        for row in node.ipvs_services(netns):
            key = service_key(netns, row.id)
            found[key] = Resource(key, service_values(row))
            if wanted is None or key in wanted:
                found.update(_servers(node, netns, row.id))
        return found


class IpvsServerKind(_IpvsKind):
    name = "ipvs_server"
    rank = 13
    add = Stage.SERVER
    remove = Stage.REMOVE_SERVER
    defaults = SERVER_DEFAULTS

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        """The servers of the services that are named here; the kind of services reads the others."""
        found: dict[Key, Resource] = {}
        names = {key.ident[0] for key in wanted or ()}
        for row in node.ipvs_services(netns):
            if str(row.id) in names:
                found.update(_servers(node, netns, row.id))
        return found

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        return [("", Key("ipvs_service", resource.key.netns, resource.key.ident[:1]))]

    def extras(self, exact: Exact, observed: Mapping[Key, Resource]) -> list[Resource]:
        return [
            resource
            for key, resource in observed.items()
            if key.kind == "ipvs_server" and key.netns == exact.netns and key.ident[0] == exact.device
        ]


def service_values(row: ipvs.ServiceRow) -> dict[str, Any]:
    persistent = bool(row.flags & ipvs.PERSISTENT)
    return {
        "scheduler": row.scheduler,
        "flags": tuple(name for name, bit in _FLAGS if row.flags & bit),
        "one_packet": bool(row.flags & ipvs.ONE_PACKET),
        "persistence_timeout": row.timeout if persistent else 0,
        "persistence_netmask": row.netmask if persistent else 0,
        "persistence_engine": row.engine,
    }


def _servers(node: Any, netns: str, service: ipvs.ServiceId) -> dict[Key, Resource]:
    found: dict[Key, Resource] = {}
    for row in node.ipvs_servers(netns, service):
        key = server_key(netns, service, row.name)
        found[key] = Resource(key, server_values(row))
    return found


def server_values(row: ipvs.ServerRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "weight": row.weight,
        "upper_threshold": row.upper,
        "lower_threshold": row.lower,
        "tunnel_type": row.tunnel_type,
        "tunnel_port": row.tunnel_port,
        "tunnel_checksum": row.tunnel_checksum,
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value) or "none"
