# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send in: what a port of a bridge may claim to be, and from where a tunnel takes packets.

Both follow from options of other kinds (`source_guard` of veth and vxlan), and are objects of their own, because the
kernel keeps them by the link's name, whether or not there is such a link. So they stand before it is up.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import KernelError, MissingError
from ..kernel import nft_tables as nft
from ..kernel import source_guard as tables
from ..kernel.nftables import NETLINK_NETFILTER
from ..model import Action, Change, Key, Resource, Stage, Step, Verb, describe
from .base import Kind, StepError, Wanted, by_netns
from .source_guard_values import ALTERED, INTACT, RULES, in_order, tunnel_values

_LACKING = (errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.ENOENT, errno.EINVAL)


class _GuardKind(Kind):
    """What guards have in common: rules that nobody else may alter, and what they let in.

    Attributes:
        where: what they stand at, for a message.
    """

    where = ""
    add = Stage.CHAIN
    remove = Stage.REMOVE_CHAIN
    follows_device = False

    def resolve(
        self, desired: Mapping[Key, Resource], observed: Mapping[Key, Resource], node: Any, check: bool
    ) -> Mapping[Key, Resource]:
        """Nothing to bring to another form; but this is where a kernel that cannot do it is found out."""
        made = (observed[key].values for key in desired if key in observed)
        new = [resource for key, resource in desired.items() if key not in observed]
        if not new or any(values.get(RULES) == INTACT for values in made):
            return {}
        try:
            nft.rehearse(None, self.example(new[0]))
        except KernelError as problem:
            if problem.errno in _LACKING:
                words = f"this kernel has no nf_tables for {self.where}, which source_guard needs"
                raise MissingError(f"{new[0].path}: {words}" if new[0].path else words) from None
        return {}

    def example(self, resource: Resource) -> nft.Table:
        """A table as this object needs it."""
        raise NotImplementedError

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        # Altered rules cannot come back, and are not missed.
        wanted = {n: v for n, v in desired.values.items() if n != RULES or v == INTACT}
        return super().compare(Resource(desired.key, wanted), observed)

    def show(self, change: Change) -> tuple[list[str], list[str]] | None:
        return _lines(change.before, change), _lines(change.after, change)

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        for netns, group in by_netns(steps).items():
            try:
                self.carry_out(netns, group, node)
            except (KernelError, MissingError) as problem:
                raise StepError(group[0], _said(group[0], problem)) from None

    def carry_out(self, netns: str, steps: Sequence[Step], node: Any) -> None:
        raise NotImplementedError


class PortGuardKind(_GuardKind):
    """Ident: the port's name. All ports of a namespace share one table, which is there while there are any."""

    name = "port_guard"
    rank = 10
    where = "bridges (CONFIG_NF_TABLES_BRIDGE)"

    def example(self, resource: Resource) -> nft.Table:
        return tables.ports_table()

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = _read(node, netns, "bridge", tables.PORTS_TABLE)
        if found is None:
            return {}
        state = INTACT if found.is_intact(tables.ports_table()) else ALTERED
        macs, addresses = _by_port(found.elements)
        return {
            key: Resource(key, {"mac": ", ".join(macs.get(port, ())), "addresses": addresses(port), RULES: state})
            for port in (tables.split_key(name)[0] for name in sorted(found.elements.get(tables.PORTS, ())))
            for key in [Key(self.name, netns, (port,))]
        }

    def carry_out(self, netns: str, steps: Sequence[Step], node: Any) -> None:
        fd, table = node.inside(netns), tables.ports_table()
        found = _read(node, netns, table.family, table.name)
        have = {part.name: set(found.elements.get(part.name, ()) if found else ()) for part in table.sets}
        changed = {step.key.ident[0] for step in steps}
        wanted = {name: {key for key in keys if tables.split_key(key)[0] not in changed} for name, keys in have.items()}
        for step in steps:
            if step.verb is not Verb.DELETE:
                _allow(wanted, step.key.ident[0], step.resource.values)
        old = [(table.family, table.name)] if found else []
        if not wanted[tables.PORTS]:
            nft.remove(fd, old)
        elif found is None or not found.is_intact(table):
            nft.replace(fd, table, wanted, old)
        else:
            added = {name: keys - have[name] for name, keys in wanted.items()}
            nft.change(fd, table, added, {name: keys - wanted[name] for name, keys in have.items()})


