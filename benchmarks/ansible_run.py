# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that cases measure: on this machine, with pipelining, and with the collections that are compared."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import CHECKOUT, run

PEERS = CHECKOUT / ".cache/peers"
INVENTORY = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"


def playbook(plays: Sequence[Mapping[str, Any]], scratch: Path) -> list[Mapping[str, Any]]:
    """Runs plays on localhost; the tasks as the callback ansible.posix.json tells of them.

    Args:
        scratch: an empty directory for the playbook.
    """
    path, inventory = scratch / "playbook.json", scratch / "hosts"
    path.write_text(json.dumps(plays))
    inventory.write_text(INVENTORY)
    # Of PYTHON*, some (PYTHONUNBUFFERED) slow down modules that come by a pipe; a node that one logs into has none.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {
        **inherited,
        "ANSIBLE_COLLECTIONS_PATH": f"{CHECKOUT / '.collections'}:{PEERS}",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_PIPELINING": "true",
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    said = run(program, "-i", str(inventory), str(path), env=environment)
    # Warnings may come before.
    tasks = json.loads(said[said.index("{") :])["plays"]
    return [task for play in tasks for task in play["tasks"]]


def duration(task: Mapping[str, Any]) -> float:
    """Seconds from the start of a task to its result."""
    times = (task["task"]["duration"][name] for name in ("start", "end"))
    begin, end = (datetime.fromisoformat(time.rstrip("Z")) for time in times)
    return (end - begin).total_seconds()
