# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook, and what they took."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import ansible_environment


@dataclasses.dataclass(frozen=True)
class Played:
    """What a run took.

    Attributes:
        seconds: from its start to its end.
        cpu: seconds of processors, of Ansible and of all that it started and waited for.
        memory: the largest resident size of one of its processes, in MiB.
        tasks: as the callback task_seconds writes them.
    """

    seconds: float
    cpu: float
    memory: float
    tasks: Sequence[Mapping[str, Any]]

    def task(self, name: str) -> float:
        """Seconds of the task of a name."""
        return float(sum(task["seconds"] for task in self.tasks if task["name"] == name))

    def counted(self, what: str) -> int:
        """Sum over all tasks: "ok", "sent"."""
        return sum(task[what] for task in self.tasks)


def play(playbook: Path, inventory: Path, *arguments: str, **environment: str) -> Played:
    """Runs a playbook; ends the benchmark with what it said if it fails."""
    with tempfile.TemporaryDirectory() as directory:
        tasks = Path(directory) / "tasks.json"
        said = Path(directory) / "said"
        environ = ansible_environment(
            ANSIBLE_CALLBACKS_ENABLED="task_seconds",
            ANSIBLE_DISPLAY_OK_HOSTS="false",
            TASK_SECONDS=str(tasks),
            **environment,
        )
        command = ["ansible-playbook", "-i", str(inventory), str(playbook), *arguments]
        write = (os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT, 0o600)
        began = time.perf_counter()
        process = os.posix_spawnp(command[0], command, environ, file_actions=[write, (os.POSIX_SPAWN_DUP2, 1, 2)])
        _process, status, used = os.wait4(process, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"{' '.join(command)}: failed:\n{said.read_text(errors='replace')[-3000:]}")
        found = json.loads(tasks.read_text(encoding="utf-8"))
    return Played(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, found)
