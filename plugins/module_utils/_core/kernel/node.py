# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine that a run works on: its namespaces, what is in them, and the way requests are sent to them.

Everything read is remembered until `forget`, so that one look serves all kinds.
"""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

from ..errors import KernelError
from ..kinds.base import StepError
from ..lazy import Module
from ..model import Step, describe
from ..progress import Progress
from . import netlink, packed, reader, sysctl
from .places import Places

if TYPE_CHECKING:
    from . import ipset, ipvs, xtables
else:
    ipset, ipvs, xtables = (Module(__name__, name) for name in ("ipset", "ipvs", "xtables"))

# What is read of links and depends on their names and numbers.
_NAMED = ("links", "names", "indexes", "kinds", "vlans", "veth ends")
# How many namespaces are asked about in one request.
_AT_ONCE = 64
# Replies that mean that what should be removed is gone already: the device, the entry, the address.
GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL)


class Node(Places):
    """A node, seen from the namespace that the process is in."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[Any, ...], Any] = {}
        # Namespace → the numbers under which it knows others.
        self._nsids: dict[str, dict[int | None, str]] = {}
        self._warnings: dict[str, None] = {}
        self.progress = Progress()
        # Since when servers have got nothing new; as time.monotonic() counts.
        self.draining_since: float | None = None
        # The words in which an iptables rule was given, by its place and the form that iptables gave it.
        self.rules_as_given: dict[tuple[str, ...], str] = {}

    def after_fork(self) -> None:
        super().after_fork()
        self._nsids.clear()
        self.forget()

    def __enter__(self) -> Node:
        """A run holds on to nearly all that it makes, and looking for cycles in it again and again takes long."""
        self._collects = gc.isenabled()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._collects:
            gc.enable()

    def create_netns(self, names: Sequence[str]) -> None:
        super().create_netns(names)
        self.forget(names)

    def delete_netns(self, name: str) -> None:
        super().delete_netns(name)
        self._nsids.clear()

    def send(
        self,
        ref: str,
        pairs: Sequence[tuple[Step, bytes]],
        origin: Callable[[Step], str] | None = None,
        protocol: int = netlink.NETLINK_ROUTE,
    ) -> None:
        """Sends messages, and tells which step was refused.

        Args:
            origin: the namespace that a step is sent from, if that is not `ref`.
            protocol: of the socket.

        Raises:
            StepError: for the first refused step.
        """
        groups: dict[str, list[tuple[Step, bytes]]] = {}
        for pair in pairs:
            groups.setdefault(origin(pair[0]) if origin else ref, []).append(pair)
        for sender, group in groups.items():
            results = self.socket(sender, protocol).send([message for _step, message in group])
            for (step, _message), error in zip(group, results):
                if error is not None and not (step.verb.value == "delete" and error.errno in GONE):
                    action = f"{step.change.action.value} {describe(step.resource)}"
                    raise StepError(step, KernelError(error.errno, action, error.words))

    # -- telling

    def warn(self, text: str) -> None:
        """Something that the user should know, though nothing fails for it."""
        self._warnings[text] = None

    def warnings(self) -> list[str]:
        return list(self._warnings)

    # -- looking

    def forget(self, refs: Container[str] | None = None) -> None:
        """What was read may no longer be so: anywhere, or in some places."""
        for key in [key for key in self._seen if refs is None or len(key) == 1 or key[1] in refs]:
            del self._seen[key]

    def forget_names(self, refs: Container[str]) -> None:
        """Links were made, renamed, moved or removed, or became ports of another link, in some places."""
        for key in [key for key in self._seen if key[0] in _NAMED and (len(key) == 1 or key[1] in refs)]:
            del self._seen[key]

    def _once(self, key: tuple[Any, ...], look: Callable[[], Any]) -> Any:
        if key not in self._seen:
            self._seen[key] = look()
        return self._seen[key]

    def _rows(self, what: str, ref: str, look: Callable[[netlink.Socket], Any]) -> Any:
        return self._once((what, ref), lambda: look(self.socket(ref)) if self.exists(ref) else [])

    def links(self, ref: str) -> list[packed.LinkRow]:
        return list(self._rows("links", ref, reader.links))

    def addresses(self, ref: str, families: Iterable[int]) -> Iterator[packed.AddressRow]:
        """Those of AF_INET, AF_INET6; 0 stands for all."""
        for family in families:
            yield from self._rows(f"addresses {family}", ref, partial(reader.addresses, family=family))

    def routes(self, ref: str, parts: Iterable[tuple[int, int]]) -> Iterator[packed.RouteRow]:
        """Those of (family, table), where table 0 stands for all."""
        for family, table in parts:
            look = partial(reader.routes, family=family, table=table)
            yield from self._rows(f"routes {family} {table}", ref, look)

    def neighbors(self, ref: str) -> list[packed.NeighborRow]:
        return list(self._rows("neighbors", ref, reader.neighbors))

    def fdb(self, ref: str) -> list[packed.FdbRow]:
        return list(self._rows("fdb", ref, reader.fdb))

    def rules(self, ref: str) -> list[Any]:
        return list(self._rows("rules", ref, reader.rules))

    def ipsets(self, ref: str) -> Mapping[str, ipset.Header]:
        found: Mapping[str, ipset.Header] = self._once(
            ("ipsets", ref), lambda: ipset.headers(self.inside(ref)) if self.exists(ref) else {}
        )
        return found

    def ipset_entries(self, ref: str, name: str, read: Callable[[list[str]], Any]) -> Any:
        """What `read` makes of the entries of a set, which it gets in the words of ipset(8)."""
        return self._once(("ipset", ref, name), lambda: read(ipset.entries(self.inside(ref), name)))

    def has_ipvs(self) -> bool:
        return ipvs.family_of(self.socket("", netlink.NETLINK_GENERIC)) is not None

    def ipvs_services(self, ref: str) -> list[ipvs.ServiceRow]:
        def look() -> list[ipvs.ServiceRow]:
            return ipvs.services(self.socket(ref, netlink.NETLINK_GENERIC)) if self.exists(ref) else []

        return list(self._once(("ipvs", ref), look))

    def ipvs_servers(self, ref: str, service: ipvs.ServiceId) -> list[ipvs.ServerRow]:
        look = partial(ipvs.servers, self.socket(ref, netlink.NETLINK_GENERIC), service)
        return list(self._once(("ipvs servers", ref, service), look))

    def iptables(self, ref: str, family: str, backend: str) -> tuple[xtables.Tables, frozenset[str]]:
        """What iptables shows, and the tables that it cannot show."""
        found: tuple[xtables.Tables, frozenset[str]] = self._once(
            ("xtables", ref, family, backend),
            lambda: xtables.read(self.iptables_at(ref, family, backend)) if self.exists(ref) else ({}, frozenset()),
        )
        return found

    def iptables_elsewhere(self, ref: str, family: str, backend: str) -> tuple[str, xtables.Tables]:
        """The name of the other backend, and what it holds."""
        found: tuple[str, xtables.Tables] = self._once(
            ("xtables elsewhere", ref, family, backend),
            lambda: xtables.others(self.iptables_at(ref, family, backend)) if self.exists(ref) else ("", {}),
        )
        return found

    def iptables_at(self, ref: str, family: str, backend: str) -> xtables.Place:
        return xtables.Place(self.inside(ref), family, backend)

    def port_vlans(self, ref: str, index: int) -> tuple[tuple[int, bool, bool], ...]:
        found: Mapping[int, tuple[tuple[int, bool, bool], ...]] = self._rows("vlans", ref, reader.vlans) or {}
        return found.get(index, ())

    def read_sysctls(self, ref: str, names: Iterable[str]) -> dict[str, str | None]:
        return sysctl.read(self.fd(ref) if ref else None, names) if self.exists(ref) else {}

    def has_ipv6(self) -> bool:
        """Whether the kernel was built and started with IPv6."""
        return os.path.isdir("/proc/sys/net/ipv6")

    def write_sysctls(self, ref: str, values: Mapping[str, str]) -> None:
        sysctl.write(self.fd(ref) if ref else None, values)

    @contextmanager
    def sysctls_on(self, ref: str, names: Sequence[str]) -> Iterator[None]:
        """Switches those that are 0 to 1 for a while; those that the kernel does not have are left out."""
        found = self.read_sysctls(ref, names) if names else {}
        off = {name: value for name, value in found.items() if value == "0"}
        if off:
            self.write_sysctls(ref, dict.fromkeys(off, "1"))
        try:
            yield
        finally:
            # What went with its link need not be set back.
            left = {name for name, value in self.read_sysctls(ref, off).items() if value is not None} if off else set()
            if left:
                self.write_sysctls(ref, {name: value for name, value in off.items() if name in left})

    # -- names and numbers

    def index(self, ref: str, name: str) -> int:
        """The index of a link. Raises KernelError if there is none: to the kernel, 0 can stand for all links."""
        found: Mapping[str, int] = self._once(
            ("indexes", ref), lambda: {row.name: row.index for row in self.links(ref)}
        )
        if name not in found:
            raise KernelError(errno.ENODEV, words=f"there is no link '{name}'")
        return found[name]

    def kind(self, ref: str, name: str) -> str:
        """The type of a link; '' for none."""
        found: Mapping[str, str] = self._once(("kinds", ref), lambda: {row.name: row.kind for row in self.links(ref)})
        return found.get(name, "")

    def link_names(self, ref: str) -> Mapping[int | None, str]:
        """Index → name of the links of a namespace."""
        found: Mapping[int | None, str] = self._once(
            ("names", ref), lambda: {row.index: row.name for row in self.links(ref)}
        )
        return found

    def link_name(self, ref: str, index: int | None) -> str:
        """The name of a link; 'if7' for one that cannot be seen from here."""
        return self.link_names(ref).get(index) or f"if{index}"

    def device_name(self, ref: str, row: packed.LinkRow, index: int) -> str:
        """The name of a link that a tunnel's data refers to: in the namespace that its outer packets travel in."""
        return self.link_name(self.netns_by_id(ref, row.link_netnsid), index)

    def netns_by_id(self, ref: str, nsid: int | None) -> str:
        """The namespace that another one knows under a number (RTM_GETNSID); '?' if none that is open or has a name."""
        if nsid is None:
            return ref
        known = self._nsids.setdefault(ref, {})
        if nsid not in known:
            rest = self._once(("nsids", ref), lambda: self._unknown(ref, set(known.values())))
            while nsid not in known and (some := list(islice(rest, _AT_ONCE))):
                numbers = reader.netnsids(self.socket(ref), [self.fd(candidate) for candidate in some])
                for number, candidate in zip(numbers, some):
                    if number is not None:
                        # What is open comes first, under the reference that the others use.
                        known.setdefault(number, candidate)
        return known.get(nsid, "?")

    def _unknown(self, ref: str, known: set[str]) -> Iterator[str]:
        """The namespaces that may have a number which was not asked for yet; what is held open keeps its number."""
        for candidate in self._candidates():
            if candidate != ref and candidate not in known and self.exists(candidate):
                yield candidate

    def _candidates(self) -> Iterator[str]:
        """The namespaces that are open, then those that have names."""
        yield from (opened := self.refs())
        names: list[str] = self._once(("netns names",), self.netns_names)
        yield from sorted(set(names).difference(opened))

    def veth_peer(self, ref: str, row: packed.LinkRow) -> tuple[str, str]:
        """Namespace and name of the other end; ('?', 'if7') if it is out of sight."""
        seen: dict[tuple[str, int | None], tuple[str, str]] = self._once(("veth ends",), dict)
        if (ref, row.index) in seen:
            return seen[ref, row.index]
        other = self.netns_by_id(ref, row.link_netnsid)
        if other == "?":
            return other, f"if{row.link}"
        # Who is the peer's peer needs no look from there.
        seen[other, row.link] = (ref, row.name)
        return other, self.link_name(other, row.link)
