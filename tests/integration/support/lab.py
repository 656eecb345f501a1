# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs something in a lab of its own: a sandbox with nodes, gone when that ends."""

from __future__ import annotations

import os
import subprocess

from tests.integration.support.run import CHECKOUT


def in_lab(script: str, nodes: int = 2, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script in the checkout, in a fresh lab; stops at its first failure."""
    inside = ["bash", str(CHECKOUT / "scripts/lib/lab-inside"), "bash", "-euc", script]
    return subprocess.run(
        [str(CHECKOUT / "scripts/sandbox"), *inside],
        env={**os.environ, "LAB_NODES": str(nodes), "ANSIBLE_NOCOLOR": "1", **environment},
        cwd=CHECKOUT,
        text=True,
        capture_output=True,
        timeout=900,
        check=False,
    )
