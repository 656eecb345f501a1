# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How services and servers of IPVS are made, changed, drained and removed."""

from __future__ import annotations

import errno
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..errors import KernelError
from ..kernel import conntrack, ipvs
from ..kernel.netlink import NETLINK_GENERIC
from ..kernel.wire import AF_INET6
from ..model import Key, Stage, Step, Verb, describe
from .base import StepError, by_netns, encoded

#: What a service and a server are where nothing is said. A weight is said always: one that was drained gets its own
#: back when it is wanted again (kubernetes#92019).
SERVICE_DEFAULTS: Mapping[str, Any] = {
    "scheduler": "wlc",
    "flags": (),
    "one_packet": False,
    "persistence_timeout": 0,
    "persistence_netmask": 0,
    "persistence_engine": "",
}
SERVER_DEFAULTS: Mapping[str, Any] = {
    "weight": 1,
    "method": "masq",
    "upper_threshold": 0,
    "lower_threshold": 0,
    "tunnel_type": "ipip",
    "tunnel_port": 0,
    "tunnel_checksum": "none",
}
_POLL_SECONDS = 0.1
# What the kernel's numbers mean here; it gives no words of its own (net/netfilter/ipvs/ip_vs_ctl.c).
_WORDS = {
    ("ipvs_service", errno.ENOENT): "no such scheduler or persistence engine: load the module {modules}",
    ("ipvs_service", errno.ESRCH): "the service is no longer there",
    ("ipvs_server", errno.ESRCH): "the service is no longer there",
    ("ipvs_server", errno.ENOENT): "the server is no longer there",
    ("ipvs_server", errno.ERANGE): "its lower_threshold would be above its upper_threshold",
    # Before its first IPv4 address, a namespace has no table of what is local, and takes all addresses for broadcast.
    ("ipvs_server", errno.EINVAL): "this is not the address of one host, or the namespace has no address yet",
}


def apply(steps: Sequence[Step], node: Any) -> None:
    """Carries out the steps of one stage.

    Raises:
        StepError: for the first step that was refused.
    """
    if any(step.stage == Stage.DRAIN for step in steps):
        node.draining_since = time.monotonic()
    draining = [step for step in steps if step.verb is Verb.DELETE and step.resource.values.get("drain")]
    if draining and node.draining_since is not None:
        _wait_until_idle(draining, node, node.draining_since)
    flows = {netns: set(_udp_flows(group)) for netns, group in by_netns(steps).items()}
    for netns, group in by_netns(steps).items():
        family = node.socket(netns, NETLINK_GENERIC).family(ipvs.FAMILY)
        pairs = encoded(group, partial(_messages, family=family, node=node))
        try:
            node.send(netns, pairs, protocol=NETLINK_GENERIC)
        except StepError as problem:
            raise _in_words(problem) from None
    for netns, stale in flows.items():
        if stale:
            _purge(node, netns, stale)


def _messages(step: Step, family: int, node: Any) -> Iterator[bytes]:
    service = ipvs.parse_service(step.key.ident[0])
    if step.key.kind == "ipvs_service":
        if step.verb is Verb.DELETE:
            yield ipvs.delete_service(family, service)
        elif "weight" in step.values:
            for row in node.ipvs_servers(step.key.netns, service):
                values = {**_of_row(row), "weight": 0}
                yield ipvs.set_server(family, service, row.name, values)
        else:
            make = ipvs.new_service if step.verb is Verb.ADD else ipvs.set_service
            yield make(family, service, _service(service, step.resource.values))
        return
    server = step.key.ident[1]
    if step.verb is Verb.DELETE:
        yield ipvs.delete_server(family, service, server)
        return
    make_server = ipvs.new_server if step.verb is Verb.ADD else ipvs.set_server
    yield make_server(family, service, server, _server({**step.resource.values, **step.values}))


def _service(service: ipvs.ServiceId, said: Mapping[str, Any]) -> dict[str, Any]:
    values = {**SERVICE_DEFAULTS, **{name: value for name, value in said.items() if name in SERVICE_DEFAULTS}}
    flags = sum(ipvs.FLAGS[name] for name in values["flags"])
    flags |= ipvs.ONE_PACKET if values["one_packet"] else 0
    flags |= ipvs.PERSISTENT if values["persistence_timeout"] else 0
    whole = 128 if service.family == AF_INET6 else 32
    return {
        "scheduler": values["scheduler"],
        "flags": flags,
        "timeout": values["persistence_timeout"],
        "netmask": values["persistence_netmask"] or whole,
        "engine": values["persistence_engine"],
    }


