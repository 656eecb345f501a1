# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the node's own program, which works without Ansible: containerland-net COMMAND.

The module node_program installs it, the systemd units of the roles run it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, TextIO

from .errors import ContainerlandError, LockError
from .health_watch import watch
from .restore import Outcome, restore
from .state_file import PROGRAM as NAME
from .status import Status, look

EXIT = {"in sync": 0, "differs": 1, "unknown": 2}


@dataclass(frozen=True)
class Command:
    """A sub-command: what --help says of it, what it does, and its arguments; returns the exit status."""

    help: str
    run: Callable[..., int]
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def run_restore() -> int:
    """Prints a line for each file; what went wrong goes to stderr."""
    status = 0
    for outcome in restore():
        status |= _complain_of(outcome, (*outcome.left_out, *outcome.warnings))
        if outcome.name and not outcome.problem:
            say(f"{outcome.name}: {_count(len(outcome.lines))}")
    return status


def run_repair() -> int:
    """Prints a line for each change, and nothing if all is as it should be; what went wrong goes to stderr."""
    status = 0
    try:
        for outcome in restore():
            status |= _complain_of(outcome, outcome.warnings)
            for line in outcome.lines:
                say(f"{outcome.name}: {plain(line)}")
    except LockError as problem:
        # Who holds it is at work on the network, and there is a next time.
        complain(f"nothing is repaired this time: {problem}")
    return status


def _complain_of(outcome: Outcome, warnings: Iterable[str]) -> int:
    for warning in warnings:
        complain(f"{outcome.name}: {warning}" if outcome.name else warning)
    if outcome.problem:
        complain(f"{outcome.name}: {outcome.problem}")
    return 1 if outcome.problem else 0


def run_health(name: str) -> int:
    """Prints a line whenever a server fails or answers again."""
    watch(name, lambda line: say(plain(line)))
    return 0


def run_status(as_json: bool) -> int:
    """Prints what is declared and what differs; 0 if nothing does, 1 if something does, 2 if that cannot be told."""
    try:
        found = look()
    except ContainerlandError as problem:
        found = Status(problem=str(problem))
    if as_json:
        say(json.dumps(found.as_dict(), indent=2))
    else:
        for line in found.lines():
            say(f"{line[: len(line) - len(line.lstrip())]}{plain(line)}")
        if found.problem:
            complain(found.problem)
    return EXIT[found.state]


#: To add a sub-command is a line here.
COMMANDS = {
    "restore": Command("make the network of this node what it was when Ansible last left it", run_restore),
    "repair": Command("the same, and say each change: for a timer", run_repair),
    "status": Command(
        "say what is declared and what differs; exit with 0 if nothing does, 1 if something does, 2 if that is unknown",
        run_status,
        {"--json": {"action": "store_true", "dest": "as_json", "help": "for programs"}},
    ),
    "health": Command(
        "watch the servers of services, and take out those that fail",
        run_health,
        {"name": {"help": "under which the services are declared"}},
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sub-command; returns the exit status: 1 if something could not be done, 2 for wrong usage."""
    parser = argparse.ArgumentParser(NAME, description="The part of containerland.net that works without Ansible.")
    chosen = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = chosen.add_parser(name, help=command.help, description=command.help)
        for argument, details in command.arguments.items():
            own.add_argument(argument, **details)
    given = vars(parser.parse_args(arguments))
    command = COMMANDS[given.pop("command")]
    try:
        return command.run(**given)
    except ContainerlandError as problem:
        complain(str(problem))
        return 1


def say(line: str, stream: TextIO | None = None) -> None:
    """At once: who reads it may wait for it."""
    stream = stream or sys.stdout
    stream.write(f"{line}\n")
    stream.flush()


def complain(said: str) -> None:
    """One line, whatever the kernel or others have put into the message."""
    say(f"{NAME}: {plain(said)}", sys.stderr)


def plain(said: str) -> str:
    """One line of printable characters: servers and others may say anything."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in " ".join(said.split()))


def _count(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}" if number else "as it should be"
