# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces: references, life and death, and that nothing leaks into the calling thread."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
import subprocess
from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    InputError,
    KernelError,
    MissingError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import netns, sysctl
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.places import Places

RUN = Path(netns.NETNS_DIR)


def _links() -> list[str]:
    return sorted(name for _unused, name in socket.if_nameindex())


def test_created_namespaces_are_those_of_iproute2(private: None) -> None:
    fds = netns.create_many(["one", "two"])
    subprocess.run(["ip", "netns", "add", "three"], check=True)
    subprocess.run(["ip", "-n", "two", "link", "add", "v0", "type", "veth"], check=True)
    assert netns.names() == ["one", "three", "two"]
    assert netns.run_in(fds["two"], _links) == ["lo", "v0", "veth0"]
    assert netns.run_in(fds["one"], _links) == _links() == ["lo"]
    assert len({netns.identity(fd) for fd in (*fds.values(), netns.open_ref(""))}) == 3
    assert netns.identity(netns.open_ref("two")) == netns.identity(fds["two"])
    subprocess.run(["ip", "netns", "del", "one"], check=True)
    for name in ("two", "three", "one", "never there"):
        netns.delete(name)
    assert netns.names() == [] and not list(RUN.iterdir())


def test_deletion_reaches_mount_namespaces_copied_before(private: None) -> None:
    netns.create("one")
    command = [
        "unshare",
        "--mount",
        "--propagation",
        "slave",
        "sh",
        "-c",
        "echo; read x; cat /proc/self/mounts",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as copy:
        assert copy.stdout is not None and copy.stdin is not None
        copy.stdout.readline()
        netns.delete("one")
        copy.stdin.write("\n")
        copy.stdin.close()
        assert "/run/netns/one" not in copy.stdout.read()


@pytest.mark.parametrize("leave", [Path.touch, lambda path: path.symlink_to("/etc/passwd")])
def test_leftovers_of_a_crash_are_replaced(private: None, leave: object) -> None:
    RUN.mkdir()
    leave(RUN / "one")  # type: ignore[operator]
    leave(RUN / "two")  # type: ignore[operator]
    assert netns.names() == []
    with pytest.raises(MissingError, match="is not a network namespace"):
        netns.open_ref("one")
    netns.create("one")
    netns.delete("two")
    assert netns.names() == os.listdir(RUN) == ["one"]
    assert Path("/etc/passwd").read_text()


def test_creation_is_all_or_nothing(private: None) -> None:
    netns.create("taken")
    open_before = os.listdir("/proc/self/fd")
    with pytest.raises(KernelError) as caught:
        netns.create_many(["one", "taken", "two"])
    assert caught.value.errno == errno.EEXIST and str(caught.value).startswith("create netns 'taken': ")
    assert netns.names() == os.listdir(RUN) == ["taken"]
    assert os.listdir("/proc/self/fd") == open_before


def test_what_fails_inside_is_raised_outside(private: None) -> None:
    fd = netns.create("one")
    with pytest.raises(ZeroDivisionError):
        netns.run_in(fd, lambda: 1 // 0)
    with pytest.raises(KernelError, match="enter the netns"):
        netns.run_in(os.open("/dev/null", os.O_RDONLY), _links)


def test_more_namespaces_than_the_soft_limit_of_files(private: None) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))
    fds = netns.create_many([f"n{number}" for number in range(100)])
    assert len(netns.open_sockets(list(fds.values()))) == 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    with pytest.raises(MissingError, match="ulimit"):
        netns.open_sockets(list(fds.values()))


def test_without_privileges_nothing_is_created(private: None) -> None:
    os.chmod("/run", 0o777)
    _drop_capabilities()
    with pytest.raises(MissingError, match="CAP_SYS_ADMIN"):
        netns.create("one")
    with pytest.raises(MissingError, match="CAP_SYS_ADMIN"):
        netns.run_in(netns.open_ref(""), _links)
    assert not (RUN / "one").exists()


