# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of every type: what they have in common."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import InputError, KernelError, MissingError
from ..kernel import link_codec, packed
from ..kernel.removal import delete_links
from ..model import Action, Change, Key, Resource, Stage, Step, Verb
from .base import Context, Kind, StepError, Wanted, by_netns, encoded
from .link_options import PORT
from .link_type import LinkType
from .types.registry import TYPES

ADDRGENMODES = ("eui64", "none", "stable_secret", "random")
PORT_FLAGS = ("hairpin", "isolated", "neigh_suppress")
# What RTM_NEWLINK takes at creation (rtnl_create_link); it ignores alias and addrgenmode, and a veth peer's master.
_CREATED = ("mac", "mtu", "txqueuelen", "group", "master")
_SETTINGS = (*_CREATED, "alias", "addrgenmode")
_HIGHEST_MTU = 65535
_MAC_LENGTH = len("00:00:00:00:00:00")
UNKNOWN = LinkType("")


def type_of(resource: Resource) -> LinkType:
    return TYPES.get(resource.values.get("kind", ""), UNKNOWN)


class LinkKind(Kind):
    name = "link"
    rank = 1
    add = Stage.LINK
    remove = Stage.REMOVE_LINK
    follows_device = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = {}
        for row in node.links(netns):
            key = Key("link", netns, (row.name,))
            fields = None if wanted is None else wanted.get(key, frozenset())
            found[key] = Resource(key, observed_values(node, netns, row, fields))
        return found

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        different = super().compare(desired, observed)
        if not different:
            return different
        same = type_of(desired).same
        return tuple(n for n in different if not same(n, desired.values[n], observed.values.get(n)))

    def immutable(self, desired: Resource, fields: Iterable[str]) -> tuple[str, ...]:
        fields = tuple(fields)
        return ("kind",) if "kind" in fields else type_of(desired).immutable(fields)

    def complete(self, resource: Resource) -> None:
        kind = type_of(resource)
        for name in (*kind.required, *(("parent",) if kind.parent else ())):
            if name not in resource.values:
                problem = f"is required to create a link of kind {kind.kind}"
                raise InputError(f"{resource.path}.{name}" if resource.path else name, problem)

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        netns, values = resource.key.netns, resource.values
        found = [("master", Key("link", netns, (values["master"],)))] if values.get("master") else []
        if "parent" in values:
            found.append(("parent", Key("link", values.get("parent_netns", netns), (values["parent"],))))
        for name, attribute in type_of(resource).attributes.items():
            if attribute.device and values.get(name):
                found.append((name, Key("link", values.get("parent_netns", netns), (values[name],))))
        return found

    def devices(self, observed: Resource) -> Iterable[str]:
        return (observed.values["master"],) if observed.values["master"] else ()

    def extra(self, observed: Resource) -> Resource:
        return Resource(observed.key, {"master": ""}, partial=True)

    def lends(self, change: Change) -> list[Key]:
        if change.action is not Action.CHANGE or "up" not in change.fields or change.new.values["up"]:
            return []
        return [Key("sysctl", change.key.netns, (_keeps_addresses(change.key.ident[0]),))]

    def steps(self, change: Change, context: Context) -> list[Step]:
        if change.action is Action.DELETE:
            return super().steps(change, context)
        after, before = change.new, change.before
        if change.action is Action.CHANGE:
            whole = change.old.with_values(**after.values)
            # A port that goes to another bridge begins anew.
            again = PORT if "master" in change.fields else ()
            names = dict.fromkeys((*change.fields, *(name for name in again if name in after.values)))
            return _settings(change, whole, {name: after.values[name] for name in names}, before)
        steps = []
        if change.action is Action.REPLACE:
            steps.append(Step(Stage.CLEAR, Verb.DELETE, change, change.old, before=before))
        verb = Verb.MOVE if change.action is Action.MOVE else Verb.ADD
        partner = context.partner(after) if verb is Verb.ADD else None
        if verb is Verb.MOVE or after.values.get("kind") != "veth" or partner is not None:
            depth = Stage.LINK + context.depth(change.key)
            steps.append(Step(depth, verb, change, after, after.values, before, partner))
        created: Iterable[str] = ("kind", "peer", "parent", "parent_netns")
        if verb is Verb.ADD:
            second = after.values.get("kind") == "veth" and partner is None
            late = after.values.get("kind") == "bridge" or type_of(after).parent
            own = {"master"} if second else {"mtu"} if late else set()
            created = (*created, *type_of(after).attributes, *(name for name in _CREATED if name not in own))
        later = {name: value for name, value in after.values.items() if name not in created}
        return steps + _settings(change, after, later, before if verb is Verb.MOVE else None)

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        for netns, group in by_netns(steps).items():
            left = delete_links(node, netns, [step for step in group if step.verb is Verb.DELETE])
            simple = [s for s in group if not _configured(s) and (s.verb is not Verb.DELETE or s in left)]
            pairs = encoded(simple, lambda step: messages(step, node))
            lowered = [step.key.ident[0] for step in simple if step.verb is Verb.SET and step.values.get("up") is False]
            # A link that goes down loses its IPv6 addresses otherwise (ip-sysctl.rst).
            with node.sysctls_on(netns, [_keeps_addresses(name) for name in lowered]):
                node.send(netns, pairs, _origin(netns))
            for step in group:
                configure = type_of(step.resource).configure
                if configure is not None and _configured(step):
                    try:
                        configure(node, netns, step.key.ident[0], step.values)
                    except (KernelError, MissingError) as problem:
                        raise StepError(step, problem) from None
        if all(step.verb is Verb.DELETE for step in steps):
            # With veths, their other ends have gone, which nobody asks for by name any more.
            node.forget_names({step.key.netns for step in steps})
        else:
            moved = [step for step in steps if step.verb is not Verb.SET or "master" in step.values]
            node.forget_names({place for step in moved for place in _places(step)})


