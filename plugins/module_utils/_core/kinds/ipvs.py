# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services of IPVS and their servers.

A server is an object of its own: so a service can be shared, and who made a server takes only that away. One that goes
may be drained: it gets weight 0, so that nothing new comes to it, and stays until its connections have ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import MissingError
from ..kernel import ipvs
from ..model import Action, Change, Key, Resource, Stage, Step, Verb
from .base import Context, Kind, Wanted
from .ipvs_apply import SERVER_DEFAULTS, SERVICE_DEFAULTS, apply

DRAIN = "drain"
SERVERS = "servers"
_FLAGS = tuple(ipvs.FLAGS.items())


def service_key(netns: str, service: ipvs.ServiceId) -> Key:
    return Key("ipvs_service", netns, (str(service),))


def server_key(netns: str, service: ipvs.ServiceId, server: str) -> Key:
    return Key("ipvs_server", netns, (str(service), server))


class _IpvsKind(Kind):
    """What services and servers have in common."""

    follows_device = False
    parting = (DRAIN,)
    defaults: Mapping[str, Any] = {}

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        """Nothing to bring to another form; but this is where a node without IPVS is found out."""
        if desired and not node.has_ipvs():
            path = next(iter(desired.values())).path
            if not check:
                raise MissingError(f"{path}: {ipvs.ABSENT}" if path else ipvs.ABSENT)
            node.warn(ipvs.ABSENT)
        return {}

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        names = (name for name in self.defaults if name in desired.values)
        return tuple(name for name in names if desired.values[name] != observed.values.get(name))

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        """Of one that stays, what differs; else all but what goes without saying, and the servers that go with it."""
        if change.action is Action.CHANGE:
            return _lines(change.old, change.fields), _lines(change.new, change.fields)
        lines = [_lines(end, self._telling(end)) if end is not None else [] for end in (change.before, change.after)]
        return lines[0], lines[1]

    def _telling(self, resource: Resource) -> list[str]:
        usual = {**self.defaults, SERVERS: ()}
        return [name for name, value in usual.items() if resource.values.get(name, value) != value]

    def leaving(self, observed: Resource, said: Resource, desired: Mapping[Key, Resource]) -> Resource:
        """What its service says now decides, if it is declared; else what was said last."""
        service = desired.get(Key("ipvs_service", observed.key.netns, observed.key.ident[:1]))
        values = service.values if service is not None and not service.partial else said.values
        return observed.with_values(drain=values[DRAIN]) if values.get(DRAIN) else observed

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
                servers = _servers(node, netns, row.id)
                found.update(servers)
                found[key] = found[key].with_values(servers=tuple(server.ident[1] for server in servers))
        return found


class IpvsServerKind(_IpvsKind):
    name = "ipvs_server"
    rank = 13
    add = Stage.SERVER
    remove = Stage.REMOVE_SERVER
    holds = True
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

    def devices(self, observed: Resource) -> Iterable[str]:
        return observed.key.ident[:1]


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


def _lines(resource: Resource, names: Iterable[str]) -> list[str]:
    return [f"{name}: {_shown(resource.values[name])}" for name in names if name in resource.values]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value) or "none"
