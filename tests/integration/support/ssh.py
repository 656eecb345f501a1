# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node with sshd, and a controller in a namespace of its own: the test's namespace is the node."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.integration.support.kernel import sh
from tests.integration.support.run import CHECKOUT, Options

NODE, CONTROLLER = "192.0.2.1", "192.0.2.100"
# Not in a directory that snapshots look into.
HOME = Path("/mnt/lab")
GUARD, LOCK = "/run/containerland.guard", "/run/containerland.lock"
PATIENCE = 60

# Connections are tracked from the beginning, and replies that begin one carry a mark that routes can tell.
NETWORK = f"""
ip link set lo up
ip netns add controller
ip link add node0 type veth peer name eth0 netns controller
ip address add {NODE}/24 dev node0
ip link set node0 up
ip -n controller address add {CONTROLLER}/24 dev eth0
ip -n controller link set eth0 up
ip -n controller link set lo up
for program in iptables iptables-legacy; do
    $program -t mangle -A OUTPUT -p tcp --sport 22 --tcp-flags SYN SYN -j MARK --set-mark 7 || continue
    $program -t mangle -A OUTPUT -m conntrack --ctstate INVALID -j DROP && break
done
"""
KEYS = f"""
mount -t tmpfs lab /mnt
mkdir -p {HOME} /run/sshd
ssh-keygen -q -t ed25519 -N '' -f {HOME}/host
ssh-keygen -q -t ed25519 -N '' -f {HOME}/key
"""
SSHD = f"""
ListenAddress {NODE}
HostKey {HOME}/host
AuthorizedKeysFile {HOME}/key.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""
# In place of ssh: `hold` keeps the controller from going on when it resets its connection, `cut` makes the next
# command lose its connection after it has run.
WRAPPER = f"""#!/bin/sh
case " $* " in
*" -O "*)
    [ ! -e {HOME}/hold ] || {{ mv {HOME}/hold {HOME}/held; exec sleep 1000; }} ;;
*)
    [ ! -e {HOME}/cut ] || {{ rm {HOME}/cut; ssh "$@" >/dev/null 2>&1; exit 255; }} ;;
esac
exec ssh "$@"
"""


class Lab:
    """Made by a test inside its own namespaces; ends with `close`."""

    def __init__(self) -> None:
        sh(NETWORK + KEYS)
        (HOME / "sshd_config").write_text(SSHD)
        (HOME / "ssh").write_text(WRAPPER)
        (HOME / "ssh").chmod(0o755)
        self._sshd = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-f", str(HOME / "sshd_config")], stdin=subprocess.DEVNULL
        )
        self._running: list[subprocess.Popen[str]] = []
        eventually(_answers, "sshd does not listen")

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            if process.poll() is None:
                self.kill(process)
        subprocess.run(
            ["ssh", "-O", "exit", "-o", f"ControlPath={HOME}/control", NODE], capture_output=True, check=False
        )
        self._sshd.kill()
        self._sshd.wait()

    def start(self, module: str, options: Options, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`ansible node -m module`, on the controller, with more arguments of `ansible`."""
        task = ["-m", f"containerland.net.{module}", "-a", json.dumps(options)]
        return self._start("adhoc", ["node", *task, *arguments], environment)

    def ansible(self, module: str, options: Options, *arguments: str, **environment: str) -> dict[str, Any]:
        """The task's result, with `status` (CHANGED, SUCCESS, FAILED, UNREACHABLE) and what was printed as `said`."""
        return finished(self.start(module, options, *arguments, **environment))

    def play(self, path: Path) -> None:
        """Runs a playbook, which has to succeed."""
        process = self._start("playbook", [str(path)], {})
        said, _none = process.communicate()
        assert process.returncode == 0, said

    def _start(self, program: str, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
        words = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i", f"{HOME}/key"]
        words += ["-o", f"ControlPath={HOME}/control", "-o", "LogLevel=ERROR", "-F", "none"]
        words += ["-o", "ControlMaster=auto", "-o", "ControlPersist=60s"]
        variables = f"ansible_host={NODE} ansible_user=root ansible_python_interpreter={sys.executable}"
        process = subprocess.Popen(
            [
                *("ip", "netns", "exec", "controller", sys.executable, "-m", "ansible", program),
                *("-i", "node,", "-e", variables, *arguments),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd="/",
            env={
                **os.environ,
                "HOME": str(HOME),
                "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".collections"),
                "ANSIBLE_REMOTE_TEMP": f"{HOME}/remote",
                "ANSIBLE_SSH_ARGS": " ".join(words),
                "ANSIBLE_SSH_EXECUTABLE": str(HOME / "ssh"),
                "ANSIBLE_TIMEOUT": "2",
                "ANSIBLE_PIPELINING": "true",
                "ANSIBLE_NOCOLOR": "1",
                **environment,
            },
        )
        self._running.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """The controller and all that it has started; its workers are in sessions of their own."""
        for pid in _family(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _family(pid: int) -> list[int]:
    """A process and what descends from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return [pid]
    return [pid, *(found for child in children for found in _family(int(child)))]


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, _none = process.communicate()
    found = re.search(r"^node \| (\w+)!?(?: =>|:) (.*)", said, re.MULTILINE | re.DOTALL)
    assert found is not None, said
    status, text = found.groups()
    result = json.loads(text) if text.startswith("{") else {"msg": text}
    return {**result, "status": status, "said": said}


def eventually(true: Callable[[], object], problem: str) -> None:
    """Looks a bounded number of times."""
    for _turn in range(PATIENCE * 10):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(problem)


def watchers() -> list[int]:
    """The processes of this test that have a file of the guard open, or the node's lock; parents first."""
    found, here = [], os.stat("/proc/self/ns/mnt").st_ino
    for name in os.listdir("/proc"):
        try:
            if not name.isdigit() or os.stat(f"/proc/{name}/ns/mnt").st_ino != here or int(name) == os.getpid():
                continue
            opened = [os.readlink(f"/proc/{name}/fd/{fd}") for fd in os.listdir(f"/proc/{name}/fd")]
        except OSError:
            continue
        if any(path.startswith((f"{GUARD}/", LOCK)) for path in opened):
            found.append(int(name))
    return sorted(found)


def traces() -> list[str]:
    """What a guard leaves in the file system."""
    return [path for path in (GUARD, LOCK) if os.path.exists(path)]


def gone() -> None:
    """No process and no file of a guard is left."""
    eventually(lambda: not watchers() and not traces(), f"left behind: {watchers()} {traces()}")


def _answers() -> bool:
    try:
        socket.create_connection((NODE, 22), timeout=1).close()
    except OSError:
        return False
    return True
