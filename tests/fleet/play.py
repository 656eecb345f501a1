# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks with the inventory as it is; what only the tests know comes by the environment."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from other_kernel.guest import CHECKOUT

INVENTORY = CHECKOUT / "inventories" / "three_nodes"
HOSTS = frozenset({"node1", "node2", "node3"})
SECONDS = 900


class Clock:
    """How long each phase took, in the order in which they ended."""

    phases: list[tuple[str, float]] = []

    def __init__(self) -> None:
        self._began = time.monotonic()

    def done(self, name: str) -> None:
        """A phase that began with the clock."""
        self.phases.append((name, time.monotonic() - self._began))

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.phases.append((name, time.monotonic() - began))


@dataclass(frozen=True)
class Played:
    """What a playbook said, and per host how many tasks were ok, changed …"""

    output: str
    recap: dict[str, dict[str, int]]

    def changes(self, hosts: Collection[str] = HOSTS) -> list[str]:
        """`HOST: TASK` for each task that changed something; the recap must agree, and name all these hosts."""
        found, task = [], ""
        for line in self.output.splitlines():
            if line.startswith("TASK ["):
                task = line[len("TASK [") :].partition("]")[0]
            elif line.startswith("changed: ["):
                found.append(f"{line[len('changed: [') :].partition(']')[0]}: {task}")
        counted = sum(counts["changed"] for counts in self.recap.values())
        assert set(self.recap) == set(hosts) and counted == len(found), self.output
        return sorted(found)


class Plays:
    """Runs playbooks from a scratch directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock()

    def run(self, playbook: str, *arguments: str) -> Played:
        """Run one of playbooks/, which must succeed on all hosts."""
        played, code = self.attempt(playbook, *arguments)
        assert code == 0, f"{playbook} failed:\n{played.output[-6000:]}"
        return played

    def attempt(self, playbook: str, *arguments: str) -> tuple[Played, int]:
        """Run one of playbooks/; return what it said, and its exit status."""
        path = CHECKOUT / "playbooks" / playbook if "/" not in playbook else Path(playbook)
        command = ["ansible-playbook", "-i", str(INVENTORY), str(path), *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=CHECKOUT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            said = problem.stdout or b""
            raise AssertionError(f"{playbook} took more than {SECONDS} s:\n{said[-6000:]!r}") from None
        return Played(done.stdout, _recap(done.stdout)), done.returncode

    def environment(self) -> dict[str, str]:
        # The sandbox's directory for temporary files is not on the machines.
        inherited = {name: value for name, value in os.environ.items() if name != "ANSIBLE_REMOTE_TMP"}
        return {
            **inherited,
            "ANSIBLE_SSH_ARGS": f"-F {self.directory}/ssh_config",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORKS": "3",
            # Emulated machines are slow to answer.
            "ANSIBLE_TIMEOUT": "60",
        }

    @staticmethod
    def report() -> list[str]:
        lines = [f"{seconds:8.1f} s  {name}" for name, seconds in Clock.phases]
        return ["", "phases of the fleet:", *lines] if lines else []


def _recap(said: str) -> dict[str, dict[str, int]]:
    _before, _title, recap = said.rpartition("PLAY RECAP")
    found = {}
    for line in recap.splitlines():
        host, colon, counts = line.partition(" : ")
        if colon:
            found[host.strip()] = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)}
    return found
