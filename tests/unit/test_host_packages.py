# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role host installs, by the lines that a node answers with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROLE = Path(__file__).resolve().parents[2] / "roles" / "host"
MISSING = ["missing iproute2", "missing python3-pyroute2", "missing iptables"]
RED_HAT = ["iproute", "python3-pyroute2", "iptables-nft"]


@pytest.mark.parametrize(
    ("lines", "packages"),
    [
        (["os debian ", *MISSING], ["iproute2", "python3-pyroute2", "iptables"]),
        (["os ubuntu debian", *MISSING], ["iproute2", "python3-pyroute2", "iptables"]),
        (["os rhel fedora", *MISSING], RED_HAT),
        (["os rocky rhel centos fedora", *MISSING], RED_HAT),
        (MISSING[:1], ["iproute2"]),
        (["os rhel fedora", "has bridge"], []),
    ],
)
def test_packages_have_the_names_of_the_distribution(lines: list[str], packages: list[str]) -> None:
    files = [f"-e@{ROLE}/{name}/main.yml" for name in ("defaults", "vars")]
    seen = json.dumps({"host_seen": {"stdout_lines": lines}})
    words = [
        "-m",
        "ansible",
        "adhoc",
        "localhost",
        "-m",
        "ansible.builtin.debug",
        "-a",
        "var=host_missing",
        *files,
        "-e",
        seen,
    ]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.partition("=> ")[2])["host_missing"] == packages