def _server(said: Mapping[str, Any]) -> dict[str, Any]:
    values = {**SERVER_DEFAULTS, **said}
    return {**values, "upper": values["upper_threshold"], "lower": values["lower_threshold"]}


def _of_row(row: ipvs.ServerRow) -> dict[str, Any]:
    names = ("method", "upper", "lower", "tunnel_type", "tunnel_port", "tunnel_checksum")
    return {name: getattr(row, name) for name in names}


def _in_words(problem: StepError) -> StepError:
    """The kernel says numbers only."""
    step, error = problem.step, problem.error
    words = _WORDS.get((step.key.kind, error.errno)) if isinstance(error, KernelError) else None
    if words is None or not isinstance(error, KernelError):
        return problem
    modules = [f"ip_vs_{step.resource.values.get('scheduler', SERVICE_DEFAULTS['scheduler'])}"]
    if step.resource.values.get("persistence_engine"):
        modules.append(f"ip_vs_pe_{step.resource.values['persistence_engine']}")
    action = f"{step.change.action.value} {describe(step.resource)}"
    return StepError(step, KernelError(error.errno, action, words.format(modules=" or ".join(modules))))


# -- draining


def _wait_until_idle(steps: Sequence[Step], node: Any, began: float) -> None:
    """Until no connection is left, or the time of each is up; UDP has no connections that end."""
    waiting = [step for step in steps if not step.key.ident[0].startswith("udp ")]
    while waiting:
        passed = time.monotonic() - began
        connections = _connections(waiting, node)
        busy = [(step, connections[step.key]) for step in waiting if connections[step.key]]
        for step, count in busy:
            seconds = step.resource.values["drain"]
            if passed >= seconds:
                node.warn(f"{describe(step.resource)} was removed after {seconds} s with {count} connections left")
        busy = [(step, count) for step, count in busy if passed < step.resource.values["drain"]]
        waiting = [step for step, _count in busy]
        if waiting:
            node.progress.tell(_drained(busy, passed))
            time.sleep(_POLL_SECONDS)


def _drained(busy: Sequence[tuple[Step, int]], passed: float) -> str:
    """How far it is, with the server that has the most connections."""
    step, count = max(busy, key=lambda item: item[1])
    others = f", and {len(busy) - 1} more" if len(busy) > 1 else ""
    left = max(step.resource.values["drain"] for step, _count in busy) - passed
    return f"draining {describe(step.resource)} ({count} connections){others}; {left:.0f} s left at most"


def _connections(steps: Sequence[Step], node: Any) -> dict[Key, int]:
    """How many there are now; each service is looked at once."""
    tables: dict[tuple[str, str], dict[str, int]] = {}
    for netns, name in {(step.key.netns, step.key.ident[0]) for step in steps}:
        rows = ipvs.servers(node.socket(netns, NETLINK_GENERIC), ipvs.parse_service(name))
        tables[netns, name] = {row.name: row.active + row.inactive for row in rows}
    found: dict[Key, int] = {}
    for step in steps:
        table = tables[step.key.netns, step.key.ident[0]]
        found[step.key] = sum(table.values()) if step.key.kind == "ipvs_service" else table.get(step.key.ident[1], 0)
    return found


def _udp_flows(steps: Sequence[Step]) -> Iterator[conntrack.Flow]:
    """What connection tracking must forget: flows to servers that go, and those that were there before a service.

    The latter are known as flows to this node itself, so that no rule that masquerades gets hold of them.
    """
    for step in steps:
        service = ipvs.parse_service(step.key.ident[0])
        if service.protocol != "udp" or step.verb is Verb.SET:
            continue
        asked = (service.address, service.port)
        if step.verb is Verb.DELETE:
            names = step.resource.values["servers"] if step.key.kind == "ipvs_service" else (step.key.ident[1],)
            servers = [ipvs.parse_endpoint(name) for name in names]
        else:
            servers = [asked] if step.key.kind == "ipvs_server" else []
        yield from (conntrack.Flow(ipvs.PROTOCOLS["udp"], asked, server) for server in servers)


def _purge(node: Any, netns: str, flows: Collection[conntrack.Flow]) -> None:
    """A kernel that does not track connections has none to forget."""
    try:
        conntrack.purge(node.socket(netns, conntrack.NETLINK_NETFILTER), flows)
    except KernelError as problem:
        if problem.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT):
            node.warn(f"cannot forget UDP flows of servers that went or came: {problem}")