class TunnelGuardKind(_GuardKind):
    """Ident: the VXLAN link's name. Each has a table of its own, in the IP version of its outer packets."""

    name = "tunnel_guard"
    rank = 11
    where = "IP (CONFIG_NF_TABLES_IPV4, or IPV6)"

    def example(self, resource: Resource) -> nft.Table:
        return _tunnel(resource)

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        observed: dict[Key, Resource] = {}
        for family in ("ipv4", "ipv6"):
            for name in nft.names(_socket(node, netns), family) if node.exists(netns) else ():
                key = Key(self.name, netns, (name[len(tables.TUNNEL_PREFIX) :],))
                if name.startswith(tables.TUNNEL_PREFIX) and (wanted is None or key in wanted):
                    found = _read(node, netns, family, name)
                    if found is not None:
                        observed[key] = _as_tunnel(key, family, found)
        return observed

    def carry_out(self, netns: str, steps: Sequence[Step], node: Any) -> None:
        fd = node.inside(netns)
        there = {(family, name) for family in ("ipv4", "ipv6") for name in nft.names(_socket(node, netns), family)}
        for step in steps:
            name = tables.TUNNEL_PREFIX + step.key.ident[0]
            old = sorted(place for place in there if place[1] == name)
            if step.verb is Verb.DELETE:
                nft.remove(fd, old)
            else:
                table = _tunnel(step.resource)
                peers = {tables.packed(peer) for peer in step.resource.values["peers"]}
                nft.replace(fd, table, {table.sets[0].name: peers}, old)


def _socket(node: Any, netns: str) -> Any:
    return node.socket(netns, NETLINK_NETFILTER)


def _read(node: Any, netns: str, family: str, name: str) -> nft.Found | None:
    """None also where there is no such namespace yet, or no nf_tables."""
    try:
        return nft.read(_socket(node, netns), family, name) if node.exists(netns) else None
    except KernelError as problem:
        if problem.errno in _LACKING:
            return None
        raise


def _by_port(elements: nft.Elements) -> tuple[Mapping[str, list[str]], Any]:
    macs: dict[str, list[str]] = {}
    listed: dict[str, list[tuple[str, str]]] = {}
    for key in sorted(elements.get(tables.MACS, ())):
        port, mac, _address = tables.split_key(key)
        macs.setdefault(port, []).append(mac)
    for key in (*elements.get(tables.IPV4, ()), *elements.get(tables.IPV6, ())):
        port, mac, address = tables.split_key(key)
        listed.setdefault(port, []).append((address, mac))

    def addresses(port: str) -> tuple[str, ...]:
        """With another MAC address than the port's, it says so."""
        pairs = sorted(listed.get(port, ()), key=lambda pair: (in_order(pair[0]), pair[1]))
        return tuple(a if [mac] == macs.get(port) else f"{a} with {mac}" for a, mac in pairs)

    return macs, addresses


def _allow(wanted: dict[str, set[bytes]], port: str, values: Mapping[str, Any]) -> None:
    macs = [mac for mac in values["mac"].split(", ") if mac]
    wanted[tables.PORTS].add(tables.name_key(port))
    wanted[tables.MACS] |= {tables.mac_key(port, mac) for mac in macs}
    for said in values["addresses"]:
        address, _with, other = said.partition(" with ")
        wanted[tables.IPV6 if ":" in address else tables.IPV4].add(
            tables.address_key(port, other or (macs[0] if macs else "00:00:00:00:00:00"), address)
        )


def _tunnel(resource: Resource) -> nft.Table:
    values = resource.values
    return tables.tunnel_table(resource.key.ident[0], values["ip_version"], values["vni"], values["port"])


def _as_tunnel(key: Key, family: str, found: nft.Found) -> Resource:
    """Which tunnel it is for, is in the name of its set."""
    for name, keys in found.elements.items():
        words = name.split("-")
        if words[::2] == ["vni", "port"] and words[1].isdigit() and words[3].isdigit():
            values = tunnel_values(family, int(words[1]), int(words[3]), map(tables.unpacked, keys))
            resource = Resource(key, values)
            return resource if found.is_intact(_tunnel(resource)) else resource.with_values(rules=ALTERED)
    return Resource(key, {"ip_version": family, "vni": 0, "port": 0, "peers": (), RULES: ALTERED})


def _lines(resource: Resource | None, change: Change) -> list[str]:
    """Of one that stays, what differs; else what it lets in."""
    names = (
        change.fields if change.action is Action.CHANGE else ("ip_version", "vni", "port", "mac", "addresses", "peers")
    )
    values = resource.values if resource is not None else {}
    return [f"{n}: {_shown(values[n])}" for n in names if n in values]


def _shown(value: Any) -> str:
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _said(step: Step, problem: KernelError | MissingError) -> KernelError | MissingError:
    if isinstance(problem, MissingError):
        return problem
    return KernelError(problem.errno, f"{step.change.action.value} {describe(step.resource)}", problem.words)
