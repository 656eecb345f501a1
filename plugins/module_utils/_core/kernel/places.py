# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces that a run is concerned with: which references stand for the same one, and sockets in each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..canonical import is_name
from ..errors import MissingError
from . import netlink, netns
from .refs import GONE, path_of_ref


class Places:
    """Namespaces that are held open, by the reference that was used for each first.

    The process itself never changes namespace; sockets are opened inside each by a thread of their own.
    """

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}
        # Per namespace, per protocol.
        self._sockets: dict[str, dict[int, netlink.Socket]] = {}
        self._identities: dict[tuple[int, int], str] = {}
        self.fd("")

    def close(self) -> None:
        self._close_sockets()
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()

    def _close_sockets(self) -> None:
        for sockets in self._sockets.values():
            for opened in sockets.values():
                opened.close()
        self._sockets.clear()

    def after_fork(self) -> None:
        """In a child process: sockets of its own, and no hold on namespaces that can be deleted by their names."""
        self._close_sockets()
        for ref in [ref for ref in self._fds if is_name(ref)]:
            os.close(self._fds.pop(ref))
        self._identities = {netns.identity(fd): ref for ref, fd in self._fds.items()}

    def fds(self) -> set[int]:
        """The descriptors of the namespaces that are open."""
        return set(self._fds.values())

    def refs(self) -> list[str]:
        """The references under which namespaces are open."""
        return list(self._fds)

    def inside(self, ref: str) -> int | None:
        """The namespace as programs and sysctls take it: None is the one that the process is in."""
        return self.fd(ref) if ref else None

    def canonical(self, ref: str) -> str:
        """One reference per namespace: '' for the own one, else the first that was used for it."""
        if ref in self._fds or not self.exists(ref):
            return ref
        fd = self.fd(ref)
        known = self._identities.setdefault(netns.identity(fd), ref)
        if known != ref and ref in self._fds:
            os.close(self._fds.pop(ref))
        return known

    def exists(self, ref: str) -> bool:
        """Whether a namespace can be opened; only one given by name may be missing."""
        if ref in self._fds:
            return True
        try:
            self.fd(ref)
        except MissingError:
            if is_name(ref):
                return False
            raise
        return True

    def is_gone(self, ref: str) -> bool:
        """Whether a path, process or container is certainly no more; a name may be made anew, an engine be down."""
        if not ref or is_name(ref):
            return False
        try:
            return not os.path.exists(path_of_ref(ref))
        except MissingError as problem:
            return any(words in str(problem).lower() for words in GONE)

    def fd(self, ref: str) -> int:
        if ref not in self._fds:
            self._remember(ref, netns.open_ref(ref))
        return self._fds[ref]

    def _remember(self, ref: str, fd: int) -> None:
        self._fds[ref] = fd
        self._identities.setdefault(netns.identity(fd), ref)

    def netns_names(self) -> list[str]:
        return netns.names(self._identities)

    def create_netns(self, names: Sequence[str]) -> None:
        for name, fd in netns.create_many(names).items() if names else ():
            self._remember(name, fd)
        self.open_sockets(names)

    def delete_netns(self, name: str) -> None:
        """Lets go of it too, so that the kernel can tear it down."""
        for opened in self._sockets.pop(name, {}).values():
            opened.close()
        if name in self._fds:
            fd = self._fds.pop(name)
            self._identities.pop(netns.identity(fd), None)
            os.close(fd)
        netns.delete(name)

    def socket(self, ref: str, protocol: int = netlink.NETLINK_ROUTE) -> netlink.Socket:
        sockets = self._sockets.setdefault(ref, {})
        if protocol not in sockets:
            sockets[protocol] = netlink.Socket(protocol, self.fd(ref) if ref else None)
        return sockets[protocol]

    def open_sockets(self, refs: Iterable[str]) -> None:
        """Opens the sockets of many namespaces at once, in one thread; that of the own one needs no entering."""
        closed = [ref for ref in refs if ref and netlink.NETLINK_ROUTE not in self._sockets.get(ref, ())]
        wanted = [ref for ref in closed if self.exists(ref)]
        for ref, opened in zip(wanted, netlink.open_many([self.fd(ref) for ref in wanted])):
            self._sockets.setdefault(ref, {})[netlink.NETLINK_ROUTE] = opened
