# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles, by Ansible, on the host that the test has made."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.foreign.host import server

HERE = Path(__file__).parent
_RECAP = re.compile(r"^node1 .*ok=(\d+) +changed=(\d+) ", re.MULTILINE)


def present(**variables: Any) -> int:
    """Run the playbook; returns how many tasks changed something."""
    return _play("present.yml", **variables)


def absent() -> int:
    return _play("absent.yml")


def _play(name: str, **variables: Any) -> int:
    busybox = shutil.which("busybox")
    assert busybox
    given = {"web1_command": shlex.join(server("web1", busybox=busybox)), **variables}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", str(HERE / "hosts.yml"), "--diff"]
    command += ["--extra-vars", json.dumps(given)]
    done = subprocess.run([*command, str(HERE / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    recap = _RECAP.search(done.stdout)
    assert recap and int(recap[1]) > 0, done.stdout
    return int(recap[2])
