# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world without a kernel: observes and changes a FakeKernel, and fails, dies or changes underneath when told to."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.errors import KernelError, MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.base import StepError, by_netns
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.link import PORT_FLAGS
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.types.registry import TYPES
from ansible_collections.containerland.net.plugins.module_utils._core.model import (
    Declaration,
    Key,
    Resource,
    Step,
    describe,
)

from .fake_kernel import FakeKernel
from .fake_links import Values

State = dict[Key, dict[str, Any]]


class Killed(BaseException):
    """kill -9: nothing in the engine may catch this."""


def _is_like_one_of(key: Key, wanted: Mapping[Key, frozenset[str]] | None) -> bool:
    """Addresses are read by IP version, routes by IP version and table."""

    def part(other: Key) -> tuple[bool, str]:
        return (":" in other.ident[1], "") if other.kind == "address" else (":" in other.ident[0], other.ident[1])

    if wanted is None or Key("", key.netns, ()) in wanted:
        return True
    like = [other for other in wanted if other[:2] == key[:2]]
    return not like or Key(*key[:2], ()) in wanted or part(key) in map(part, like)


class FakeWorld:
    """What the engine sees in place of the kernel.

    Args:
        kernel: the state; shared by the runs of a test.
        fail_at: the number (from 1) of the step that is refused, once, with `errno`; later steps of the same batch
            are carried out, as by the kernel.
        kill_at: the number of the step before which the process dies.
        meanwhile: called between the plan and its execution, as another program on the machine.
    """

    def __init__(
        self,
        kernel: FakeKernel,
        *,
        fail_at: int = 0,
        errno: int = 105,
        kill_at: int = 0,
        meanwhile: Callable[[FakeKernel], None] | None = None,
    ) -> None:
        self.kernel = kernel
        self.done: list[Step] = []
        self._count = 0
        self._fail_at, self._errno, self._kill_at = fail_at, errno, kill_at
        self._meanwhile = meanwhile
        self._seen: set[str] = {""}

    def resolve(self, declaration: Declaration, observed: Mapping[Key, Resource], check: bool) -> Declaration:
        return declaration

    def warnings(self) -> list[str]:
        return []

    def tidy(self, declaration: Declaration) -> None:
        pass

    def permit(self, steps: Sequence[Step]) -> None:
        if self._meanwhile is not None:
            self._meanwhile(self.kernel)

    def observe(
        self, scopes: Mapping[str, Collection[str]], wanted: Mapping[Key, frozenset[str]] | None, *, again: bool = False
    ) -> dict[Key, Resource]:
        """As KernelWorld: links of every scope, sysctls by name only, what costs a look only if it is asked for."""
        self._seen |= {netns for netns in scopes if netns in self.kernel.namespaces}
        found = {}
        for key, values in (*self.kernel.objects.items(), *derived(self.kernel)):
            if key.kind == "netns":
                found[key] = Resource(key)
            elif key.netns not in scopes or key.kind not in {*scopes[key.netns], "link"}:
                continue
            elif key.kind == "link":
                whole = wanted is None or Key("", key.netns, ()) in wanted
                fields = None if whole or wanted is None else wanted.get(key, frozenset())
                found[key] = Resource(key, self._seen_values(values, fields))
            elif key.kind in ("address", "route"):
                if _is_like_one_of(key, wanted):
                    found[key] = Resource(key, dict(values))
            elif key.kind != "sysctl" or (wanted is not None and key in wanted):
                found[key] = Resource(key, dict(values))
        return found

    def _seen_values(self, values: Values, fields: frozenset[str] | None) -> Values:
        if fields is None:
            hidden: set[str] = set()
        else:
            own = set(TYPES[values["kind"]].fields) if values["kind"] in TYPES else set()
            groups = ({"peer"}, {"parent", "parent_netns"}, own, set(PORT_FLAGS), {"vlans"})
            hidden = {name for group in groups if not group & fields for name in group}
        shown = {name: value for name, value in values.items() if name not in hidden}
        if "peer" in shown and shown["peer"][0] not in self._seen:
            shown["peer"] = ("?", "if7")
        if shown.get("parent_netns", "") not in self._seen:
            shown["parent_netns"] = "?"
        return shown

    def execute(self, steps: Sequence[Step]) -> Iterator[int]:
        done = 0
        for _stage, group in groupby(steps, key=lambda step: step.stage):
            stage = list(group)
            for kind in dict.fromkeys(step.key.kind for step in stage):
                part = [step for step in stage if step.key.kind == kind]
                for batch in by_netns(part).values():
                    self._send(batch, stops=kind in ("netns", "sysctl"))
                done += len(part)
                yield done

    def _send(self, batch: Sequence[Step], stops: bool) -> None:
        first: StepError | None = None
        for step in batch:
            try:
                self._one(step)
            except (KernelError, MissingError) as problem:
                first = first or StepError(step, problem)
                if stops:
                    break
        if first is not None:
            raise first

    def _one(self, step: Step) -> None:
        self._count += 1
        if self._count == self._kill_at:
            raise Killed
        if self._count == self._fail_at:
            raise KernelError(self._errno, f"{step.verb.value} {describe(step.resource)}")
        self.kernel.apply(step)
        self.done.append(step)
        if step.key.kind == "netns":
            self._seen.add(step.key.ident[0])


def derived(kernel: FakeKernel) -> Iterator[tuple[Key, Values]]:
    """What the kernel makes by itself: addresses of lo, link-local ones, and the routes to what is connected."""
    for key, link in kernel.links():
        if not link["up"]:
            continue
        name = key.ident[0]
        own = ["127.0.0.1/8", "::1/128"] if name == "lo" else ["fe80::1/64"] if link["addrgenmode"] != "none" else []
        for text in own:
            yield Key("address", key.netns, (name, text)), {"nodad": False, "permanent": True}
        given = [k.ident[1] for k in kernel.objects if k[:2] == ("address", key.netns) and k.ident[0] == name]
        for address in map(ipaddress.IPv4Interface, (a for a in (*own, *given) if ":" not in a)):
            yield _kernel_route(key, f"{address.ip}/32", "255", "local", str(address.ip))
            if name != "lo" and address.network.prefixlen < 32:
                yield _kernel_route(key, str(address.network), "254", "unicast", str(address.ip))


def _kernel_route(link: Key, destination: str, table: str, kind: str, source: str) -> tuple[Key, Values]:
    hop = {"gateway": "", "device": link.ident[0], "weight": 1, "onlink": False}
    scope = 254 if kind == "local" else 253
    values = {"type": kind, "nexthops": (hop,), "scope": scope, "source": source, "mtu": 0, "protocol": 2}
    return Key("route", link.netns, (destination, table, "0")), values


def state(kernel: FakeKernel) -> State:
    """Everything there is, field by field, to compare before and after."""
    return {key: dict(values) for key, values in kernel.objects.items()}
