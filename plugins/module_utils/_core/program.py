# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the node's own program, which works without Ansible: containerland-net COMMAND.

The module node_program installs it, the systemd units of the roles run it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from .errors import ContainerlandError
from .health_watch import watch
from .restore import restore

NAME = "containerland-net"


@dataclass(frozen=True)
class Command:
    """A sub-command: what --help says of it, what it does, and its arguments; returns the exit status."""

    help: str
    run: Callable[..., int]
    arguments: Sequence[str] = ()


def run_restore() -> int:
    """Prints a line for each file; what went wrong goes to stderr."""
    status = 0
    for outcome in restore():
        for warning in outcome.warnings:
            complain(f"{outcome.name}: {warning}" if outcome.name else warning)
        if outcome.problem:
            complain(f"{outcome.name}: {outcome.problem}")
            status = 1
        elif outcome.name:
            print(f"{outcome.name}: {_count(len(outcome.lines))}", flush=True)
    return status


def run_health(name: str) -> int:
    """Prints a line whenever a server fails or answers again."""
    watch(name, lambda line: print(plain(line), flush=True))
    return 0


#: To add a sub-command is a line here.
COMMANDS = {
    "restore": Command("make the network of this node what it was when Ansible last left it", run_restore),
    "health": Command("watch the servers of services, and take out those that fail", run_health, ("name",)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sub-command; returns the exit status: 1 if something could not be done, 2 for wrong usage."""
    parser = argparse.ArgumentParser(NAME, description="The part of containerland.net that works without Ansible.")
    chosen = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = chosen.add_parser(name, help=command.help, description=command.help)
        for argument in command.arguments:
            own.add_argument(argument)
    given = parser.parse_args(arguments)
    command = COMMANDS[given.command]
    try:
        return command.run(*(getattr(given, argument) for argument in command.arguments))
    except ContainerlandError as problem:
        complain(str(problem))
        return 1


def complain(said: str) -> None:
    """One line, whatever the kernel or others have put into the message."""
    print(f"{NAME}: {plain(said)}", file=sys.stderr, flush=True)


def plain(said: str) -> str:
    """One line of printable characters: servers and others may say anything."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in " ".join(said.split()))


def _count(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}" if number else "as it should be"
