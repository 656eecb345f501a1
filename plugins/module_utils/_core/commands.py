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
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from . import state_file
from .errors import MissingError, StoreError
from .kernel import netns, privileges
from .supervisors import Command, Supervisor, choose

DIRECTORY = f"{state_file.DIRECTORY}/commands"
RUN_DIRECTORY = "/run/containerland/commands"
#: What should run.
FORMAT = state_file.Format(1)
#: What was started. Up to release 0.3 it was the list alone.
RUN_FORMAT = state_file.Format(1, {0: lambda content: {"commands": content}})


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


def permit(starting: Iterable[Command]) -> None:
    """Refuses to begin where these cannot be started, so that nothing is half done.

    Raises:
        MissingError: a namespace or a privilege is missing.
    """
    for command in starting:
        os.close(netns.open_ref(command.netns))
        privileges.require("CAP_SYS_ADMIN", "starting a command in a namespace")


def is_remembered(owner: str, names: Collection[str]) -> bool:
    """Whether just these are remembered as started."""
    return set(remembered(owner)) == set(names)


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
    return state_file.owners(DIRECTORY)


def load(owner: str) -> Kept:
    """What should run for an owner.

    Raises:
        StoreError: the file is damaged, of a newer version, or unreadable.
    """
    path = f"{DIRECTORY}/{owner}.json"
    content = state_file.read(path, FORMAT)
    try:
        found = [Command(e["name"], e["netns"], tuple(e["command"]), e["environment"]) for e in content["commands"]]
        return Kept(content["supervisor"], {command.name: command for command in found}, content["boot"])
    except (KeyError, TypeError):
        raise state_file.damaged(path) from None


def save(owner: str, wanted: Mapping[str, Command], supervisor: str) -> None:
    """Replaces what should run for an owner, if that is something else; nothing leaves no file.

    Raises:
        StoreError: what is there is damaged, of a newer version, or cannot be replaced.
    """
    path = f"{DIRECTORY}/{owner}.json"
    with suppress(FileNotFoundError):
        load(owner)
    if not wanted:
        state_file.unlink(path, directories=2)
        return
    entries = [
        {"name": c.name, "netns": c.netns, "command": c.command, "environment": dict(c.environment)}
        for c in wanted.values()
    ]
    content = {"version": FORMAT.version, "boot": state_file.this_boot(), "supervisor": supervisor, "commands": entries}
    data = json.dumps(content, separators=(",", ":")).encode()
    if _bytes(path) != data:
        state_file.write(path, data)


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def remembered(owner: str) -> dict[str, Command]:
    """What was started for an owner, by name.

    Raises:
        StoreError: the file is damaged, of a newer version, or unreadable.
    """
    try:
        entries = state_file.read(_record(owner), RUN_FORMAT)["commands"]
        return {e["name"]: _command(e) for e in entries}
    except FileNotFoundError:
        return {}
    except (KeyError, TypeError):
        raise state_file.damaged(_record(owner)) from None


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
            json.dump({"version": RUN_FORMAT.version, "commands": entries}, file)
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