def _keeps_addresses(name: str) -> str:
    return f"net/ipv6/conf/{name}/keep_addr_on_down"


def _origin(netns: str) -> Any:
    """The namespace from which a step is sent, where that is not the one the link is in."""

    def origin(step: Step) -> str:
        if step.verb is Verb.MOVE and step.before is not None:
            return step.before.key.netns
        if step.verb is Verb.ADD:
            return str(step.values.get("parent_netns", netns))
        return netns

    return origin


def _places(step: Step) -> Iterator[str]:
    """The namespaces in which a step makes, renames or removes a link, or makes it a port."""
    for resource in (step.resource, step.before):
        if resource is not None:
            yield from (resource.key.netns, *resource.values.get("peer", ())[:1])


def _configured(step: Step) -> bool:
    return step.verb is Verb.SET and step.stage == Stage.LINK_SYSCTL


def _settings(change: Change, whole: Resource, values: Mapping[str, Any], before: Resource | None) -> list[Step]:
    """Steps that set values of a link that exists: its own first, then as a port, raised last."""
    kind = type_of(whole)
    extra = {n: v for n, v in values.items() if n in kind.fields and n not in kind.attributes}
    port = {n: v for n, v in values.items() if n in PORT}
    rest = {n: v for n, v in values.items() if n not in extra and n not in port and n not in ("up", "kind")}
    steps = []
    if extra and kind.configure is not None:
        steps.append(Step(Stage.LINK_SYSCTL, Verb.SET, change, whole, extra, before))
    if values.get("up") is False and before is not None:
        rest["up"] = False
    # It cannot exceed its parent's, which this run may change too.
    mtu = {"mtu": rest.pop("mtu")} if kind.parent and "mtu" in rest else {}
    if rest:
        steps.append(Step(Stage.SETTINGS, Verb.SET, change, whole, rest, before))
    if mtu:
        steps.append(Step(Stage.SETTINGS + 1, Verb.SET, change, whole, mtu, before))
    if port:
        steps.append(Step(Stage.SETTINGS + 1, Verb.SET, change, whole, port, before))
    if values.get("up"):
        stage = Stage.UP_PORTS if whole.values.get("master") else Stage.UP
        steps.append(Step(stage, Verb.SET, change, whole, {"up": True}, before))
    return steps


def observed_values(node: Any, netns: str, row: Any, fields: frozenset[str] | None) -> dict[str, Any]:
    """The values of a link; those that cost a further look only where they are asked for."""
    kind = TYPES.get(row.kind, UNKNOWN)
    values: dict[str, Any] = {
        "kind": row.kind,
        # The link-layer address of an IP tunnel is its outer address, and cannot be set.
        "mac": row.mac if row.mac and len(row.mac) == _MAC_LENGTH else None,
        "mtu": row.mtu,
        "master": node.link_name(netns, row.master) if row.master else "",
        "txqueuelen": row.txqueuelen,
        "group": row.group,
        "alias": row.alias or "",
        "up": row.up,
    }

    def asked(*names: str) -> bool:
        return fields is None or not fields.isdisjoint(names)

    if asked("addrgenmode") and (mode := row.addrgenmode) is not None:
        values["addrgenmode"] = ADDRGENMODES[mode]
    if row.kind == "veth" and asked("peer"):
        values["peer"] = node.veth_peer(netns, row)
    if (kind.parent or kind.attributes) and asked("parent", "parent_netns"):
        values["parent_netns"] = node.netns_by_id(netns, row.link_netnsid)
    if kind.parent and row.link and asked("parent", "parent_netns"):
        values["parent"] = node.link_name(values["parent_netns"], row.link)
    if kind.attributes and asked(*kind.attributes):
        values.update(kind.from_info(link_codec.info(row), lambda index: node.device_name(netns, row, index)))
    if kind.inspect is not None and asked(*(n for n in kind.fields if n not in kind.attributes)):
        values.update(kind.inspect(node, netns, row.name))
    if row.slave_kind == "bridge" and asked("master", *PORT_FLAGS):
        values.update(link_codec.port_flags(row))
    if asked("vlans"):
        values["vlans"] = node.port_vlans(netns, row.index) if row.master else ()
    return values


