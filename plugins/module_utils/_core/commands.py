# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running commands inside network namespaces: what runs, what should, and the two ways to run it.

Where systemd is the init, a command is a transient unit. Elsewhere a shell in a session of its own runs it again
whenever it ends. What was started is remembered below /run, which a reboot empties together with the processes; what
should run is in a state file, from which the node's own program starts it again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from . import store
from .errors import ContainerlandError, MissingError, StoreError
from .kernel import netns
from .kernel.refs import path_of_ref

DIRECTORY = f"{store.DIRECTORY}/commands"
RUN_DIRECTORY = "/run/containerland/commands"
VERSION = 1
SYSTEMD_MARK = "/run/systemd/system"
PATIENCE, LAST_PATIENCE = 5.0, 60.0  # seconds after the polite signal, and after the final one
ACTIVE = ("active", "activating", "reloading")
# Restarted after a second, so that a command that fails at once costs little.
_LOOP = 'while :; do "$@"; sleep 1; done'


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
        arguments += [f"--setenv={name}={value}" for name, value in command.environment.items()]
        # systemd would put variables in the place of $NAME, as in ExecStart= (systemd.service(5)).
        _run([*arguments, "--", *(word.replace("$", "$$") for word in command.command)])
        return command

    def stop(self, commands: Sequence[Command]) -> None:
        units = [self.unit(c) for c in commands]
        if units:
            _run(["systemctl", "stop", "--", *units], check=False)
            _run(["systemctl", "reset-failed", "--", *units], check=False)


@dataclass(frozen=True)
class Kept:
    """What should run for an owner, as its state file has it; `boot` is the one in which that was written."""

    supervisor: str = "auto"
    commands: Mapping[str, Command] = field(default_factory=dict)
    boot: str = ""


@dataclass(frozen=True)
class Done:
    """What `reconcile` did, or would do: names, and the commands that ran before and should run now."""

    started: list[str]
    stopped: list[str]
    before: Mapping[str, Command]
    after: Mapping[str, Command]


def reconcile(owner: str, wanted: Mapping[str, Command], supervisor: str, *, check: bool = False) -> Done:
    """Stops what should not run, starts what should."""
    chosen = choose(owner, supervisor)
    desired = {name: locate(command, chosen) for name, command in wanted.items()}
    known = remembered(owner)
    alive = _named(owner, known, "running")
    kept = {name: known[name] for name in alive if name in desired and known[name].same_as(desired[name])}
    stopped = sorted(_named(owner, known, "remaining") - set(kept))
    started = [name for name in desired if name not in kept]
    if not check:
        for kind, commands in _by_supervisor(known[name] for name in stopped).items():
            choose(owner, kind).stop(commands)
        if stopped or started or set(known) != set(desired):
            remember(owner, kept.values())
        for name in started:
            kept[name] = chosen.start(desired[name])
            remember(owner, kept.values())
    return Done(started, stopped, {name: known[name] for name in alive}, desired)


def _by_supervisor(commands: Iterable[Command]) -> dict[str, list[Command]]:
    groups: dict[str, list[Command]] = {}
    for command in commands:
        groups.setdefault(command.supervisor, []).append(command)
    return groups


def _named(owner: str, known: Mapping[str, Command], question: str) -> set[str]:
    """Names of the known commands that their supervisors answer `question` (running, remaining) with."""
    answers = [
        getattr(choose(owner, kind), question)(commands) for kind, commands in _by_supervisor(known.values()).items()
    ]
    return {name for answer in answers for name in answer}


def choose(owner: str, wanted: str) -> Supervisor:
    """The supervisor asked for; ``auto`` takes systemd where it is the init."""
    if wanted == "systemd" or (wanted == "auto" and os.path.isdir(SYSTEMD_MARK)):
        return Systemd(owner)
    return Loop()


def locate(command: Command, supervisor: Supervisor) -> Command:
    """The command with the identity of its namespace; one that does not exist (check mode) has none."""
    try:
        fd = netns.open_ref(command.netns)
    except MissingError:
        return replace(command, supervisor=supervisor.name)
    try:
        return replace(command, identity=tuple(netns.identity(fd)), supervisor=supervisor.name)
    finally:
        os.close(fd)


def owners() -> list[str]:
    """Whose commands are kept."""
    return store.owners(DIRECTORY)


def load(owner: str) -> Kept:
    """What should run for an owner.

    Raises:
        StoreError: the file is damaged, of a newer version, or unreadable.
    """
    path = f"{DIRECTORY}/{owner}.json"
    content = store.read(path, VERSION)
    try:
        found = [Command(e["name"], e["netns"], tuple(e["command"]), e["environment"]) for e in content["commands"]]
        return Kept(content["supervisor"], {command.name: command for command in found}, content["boot"])
    except (KeyError, TypeError):
        raise store.damaged(path) from None


def save(owner: str, wanted: Mapping[str, Command], supervisor: str) -> None:
    """Replaces what should run for an owner, if that is something else; nothing leaves no file."""
    path = f"{DIRECTORY}/{owner}.json"
    if not wanted:
        store.unlink(path, directories=2)
        return
    entries = [
        {"name": c.name, "netns": c.netns, "command": c.command, "environment": dict(c.environment)}
        for c in wanted.values()
    ]
    content = {"version": VERSION, "boot": store.this_boot(), "supervisor": supervisor, "commands": entries}
    data = json.dumps(content, separators=(",", ":")).encode()
    if _bytes(path) != data:
        store.write(path, data)


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def remembered(owner: str) -> dict[str, Command]:
    """What was started for an owner, by name."""
    try:
        with open(_record(owner), encoding="utf-8") as file:
            entries = json.load(file)
        return {e["name"]: _command(e) for e in entries}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise StoreError(f"cannot read '{_record(owner)}': {problem}") from None


def remember(owner: str, commands: Iterable[Command]) -> None:
    """Replace what is remembered; nothing to remember leaves no file."""
    path = _record(owner)
    entries = [asdict(command) for command in commands]
    try:
        if not entries:
            _forget(path)
            return
        os.makedirs(RUN_DIRECTORY, 0o755, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=RUN_DIRECTORY, prefix=".")
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file)
        os.replace(temporary, path)
    except OSError as problem:
        raise StoreError(f"cannot write '{path}': {problem.strerror}") from None


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    for directory in (RUN_DIRECTORY, os.path.dirname(RUN_DIRECTORY)):
        try:
            os.rmdir(directory)
        except OSError:  # somebody else's files are in it, or it is not there
            return


def _record(owner: str) -> str:
    return f"{RUN_DIRECTORY}/{owner}.json"


def _command(entry: Mapping[str, Any]) -> Command:
    fields = {**entry, "command": tuple(entry["command"]), "identity": tuple(entry["identity"])}
    return Command(**fields)


def _spawn(command: Command) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    arguments = ["/bin/sh", "-c", _LOOP, f"containerland {command.name}", *command.command]
    environment = {**os.environ, **command.environment}
    return subprocess.Popen(
        arguments, stdin=quiet, stdout=quiet, stderr=quiet, cwd="/", env=environment, start_new_session=True
    )


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
