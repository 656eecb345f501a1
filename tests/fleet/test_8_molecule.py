# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a role with Molecule, its scenario `vm`, on one of the machines: with ssh, sudo and systemd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from fleet.machines import Machine
from fleet.play import SECONDS, Plays
from other_kernel.guest import CHECKOUT


def test_the_example(machines: dict[str, Machine], plays: Plays, tmp_path: Path) -> None:
    role = tmp_path / "shop"
    shutil.copytree(CHECKOUT / "examples" / "role_with_molecule", role)
    environment = plays.environment()
    command = ["molecule", "-c", "molecule/config.yml", "test", "-s", "vm"]
    with plays.clock.phase("molecule"):
        done = subprocess.run(
            command, cwd=role, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert not machines["node1"].run("ip link show shop0").stdout
