# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls below net, per namespace. They are settings: taking a declaration away restores the value before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..canonical import text
from ..errors import InputError, KernelError
from ..fields import Field
from ..model import Action, Change, Key, Resource, Stage, Step, Verb
from .base import Context, Kind, Place, StepError, Wanted, by_netns

SYSCTLS = Field(
    "dict",
    (
        "Sysctls of the namespace by name, all below C(net), for example C(net.ipv4.ip_forward: 1).",
        "Written with slashes where an interface's name has a dot (C(net/ipv4/conf/eth0.1/forwarding)).",
    ),
)


# What the kernel sets to the opposite when one is written (inet_forward_change in net/ipv4/devinet.c).
SIDE_EFFECTS = {
    "net/ipv4/ip_forward": "net/ipv4/conf/all/accept_redirects",
    "net/ipv4/conf/all/forwarding": "net/ipv4/conf/all/accept_redirects",
}
# On a kernel without IPv6, what a missing sysctl amounts to; others of net/ipv6 are missing there.
_WITHOUT_IPV6 = {"disable_ipv6": "1", "accept_ra": "0", "accept_redirects": "0", "autoconf": "0", "forwarding": "0"}


def canonical_name(name: str) -> str:
    """net/ipv4/ip_forward, from either spelling (sysctl.d(5): the first separator decides)."""
    text(name)
    first = re.search(r"[./]", name)
    parts = name.split("/") if first and first.group() == "/" else [p.replace("/", ".") for p in name.split(".")]
    if parts[0] != "net" or len(parts) < 3 or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a sysctl below net: {name!r}")
    return "/".join(parts)


def canonical_value(value: Any) -> str:
    """Numbers and booleans as the kernel prints them, white space folded."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if not isinstance(value, (str, int)):
        raise ValueError(f"must be a text or a number, not {value!r}")
    return " ".join(text(str(value).strip().replace("\t", " ")).split())


def declare_sysctls(sysctls: Mapping[str, Any], netns: str, path: str, place: Place) -> None:
    for name, value in sysctls.items():
        try:
            key = Key("sysctl", netns, (canonical_name(str(name)),))
            where = f"{path}.{name}"
            place.add(Resource(key, {"value": canonical_value(value)}, where))
            if key.ident[0] in SIDE_EFFECTS:
                # Nothing is asked of it, but its value is remembered, so that it can be set back.
                place.add(Resource(Key("sysctl", netns, (SIDE_EFFECTS[key.ident[0]],)), {}, where, partial=True))
        except ValueError as problem:
            raise InputError(f"{path}.{name}", str(problem)) from None


def device_of(name: str) -> str:
    """The link that a sysctl belongs to, or ''."""
    parts = name.split("/")
    owned = len(parts) > 4 and parts[2] in ("conf", "neigh") and parts[3] not in ("all", "default")
    return parts[3] if owned else ""


class SysctlKind(Kind):
    name = "sysctl"
    rank = 2
    owned = False
    follows_device = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        names = [key.ident[0] for key in wanted or () if key.kind == "sysctl" and key.netns == netns]
        found = node.read_sysctls(netns, names) if names else {}
        keys = {name: Key("sysctl", netns, (name,)) for name in names}
        if any(value is None for value in found.values()) and not node.has_ipv6():
            missing = (name for name, value in found.items() if value is None and name.startswith("net/ipv6/"))
            found.update({name: _WITHOUT_IPV6.get(name.rpartition("/")[2]) for name in list(missing)})
        return {keys[n]: Resource(keys[n], {"value": v}) for n, v in found.items() if v is not None}

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        device = device_of(resource.key.ident[0])
        return [("name", Key("link", resource.key.netns, (device,)))] if device else []

    def steps(self, change: Change, context: Context) -> list[Step]:
        after = change.after
        if after is None or change.action is Action.DELETE:
            return []
        stage = Stage.LINK_SYSCTL if device_of(change.key.ident[0]) else Stage.SYSCTL
        return [Step(stage, Verb.SET, change, after, after.values, change.before)]

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        for netns, unordered in by_netns(steps).items():
            group = sorted(unordered, key=lambda step: step.key.ident[0] not in SIDE_EFFECTS)
            try:
                node.write_sysctls(netns, {step.key.ident[0]: step.values["value"] for step in group})
            except KernelError as problem:
                failed = [step for step in group if step.key.ident[0] in problem.action]
                raise StepError((failed or group)[0], problem) from None
