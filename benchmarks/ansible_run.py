# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that cases measure: on this machine, with pipelining, and with the collections that are compared."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import CHECKOUT, ansible_environment, run

#: Where scripts/setup bench puts them.
PEERS = CHECKOUT / ".cache/peers"
INVENTORY = f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n"


class Done(NamedTuple):
    """A task, from its start on the controller to its result."""

    action: str
    seconds: float
    changed: bool


def tasks(given: Sequence[Mapping[str, Any]]) -> list[Done]:
    """Runs tasks on localhost, one after the other."""
    environment = ansible_environment(
        ANSIBLE_COLLECTIONS_PATH=f"{CHECKOUT / '.collections'}:{PEERS}",
        ANSIBLE_STDOUT_CALLBACK="durations",
        ANSIBLE_PIPELINING="true",
    )
    with tempfile.TemporaryDirectory() as scratch:
        playbook, inventory = Path(scratch, "playbook.json"), Path(scratch, "hosts")
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": given}]))
        inventory.write_text(INVENTORY)
        program = str(Path(sys.executable).parent / "ansible-playbook")
        said = run(program, "-i", str(inventory), str(playbook), env=environment)
    return [Done(**json.loads(line)) for line in said.splitlines() if line.startswith("{")]
