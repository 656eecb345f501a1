# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces without forking: find, create, delete and work inside them.

Whatever enters a namespace runs in a short-lived thread; the calling thread never leaves its own, so a
failure cannot strand the process elsewhere. The layout of /run/netns is iproute2's, so that ``ip netns`` sees
the same names.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
import socket
import stat
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import KernelError, MissingError
from . import open_files
from .refs import NETNS_DIR, path_of_name, path_of_ref

CLONE_NEWNET = 0x40000000

_NS_GET_NSTYPE = 0xB703
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 0x2, 0x8
_NOT_ALLOWED = (errno.EPERM, errno.EACCES)

Result = TypeVar("Result")


def open_ref(ref: str) -> int:
    """Open the namespace that a reference names.

    Args:
        ref: "" (the calling process's own), a name in /run/netns, an absolute path, ``pid:N``, ``docker:X``
            or ``podman:X``.

    Returns:
        A close-on-exec file descriptor; the caller closes it.

    Raises:
        InputError: the reference is not well formed.
        MissingError: there is no such namespace, or no permission to open it.
        KernelError: EMFILE, too many are open.
    """
    path = path_of_ref(ref)
    shown = f"netns '{ref}'" if ref else "the own netns"
    try:
        # Opening a device or a FIFO can act or block; a namespace is always a regular file of nsfs.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise MissingError(f"{shown}: '{path}' is not a network namespace")
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _missing(shown, path, error) from None
    if not _is_namespace_fd(fd):
        os.close(fd)
        raise MissingError(f"{shown}: '{path}' is not a network namespace (a stale file?)")
    try:
        open_files.keep_room(fd)
    except KernelError:
        os.close(fd)
        raise
    return fd


def create(name: str) -> int:
    """One namespace; see `create_many`."""
    return create_many([name])[name]


def create_many(names: Iterable[str]) -> dict[str, int]:
    """Create named namespaces, all of them or none.

    A plain file of that name, left by a crash between its creation and the mount, is replaced.

    Raises:
        InputError: a name is not usable.
        KernelError: EEXIST if a namespace of that name exists, or what else the kernel refused.
        MissingError: the process lacks CAP_SYS_ADMIN.
    """
    wanted = list(names)
    for name in wanted:
        path_of_name(name)
    open_files.allow(len(wanted))
    with _directory_locked():
        return _in_thread(_create_here, wanted)


def open_scratch() -> int:
    """A new namespace without a name, as a descriptor; it ends when that is closed.

    Raises:
        MissingError: the process lacks CAP_SYS_ADMIN.
    """
    return _in_thread(_open_scratch_here)


def delete(name: str) -> None:
    """Unmount and remove /run/netns/<name>; one that is already gone, or a stale plain file, is no error."""
    path = path_of_name(name)
    action = f"delete netns '{name}'"
    # A race of early iproute2 versions stacks mounts; each has to go before the file can.
    unmounted = False
    while _libc().umount2(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
        unmounted = True
    number = ctypes.get_errno()
    if not unmounted and number not in (errno.EINVAL, errno.ENOENT):
        raise _refused(number, action)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        # Without its mount it is gone, and nothing brings it back; `clear` removes the file.
        if not unmounted:
            raise _refused(error.errno or errno.EIO, action) from None


def clear(name: str) -> None:
    """Remove the plain file that a run left which was killed between a mount point and its mount, if there is one."""
    path = path_of_name(name)
    try:
        directory = os.open(NETNS_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        # Who makes a namespace holds this lock (netns_add in iproute2's ip/ipnetns.c); then it is no leftover.
        fcntl.flock(directory, fcntl.LOCK_EX)
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode) and found.st_dev == os.fstat(directory).st_dev:
            os.unlink(path)
    except OSError:
        pass
    finally:
        os.close(directory)


def names(known: Container[tuple[int, int]] = ()) -> list[str]:
    """The names under /run/netns that are namespaces, sorted; stale files are left out.

    Args:
        known: identities of namespaces that are open: they need not be opened to see what they are.
    """
    try:
        found = os.listdir(NETNS_DIR)
    except FileNotFoundError:
        return []
    return sorted(name for name in found if _is_one_of(f"{NETNS_DIR}/{name}", known))


def _is_one_of(path: str, known: Container[tuple[int, int]]) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) in known or is_namespace(path)


