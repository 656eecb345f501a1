# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways to run a command inside a network namespace, and to find it again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from .errors import ContainerlandError, MissingError
from .kernel import netns
from .kernel.refs import path_of_ref

SYSTEMD_MARK = "/run/systemd/system"
PATIENCE, LAST_PATIENCE = 5.0, 60.0  # seconds after the polite signal, and after the final one
ACTIVE = ("active", "activating", "reloading")
# Restarted after a second, so that a command that fails at once costs little.
_LOOP = 'while :; do "$@"; sleep 1; done'
# Files that a namespace has of its own, as ip-netns(8) shows them to what it runs.
OWN_FILES = "/etc/netns"
_SHOW_OWN_FILES = """
mount --make-rslave /
for file in "$0"/*; do [ ! -e "/etc/${file##*/}" ] || mount --bind "$file" "/etc/${file##*/}"; done
exec "$@"
"""


@dataclass(frozen=True)
class Command:
    """A command and where it runs; `identity` is the namespace's device and inode, `pid` and `started` the process."""

    name: str
    netns: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    identity: tuple[int, ...] = ()
    supervisor: str = ""
    pid: int = 0
    started: int = 0

    def same_as(self, other: Command) -> bool:
        """Whether it is the same command in the same namespace, run the same way."""
        return replace(self, pid=0, started=0) == replace(other, pid=0, started=0)


class Supervisor(Protocol):
    """A way to run commands."""

    name: str

    def running(self, commands: Sequence[Command]) -> set[str]:
        """The names of those that run."""

    def start(self, command: Command) -> Command:
        """Start one, and return it with what is needed to find it again."""

    def remaining(self, commands: Sequence[Command]) -> set[str]:
        """The names of those of which anything runs, the supervision perhaps not."""

    def stop(self, commands: Sequence[Command]) -> None:
        """Stop them, and wait until they have ended."""


class Loop:
    """Runs a command in a shell loop that is the leader of its own session."""

    name = "loop"

    def running(self, commands: Sequence[Command]) -> set[str]:
        return {c.name for c in commands if c.pid and _started(c.pid) == c.started}

    def start(self, command: Command) -> Command:
        fd = netns.open_ref(command.netns)
        try:
            # A child is born into the namespace of the thread that makes it.
            process = netns.run_in(fd, _spawn, command)
        finally:
            os.close(fd)
        return replace(command, pid=process.pid, started=_started(process.pid))

    def remaining(self, commands: Sequence[Command]) -> set[str]:
        living = _living_groups()
        return {c.name for c in commands if c.pid in living and _is_ours(c, living[c.pid])}

    def stop(self, commands: Sequence[Command]) -> None:
        names = self.remaining(commands)
        groups = {c.pid for c in commands if c.name in names}
        for number, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, LAST_PATIENCE)):
            for group in groups:
                _signal_group(group, number)
            deadline = time.monotonic() + patience
            while groups and time.monotonic() < deadline:
                groups &= set(_living_groups())
                if groups:
                    time.sleep(0.02)
        if groups:
            raise ContainerlandError(f"stop commands: the processes {sorted(groups)} do not end")


class Systemd:
    """Runs a command as a transient unit."""

    name = "systemd"

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def unit(self, command: Command) -> str:
        return f"containerland-{self.owner}-{command.name}.service"

    def running(self, commands: Sequence[Command]) -> set[str]:
        if not commands:
            return set()
        done = _run(["systemctl", "is-active", "--", *(self.unit(c) for c in commands)], check=False)
        states = done.stdout.split()
        return {c.name for c, state in zip(commands, states) if state in ACTIVE}

    def remaining(self, commands: Sequence[Command]) -> set[str]:
        return self.running(commands)

    def start(self, command: Command) -> Command:
        arguments = ["systemd-run", "--quiet", "--collect", f"--unit={self.unit(command)}"]
        arguments += [f"--description=containerland.net: {command.name}", "--property=Restart=always"]
        # Without a limit, as the loop has none: by default, five failures in ten seconds are the end.
        arguments += ["--property=RestartSec=1", "--property=StartLimitIntervalSec=0"]
        arguments += [f"--property=NetworkNamespacePath={_path(command.netns)}"]
        own = os.path.join(OWN_FILES, command.netns)
        arguments += [f"--property=BindPaths=-{own}/{name}:/etc/{name}" for name in _own_files(command)]
        arguments += [f"--setenv={name}={value}" for name, value in command.environment.items()]
        # systemd would put variables in the place of $NAME, as in ExecStart= (systemd.service(5)).
        _run([*arguments, "--", *(word.replace("$", "$$") for word in command.command)])
        return command

    def stop(self, commands: Sequence[Command]) -> None:
        units = [self.unit(c) for c in commands]
        if units:
            _run(["systemctl", "stop", "--", *units], check=False)
            _run(["systemctl", "reset-failed", "--", *units], check=False)


def choose(owner: str, wanted: str) -> Supervisor:
    """The supervisor asked for; ``auto`` takes systemd where it is the init."""
    if wanted == "systemd" or (wanted == "auto" and os.path.isdir(SYSTEMD_MARK)):
        return Systemd(owner)
    return Loop()


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    arguments = ["/bin/sh", "-c", _LOOP, f"containerland {command.name}", *command.command]
    directory = os.path.join(OWN_FILES, command.netns)
    if _own_files(command):
        arguments = ["unshare", "--mount", "/bin/sh", "-c", _SHOW_OWN_FILES, directory, *arguments]
    environment = {**os.environ, **command.environment}
    return subprocess.Popen(
        arguments, stdin=quiet, stdout=quiet, stderr=quiet, cwd="/", env=environment, start_new_session=True
    )


def _own_files(command: Command) -> list[str]:
    """Names of files below /etc that the command's namespace has of its own."""
    if "/" in command.netns or ":" in command.netns:
        return []
    try:
        return sorted(os.listdir(os.path.join(OWN_FILES, command.netns)))
    except OSError:
        return []


def _path(ref: str) -> str:
    """A path of the namespace that systemd, another process, can open."""
    return path_of_ref(ref)


def _run(arguments: Sequence[str], check: bool = True) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MissingError(f"the program '{arguments[0]}' is not installed") from None
    if check and done.returncode:
        said = " ".join(done.stderr.split())
        raise ContainerlandError(f"{arguments[0]} failed: {said or done.returncode}")
    return done


def _stat(pid: int | str) -> list[str]:
    """Fields of /proc/<pid>/stat from the third (state) on; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _started(pid: int) -> int:
    """When a process was started, in clock ticks since boot; 0 if it is gone or a zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else 0


def _living_groups() -> dict[int, list[int]]:
    """The process groups with their members, zombies left out."""
    groups: dict[int, list[int]] = {}
    for pid in os.listdir("/proc"):
        fields = _stat(pid) if pid.isdigit() else []
        if fields and fields[0] != "Z":
            groups.setdefault(int(fields[2]), []).append(int(pid))
    return groups


def _is_ours(command: Command, members: Sequence[int]) -> bool:
    """Whether a group is the command's: its leader is, or outlived by members in the command's namespace."""
    if _stat(command.pid):
        return _started(command.pid) in (command.started, 0)
    for pid in members:
        try:
            found = os.stat(f"/proc/{pid}/ns/net")
        except OSError:  # it has ended by now
            continue
        if (found.st_dev, found.st_ino) == command.identity:
            return True
    return False


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass
