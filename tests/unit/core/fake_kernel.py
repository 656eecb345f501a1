# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake kernel: the rules by which it answers a step are those of Linux, as far as the engine relies on them."""

from __future__ import annotations

import copy
import errno
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.errors import KernelError, MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key, Step, Verb, describe

from .fake_links import FakeLinks, Values

ROUTE = {"scope": 0, "source": "", "mtu": 0, "protocol": 3, "type": "unicast"}
GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL)


class FakeKernel(FakeLinks):
    """Adds what is on links, and takes the steps."""

    def copy(self) -> FakeKernel:
        return copy.deepcopy(self)

    def apply(self, step: Step) -> None:
        """Carries out one request.

        Raises:
            KernelError, MissingError: as the kernel layer says it.
        """
        if step.key.kind != "netns" and step.key.netns not in self.namespaces:
            raise MissingError(f"there is no namespace '{step.key.netns}'")
        try:
            getattr(self, f"_{step.key.kind}_{step.verb.value}")(step)
        except OSError as problem:
            number = problem.errno or 0
            if not (step.verb is Verb.DELETE and number in GONE):
                raise KernelError(number, f"{step.verb.value} {describe(step.resource)}") from None

    # -- what is on links

    def _address_add(self, step: Step) -> None:
        self._need(step.key.netns, step.key.ident[0])
        self._refuse_second(step.key)
        self._address_set(step)

    def _refuse_second(self, key: Key) -> None:
        if key in self.objects:
            raise OSError(errno.EEXIST, "")

    def _address_set(self, step: Step) -> None:
        self._need(step.key.netns, step.key.ident[0])
        self.objects[step.key] = {"nodad": bool(step.values.get("nodad")), "permanent": True}

    def _remove(self, step: Step) -> None:
        if self.objects.pop(step.key, None) is None:
            raise OSError(errno.ESRCH, "")

    _address_delete = _rule_delete = _neighbor_delete = _fdb_delete = _route_delete = _remove
    _port_guard_delete = _tunnel_guard_delete = _remove

    def _rule_add(self, step: Step) -> None:
        self._refuse_second(step.key)
        self.objects[step.key] = {"invert": False, **step.values}

    def _port_guard_add(self, step: Step) -> None:
        self.objects[step.key] = dict(step.values)

    _port_guard_set = _tunnel_guard_add = _tunnel_guard_set = _port_guard_add

    def _neighbor_add(self, step: Step) -> None:
        self._need(step.key.netns, step.key.ident[0])
        self.objects[step.key] = {"router": False, **step.values}

    _neighbor_set = _neighbor_add

    def _fdb_add(self, step: Step) -> None:
        device = self._need(step.key.netns, step.key.ident[0])
        target = step.key.ident[2]
        if (target == "master" and not device["master"]) or (target == "self" and device["kind"] != "vxlan"):
            raise OSError(errno.EOPNOTSUPP, "")
        self.objects[step.key] = self._fdb_values(step.values)

    _fdb_set = _fdb_add

    # -- routes and sysctls

    def _route_add(self, step: Step) -> None:
        self._refuse_second(step.key)
        self._route_set(step)

    def _route_set(self, step: Step) -> None:
        values = {**ROUTE, **{n: v for n, v in step.values.items() if v is not None}}
        hops = tuple(self._hop(step.key.netns, hop) for hop in values.get("nexthops", ()))
        if "scope" not in step.values and hops and ":" not in step.key.ident[0]:
            values["scope"] = 0 if hops[0]["gateway"] else 253
        self.objects[step.key] = {**values, "nexthops": hops}

    def _hop(self, netns: str, hop: Mapping[str, Any]) -> Values:
        gateway, device = hop.get("gateway", ""), hop.get("device", "")
        if device and not self._need(netns, device)["up"]:
            raise OSError(errno.ENETDOWN, "")
        if gateway and not hop.get("onlink"):
            device = next((d for d in self._reaching(netns, gateway) if device in ("", d)), None)
            if device is None:
                raise OSError(errno.ENETUNREACH, "")
        return {"gateway": gateway, "device": device, "weight": hop.get("weight", 1), "onlink": bool(hop.get("onlink"))}

    def _reaching(self, netns: str, gateway: str) -> Iterator[str]:
        there = ipaddress.ip_address(gateway)
        for key, values in self.objects.items():
            if key[:2] == ("address", netns) and there in ipaddress.ip_interface(key.ident[1]).network:
                if self._need(netns, key.ident[0])["up"]:
                    yield key.ident[0]
            elif key[:2] == ("route", netns) and there in ipaddress.ip_network(key.ident[0]):
                yield from (hop["device"] for hop in values["nexthops"] if not hop["gateway"])

    def _sysctl_set(self, step: Step) -> None:
        if step.key not in self.objects:
            raise MissingError(f"set sysctl '{step.key.ident[0]}': this namespace has no such sysctl")
        self.objects[step.key] = dict(step.values)
