# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real packets between machines of the lab: servers that say who asked, and those who ask."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from .machine import Machine

WHO = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "playbooks", "files", "who.py")
ASK = Path(__file__).with_name("ask.py")

#: (protocol, address, port)
Question = tuple[str, str, int]


def ask(machine: Machine, *questions: Question) -> list[str]:
    """What came of each question, all asked at once: `NAME ADDRESS` as the server saw it, or why there is no answer."""
    said = machine.sh(f"python3 {shlex.quote(str(ASK))} {shlex.quote(json.dumps(questions))}")
    return list(json.loads(said))


def ask_each(*asked: tuple[Machine, list[Question]]) -> list[list[str]]:
    """The same from several machines at once."""
    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda pair: ask(pair[0], *pair[1]), asked))


@contextlib.contextmanager
def serving(machine: Machine, name: str, *ports: int) -> Iterator[None]:
    """A server on a machine, as `name`."""
    process = machine.start("python3", str(WHO), name, *map(str, ports))
    try:
        wanted = "".join(f"ss -Hltn 'sport = :{port}' | grep -q . && " for port in ports)
        machine.sh(f"for _ in $(seq 100); do {wanted} exit 0; sleep 0.05; done; exit 1")
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def having(machine: Machine, begin: str, end: str) -> Iterator[None]:
    """A state of a machine that shell lines make and take back."""
    machine.sh(begin)
    try:
        yield
    finally:
        machine.sh(end)
