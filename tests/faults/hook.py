# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands between the collection and the kernel, in a process that a test gives up: counts every call that changes
something, and at one of them kills the process, or has it refused.

It replaces functions of Python's own modules, none of the collection's. A netlink message that is to be refused goes
to the kernel as one that it acknowledges and ignores, and the acknowledgement is changed into the error; so all else
about the exchange, batches above all, is the kernel's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults import calls
from tests.faults.stand_ins import REPLACED, File, library, popen

_CREATES = os.O_CREAT
#: Where temporary files go: where a snapshot sees what is left of them.
TEMPORARY = "/run/temporary"
_OWN = ("/dev/", "/proc/self/fd/")
# Of these programs, the ones that change nothing.
_READS = ("-save", "-terse", "save", "list", "-V", "inspect")


@dataclass(frozen=True)
class Fault:
    """What happens at one call.

    Attributes:
        at: its number, from 1; 0 is none.
        signal: comes when the call is done; SIGSTOP lets others work meanwhile.
        during: a program was just started when the signal comes.
        errno: refuses the call.
        lost: a netlink message is carried out, but its acknowledgement is lost.
        again: the calls that follow are refused too, if they have the same label.
    """

    at: int = 0
    signal: int = 0
    during: bool = False
    errno: int = 0
    lost: bool = False
    again: bool = False