def messages(step: Step, node: Any) -> list[bytes]:
    """The rtnetlink messages of a step."""
    netns, name = step.key.netns, step.key.ident[0]
    if step.verb is Verb.DELETE:
        return [packed.link_delete(node.index(netns, name))]
    if step.verb is Verb.ADD:
        return [_creation(step, node)]
    values = dict(step.values)
    if step.verb is Verb.MOVE:
        return _move(step, node)
    if any(flag in values for flag in PORT):
        index = node.index(netns, name)
        have = node.port_vlans(netns, index) if "vlans" in values else None
        return link_codec.port(index, values, have)
    kind = type_of(step.resource)
    changed = {name: value for name, value in values.items() if name in kind.attributes}
    if changed and kind.whole:
        changed = {name: value for name, value in step.resource.values.items() if name in kind.attributes}
    own = kind.to_info(changed, lambda device: node.index(netns, device))
    sent = []
    settings = _arguments((*_SETTINGS, "up"), values, node, netns)
    if settings:
        sent.append(packed.link_set(node.index(netns, name), **settings))
    if own:
        sent.append(link_codec.change(node.index(netns, name), kind.kind, own))
    return sent


def _arguments(names: Iterable[str], values: Mapping[str, Any], node: Any, netns: str) -> dict[str, Any]:
    """Arguments of packed.link_set and packed.veth_create."""
    found = {name: values[name] for name in names if name in values}
    if "master" in found:
        found["master"] = node.index(netns, found["master"]) if found["master"] else 0
    if "addrgenmode" in found:
        found["addrgenmode"] = ADDRGENMODES.index(found["addrgenmode"])
    return found


def _creation(step: Step, node: Any) -> bytes:
    netns, name, values = step.key.netns, step.key.ident[0], step.values
    settings = _arguments(_CREATED, values, node, netns)
    if type_of(step.resource).parent:
        settings.pop("mtu", None)
    if values["kind"] == "bridge":
        settings.setdefault("mac", _random_mac())
        if "mtu" in settings:
            # Only a change of it later keeps the MTU from following those of the ports (br_mtu_auto_adjust).
            settings["mtu"] += 1 if settings["mtu"] < _HIGHEST_MTU else -1
    if step.partner is not None:
        partner = step.partner
        peer_netns, peer_name = partner.key.netns, partner.key.ident[0]
        other = _arguments(_CREATED[:-1], partner.values, node, peer_netns)
        peer_settings = {f"peer_{n}": v for n, v in other.items()}
        fd = node.fd(peer_netns) if peer_netns != netns else None
        return packed.veth_create(name, peer_name, peer_netns_fd=fd, **settings, **peer_settings)
    origin = values.get("parent_netns", netns)
    parent = node.index(origin, values["parent"]) if values.get("parent") else None
    # A new bridge has none; a kernel built without VLAN filtering refuses even to be told so.
    said = {n: v for n, v in values.items() if n != "vlan_filtering" or v}
    info = type_of(step.resource).to_info(said, lambda device: node.index(origin, device))
    fd = node.fd(netns) if origin != netns else None
    return link_codec.creation(name, values["kind"], info, settings, parent, fd)


def _random_mac() -> str:
    """A bridge takes the lowest MAC address of its ports, and so changes it as ports come, unless it was given one."""
    return ":".join(f"{byte:02x}" for byte in (2, *secrets.token_bytes(5)))


def _move(step: Step, node: Any) -> list[bytes]:
    """Into the other namespace under its new name; a rename in place needs the link down on older kernels."""
    before = step.change.old.key
    origin, old = before.netns, before.ident[0]
    netns, new = step.key.netns, step.key.ident[0]
    index = node.index(origin, old)
    if origin == netns:
        return [packed.link_set(index, up=False), packed.link_set(index, name=new)]
    return [packed.link_set(index, name=new, netns_fd=node.fd(netns))]
