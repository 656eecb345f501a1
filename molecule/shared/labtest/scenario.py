# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario that is being tested, run once more from within a test."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def converge(**variables: Any) -> str:
    """Runs the scenario's playbook with other variables; what it said."""
    directory = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    inventories = [Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "inventories", "lab"), directory / "inventory"]
    options = [f"--inventory={path}" for path in inventories]
    command = ["ansible-playbook", *options, "-e", json.dumps(variables), str(directory / "converge.yml")]
    # What this run changes is not what the scenario's next phase is about.
    without = {name: value for name, value in os.environ.items() if name != "MOLECULE_EPHEMERAL_DIRECTORY"}
    done = subprocess.run(command, env=without, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