def is_namespace(path: str) -> bool:
    """Whether a path leads to a network namespace; False also for what cannot be opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return _is_namespace_fd(fd)
    finally:
        os.close(fd)


def identity(fd: int) -> tuple[int, int]:
    """Device and inode: equal exactly for descriptors of the same namespace."""
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def run_in(fd: int, func: Callable[..., Result], *args: Any) -> Result:
    """Call func(*args) in a thread inside the namespace, and return or raise what it does."""

    def inside() -> Result:
        _setns(fd)
        return func(*args)

    return _in_thread(inside)


def open_sockets(fds: Sequence[int], protocol: int = 0) -> list[socket.socket]:
    """One raw netlink socket per namespace (protocol 0 is NETLINK_ROUTE), all opened by one thread."""
    open_files.allow(len(fds))
    return _in_thread(_open_sockets_here, fds, protocol)


def _open_sockets_here(fds: Sequence[int], protocol: int) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for fd in fds:
            _setns(fd)
            opened.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol))
    except BaseException as error:
        for sock in opened:
            sock.close()
        if isinstance(error, OSError):
            raise _refused(error.errno or errno.EIO, "open a netlink socket") from None
        raise
    return opened


def _create_here(wanted: Sequence[str]) -> dict[str, int]:
    """Body of `create_many`; leaves its thread in the last new namespace, so the thread must end."""
    made: dict[str, int] = {}
    try:
        for name in wanted:
            made[name] = _create_one_here(name)
    except BaseException:
        for name, fd in made.items():
            os.close(fd)
            delete(name)
        raise
    return made


def _open_scratch_here() -> int:
    _call("unshare", "create a scratch netns", CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _create_one_here(name: str) -> int:
    path = f"{NETNS_DIR}/{name}"
    action = f"create netns '{name}'"
    _create_mount_point(path, action)
    try:
        _call("unshare", action, CLONE_NEWNET)
        _call("mount", action, b"/proc/thread-self/ns/net", os.fsencode(path), b"none", _MS_BIND, None)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except BaseException as error:
        delete(name)
        if isinstance(error, OSError):
            raise _refused(error.errno or errno.EIO, action) from None
        raise


def _create_mount_point(path: str, action: str) -> None:
    for last_try in (False, True):
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
            return
        except FileExistsError:
            if last_try or is_namespace(path):
                raise KernelError(errno.EEXIST, action) from None
            try:
                os.unlink(path)
            except OSError as error:
                raise _refused(error.errno or errno.EIO, action) from None
        except OSError as error:
            raise _refused(error.errno or errno.EIO, action) from None


@contextmanager
def _directory_locked() -> Iterator[None]:
    """Make /run/netns a shared mount point, as ``ip netns add`` does, and hold the lock that it takes.

    Without shared propagation, a namespace deleted here would stay mounted, and alive, in every mount
    namespace that was copied in the meantime. Source: iproute2, ip/ipnetns.c, netns_add().
    """
    action = f"prepare {NETNS_DIR}"
    try:
        os.makedirs(NETNS_DIR, 0o755, exist_ok=True)
        lock = os.open(NETNS_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(error.errno or errno.EIO, action) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _share_directory(action)
        yield
    finally:
        os.close(lock)


def _share_directory(action: str) -> None:
    directory = os.fsencode(NETNS_DIR)
    if _libc().mount(b"", directory, b"none", _MS_SHARED | _MS_REC, None) == 0:
        return
    if ctypes.get_errno() != errno.EINVAL:  # EINVAL: not a mount point yet
        raise _refused(ctypes.get_errno(), action)
    _call("mount", action, directory, directory, b"none", _MS_BIND | _MS_REC, None)
    _call("mount", action, b"", directory, b"none", _MS_SHARED | _MS_REC, None)


def _is_namespace_fd(fd: int) -> bool:
    try:
        return fcntl.ioctl(fd, _NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        return False


def _missing(shown: str, path: str, error: OSError) -> MissingError:
    if error.errno in _NOT_ALLOWED:
        return MissingError(f"{shown}: not allowed to open '{path}', which needs root (CAP_SYS_PTRACE)")
    if error.errno in (errno.ENOENT, errno.ESRCH, errno.ENOTDIR):
        return MissingError(f"{shown} does not exist ('{path}' not found)")
    return MissingError(f"{shown}: cannot open '{path}': {error.strerror}")


def _refused(number: int, action: str) -> KernelError | MissingError:
    if number in _NOT_ALLOWED:
        return MissingError(f"{action}: not permitted; this needs root (CAP_SYS_ADMIN) on the node")
    return KernelError(number, action)


def _setns(fd: int) -> None:
    _call("setns", "enter the netns", fd, CLONE_NEWNET)


def _call(function: str, action: str, *args: Any) -> None:
    if getattr(_libc(), function)(*args):
        raise _refused(ctypes.get_errno(), action)


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount.argtypes = (ctypes.c_char_p,) * 3 + (ctypes.c_ulong, ctypes.c_char_p)
    libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
    libc.unshare.argtypes = (ctypes.c_int,)
    libc.setns.argtypes = (ctypes.c_int, ctypes.c_int)
    return libc


def _in_thread(func: Callable[..., Result], *args: Any) -> Result:
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.extend((True, func(*args)))
        except BaseException as error:  # raised again in the calling thread
            outcome.extend((False, error))

    thread = threading.Thread(target=body, name="containerland-netns")
    thread.start()
    thread.join()
    if not outcome[0]:
        raise outcome[1]
    result: Result = outcome[1]
    return result