def _drop_capabilities() -> None:
    """Empty the effective set, which is what counts; the user stays as it is."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0


@pytest.mark.parametrize(
    "ref", ["..", ".", "a/b", "../etc", "a\n", "pid:", "pid:-1", "pid:0", "docker:", "podman:-x", "lxc:", "machine:-H"]
)
def test_ill_formed_references(ref: str) -> None:
    with pytest.raises(InputError):
        netns.open_ref(ref)


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("nowhere", "does not exist"),
        ("/nowhere", "does not exist"),
        ("pid:4194305", "does not exist"),
        ("/etc/passwd", "not a network namespace"),
        ("/dev/null", "not a network namespace"),
        ("/proc/self/ns/mnt", "not a network namespace"),
    ],
)
def test_references_to_nothing(ref: str, says: str) -> None:
    with pytest.raises(MissingError, match=says) as caught:
        netns.open_ref(ref)
    assert ref in str(caught.value)


#: Scheme → program.
ENGINES = {"docker": "docker", "podman": "podman", "lxc": "lxc-info", "machine": "machinectl"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo $PPID", None),
        ("echo 0", "is not running"),
        ("true", "is not running"),
        ("echo no such container: x >&2; exit 1", "no such container: x"),
        ("echo '<no value>'", "no such (container|machine)"),
        ("echo Host is down >&2; exit 1", "Host is down"),
        (None, "is not installed"),
    ],
)
def test_containers(
    engine: str, script: str | None, says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        (tmp_path / ENGINES[engine]).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / ENGINES[engine]).chmod(0o755)
    if says is None:
        assert netns.identity(netns.open_ref(f"{engine}:x")) == netns.identity(netns.open_ref(""))
        return
    with pytest.raises(MissingError, match=f"netns '{engine}:x': .*{says}"):
        netns.open_ref(f"{engine}:x")


@pytest.mark.parametrize(
    ("engine", "said", "says"),
    [
        ("lxc", "x doesn't exist", "no such container"),
        ("machine", "Could not get path to machine: No machine 'x' known", "no such machine"),
    ],
)
def test_unknown_ones_are_gone(
    engine: str, said: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the programs of Debian 12 say it; others' words must not look as if the container were gone."""
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / ENGINES[engine]
    program.touch(mode=0o755)
    program.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    with pytest.raises(MissingError, match=f"^netns '{engine}:x': {says}$"):
        netns.open_ref(f"{engine}:x")
    assert Places().is_gone(f"{engine}:x")
    program.write_text("#!/bin/sh\necho Host is down >&2\nexit 1\n")
    assert not Places().is_gone(f"{engine}:x")


def test_sysctls_of_a_namespace(private: None) -> None:
    fd = netns.create("one")
    dotted, slashed = "net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding"
    subprocess.run(["ip", "-n", "one", "link", "add", "eth0.1", "type", "veth"], check=True)
    sysctl.write(fd, {dotted: True, slashed: 0, "net.ipv4.tcp_rmem": "4096  131072\t6291456 \n"})
    names = [dotted, slashed, "net.ipv4.conf.eth0/1.forwarding", "net.ipv4.tcp_rmem", "net.no_such"]
    assert list(sysctl.read(fd, names).values()) == ["1", "0", "0", "4096 131072 6291456", None]
    assert sysctl.read(None, [dotted, slashed]) == {dotted: "0", slashed: None}
    with pytest.raises(MissingError, match="has no such sysctl"):
        sysctl.write(fd, {"net.no_such": 1})
    with pytest.raises(KernelError) as caught:
        sysctl.write(fd, {dotted: "many"})
    assert caught.value.errno == errno.EINVAL
    subprocess.run(["mount", "--bind", "/proc/sys", "/proc/sys"], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", "/proc/sys"], check=True)
    with pytest.raises(MissingError, match="read-only"):
        sysctl.write(fd, {dotted: 0})


@pytest.mark.parametrize(
    "name",
    [
        "kernel.hostname",
        "net",
        "net.",
        "net..x",
        "net/../kernel/x",
        "net//x",
        ".net.x",
        "net.a b",
        "net.a\n",
        "/net/x",
    ],
)
def test_sysctl_names_stay_below_net(name: str) -> None:
    with pytest.raises(InputError):
        sysctl.write(None, {name: 1})


def test_sysctl_values_are_one_line() -> None:
    with pytest.raises(InputError, match=r"net\.x: "):
        sysctl.write(None, {"net.x": "1\n2"})