class Hook:
    """Args:
    fault: what happens.
    tell: the descriptor to which the label of each call is written.
    """

    def __init__(self, fault: Fault, tell: int) -> None:
        self.fault = fault
        self._tell = tell
        self._count = 0
        self._label = ""
        self._families: dict[int, str] = {}
        # Socket → sequence number → the error that is to be reported for it.
        self._refused: dict[int, dict[int, int]] = {}
        self._lost: set[int] = set()
        self._scratch: set[int] = set()
        self._inside = threading.local()
        self._write = os.write
        self._readlink = os.readlink

    # -- what happens

    def count(self, label: str) -> bool:
        """Whether it is this call's turn."""
        self._count += 1
        self._write(self._tell, f"{label}\n".encode())
        if self._count == self.fault.at:
            self._label = label
            return True
        return self.fault.again and bool(self._label) and label == self._label

    def die(self) -> None:
        """Or stop, until somebody lets it go on."""
        if self.fault.signal == signal.SIGSTOP:
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self.fault.signal == signal.SIGHUP:
            # A terminal that hangs up tells everything that it started.
            os.killpg(0, signal.SIGHUP)
        os.kill(os.getpid(), self.fault.signal)
        time.sleep(60)

    def call(self, label: str, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Args: label: '' for what changes nothing."""
        if not label or self._depth():
            return work(*args, **options)
        turn = self.count(label)
        if turn and self.fault.errno:
            raise OSError(self.fault.errno, os.strerror(self.fault.errno))
        try:
            with self.within():
                return work(*args, **options)
        finally:
            if turn and self.fault.signal:
                self.die()

    def _depth(self) -> int:
        """How many calls this thread is in."""
        return int(vars(self._inside).get("depth", 0))

    @contextlib.contextmanager
    def within(self) -> Iterator[None]:
        self._inside.depth = self._depth() + 1
        try:
            yield
        finally:
            self._inside.depth -= 1

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What Python itself sees change and did not come through here."""
        if self._depth() or getattr(self._inside, "netlink", False):
            return
        path = arguments[0] if arguments else ""
        if event == "open" and isinstance(path, str):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or not self._class_of(path):
                return
            if not flags & os.O_CREAT:  # what is written counts
                return
        elif event not in _CHANGING:
            return
        self._write(self._tell, f"missed {event} {path}\n".encode())

    # -- files

    def _class_of(self, path: Any) -> str:
        """What kind of file it is; '' for those that are not of interest."""
        text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if isinstance(path, int):
            text = self._readlink(f"/proc/self/fd/{path}")
        if not text.startswith("/") or text.startswith(_OWN):
            return ""
        for beginning, name in (
            ("/proc/sys/", "sysctl"),
            ("/var/lib/containerland", "state"),
            ("/run/netns", "netns"),
            ("/run/containerland", "lock"),
            (TEMPORARY, "temporary"),
        ):
            if text.startswith(beginning):
                return name
        return "other file" if not text.startswith("/proc/") else ""

    def _on_path(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(path: Any, *args: Any, **options: Any) -> Any:
            kind = self._class_of(path)
            # What a run tells of itself is no change, and nothing depends on it.
            harmless = not kind or (name, kind) == ("pwrite", "lock")
            return self.call("" if harmless else f"{name} {kind}", work, path, *args, **options)

        return hooked

    def _open(self, work: Callable[..., int]) -> Callable[..., int]:
        def hooked(path: Any, flags: int, *args: Any, **options: Any) -> int:
            kind = self._class_of(path) if flags & _CREATES else ""
            result: int = self.call(f"create {kind}" if kind else "", work, path, flags, *args, **options)
            return result

        return hooked

    def _fdopen(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(fd: int, mode: str = "r", *args: Any, **options: Any) -> Any:
            file = work(fd, mode, *args, **options)
            return File(self, file, self._class_of(fd)) if set(mode) & set("wax+") else file

        return hooked

    # -- netlink

    def _send(self, sock: Any, work: Callable[..., Any], data: Any, rest: tuple[Any, ...]) -> Any:
        if sock.family != socket.AF_NETLINK:
            return work(sock, data, *rest)
        out = bytearray()
        for message in calls.messages(sock.proto, bytes(data), self._families):
            turn = bool(message.label) and self.count(message.label)
            if turn and self.fault.errno and not self.fault.lost:
                if message.transaction:
                    raise OSError(self.fault.errno, os.strerror(self.fault.errno))
                self._refused.setdefault(id(sock), {})[message.sequence] = self.fault.errno
                out += message.defused()
                continue
            out += message.data
            if turn and self.fault.lost:
                self._lost.add(id(sock))
            if turn and self.fault.signal:
                self._pass_on(sock, work, out, rest)
                self.die()
                out = bytearray()
        if out:
            self._pass_on(sock, work, out, rest)
        return len(data)

    def _pass_on(self, sock: Any, work: Callable[..., Any], data: bytes | bytearray, rest: tuple[Any, ...]) -> None:
        self._inside.netlink = True
        try:
            work(sock, bytes(data), *rest)
        finally:
            self._inside.netlink = False

    def _received(self, sock: Any, buffer: memoryview) -> None:
        """Learns families' numbers from the answer, and changes acknowledgements of what was to be refused."""
        refused = self._refused.get(id(sock), {})
        at = 0
        while at + calls.HEADER.size <= len(buffer):
            length, kind, _flags, sequence, _port = calls.HEADER.unpack_from(buffer, at)
            if length < calls.HEADER.size:
                return
            if kind == calls.ERROR and sequence in refused:
                struct.pack_into("=i", buffer, at + calls.HEADER.size, -refused.pop(sequence))
            if sock.proto == 16 and (family := calls.family_in(bytes(buffer[at : at + length]))):
                self._families[family[0]] = family[1]
            at += length + 3 & ~3

    def _receive(self, sock: Any, work: Callable[..., Any], buffer: Any, *rest: Any) -> Any:
        if sock.family != socket.AF_NETLINK:
            return work(sock, buffer, *rest)
        if id(sock) in self._lost:
            self._lost.discard(id(sock))
            with contextlib.suppress(BlockingIOError):
                while True:
                    work(sock, buffer, 0, socket.MSG_DONTWAIT)
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        size = work(sock, buffer, *rest)
        self._received(sock, memoryview(buffer).cast("B")[: min(size, len(buffer))])
        return size

    # -- programs

    def program(self, arguments: Any) -> str:
        """What the start of a program is called; '' for one that changes nothing."""
        words = [str(word) for word in arguments]
        name = os.path.basename(words[0])
        if name.endswith("-save") or any(word in _READS for word in words[1:3]):
            return ""
        inode = os.stat("/proc/thread-self/ns/net").st_ino
        label = f"ipset {words[-1]}" if name == "ipset" else name
        return f"{label} (scratch)" if inode in self._scratch else label

    def unshare(self, work: Callable[..., int]) -> Callable[..., int]:
        def hooked(*args: Any) -> int:
            result = work(*args)
            self._scratch.add(os.stat("/proc/thread-self/ns/net").st_ino)
            return result

        return hooked

    def mounted(self, source: Any) -> None:
        """A namespace that has a name is no scratch namespace."""
        if source == b"/proc/thread-self/ns/net":
            self._scratch.discard(os.stat(source).st_ino)

    # -- all of it

    def install(self) -> None:
        os.makedirs(TEMPORARY, exist_ok=True)
        tempfile.tempdir = TEMPORARY
        # os.makedirs calls os.mkdir.
        for name in REPLACED["os"] - {"open", "fdopen", "makedirs"}:
            setattr(os, name, self._on_path(name, getattr(os, name)))
        os.open = self._open(os.open)
        os.fdopen = self._fdopen(os.fdopen)
        self._install_sockets()
        ctypes.CDLL = library(self, ctypes.CDLL)  # type: ignore[misc]
        subprocess.Popen = popen(self, subprocess.Popen)  # type: ignore[misc]
        sys.addaudithook(self.audit)

    def _install_sockets(self) -> None:
        def sending(name: str) -> Callable[..., Any]:
            work = getattr(socket.socket, name)
            return lambda sock, data, *rest: self._send(sock, work, data, rest)

        for name in ("send", "sendall", "sendto"):
            setattr(socket.socket, name, sending(name))
        gathered = socket.socket.sendmsg

        def sendmsg(sock: Any, parts: Any, *rest: Any) -> Any:
            return self._send(sock, lambda s, data, *more: gathered(s, [data], *more), b"".join(parts), rest)

        receive_into, receive = socket.socket.recv_into, socket.socket.recv

        def recv(sock: Any, size: int, flags: int = 0) -> bytes:
            if sock.family != socket.AF_NETLINK:
                return receive(sock, size, flags)
            buffer = bytearray(size)
            return bytes(buffer[: self._receive(sock, receive_into, buffer, 0, flags)])

        def recv_into(sock: Any, buffer: Any, nbytes: int = 0, flags: int = 0) -> Any:
            return self._receive(sock, receive_into, buffer, nbytes, flags)

        socket.socket.sendmsg = sendmsg  # type: ignore[method-assign]
        socket.socket.recv = recv  # type: ignore[method-assign]
        setattr(socket.socket, "recv_into", recv_into)  # noqa: B010  # mypy knows another signature


#: Events of Python's own audit (audit_events in its documentation) that tell of a change.
_CHANGING = frozenset(
    {
        *("os.remove", "os.mkdir", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod"),
        *("os.chown", "os.setxattr", "os.exec", "os.posix_spawn", "os.system", "os.spawn", "subprocess.Popen"),
        *("socket.sendto", "socket.sendmsg"),
    }
)
