# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a test in another kernel is what the session that sent it there reports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).parents[2]
HERE = "test_runs_here"


def outcomes(tmp_path: Path, *options: str) -> tuple[int, str, dict[str, str]]:
    """Run outcomes.py in a session of its own; return its exit status, output, and outcome per test."""
    junit = tmp_path / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-p", "tests.other_kernel.plugin", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, f"--junitxml={junit}", *options, "tests/other_kernel/outcomes.py"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    cases = ElementTree.parse(junit).iter("testcase")
    found = {case.attrib["name"]: ",".join(child.tag for child in case) or "passed" for case in cases}
    return result.returncode, result.stdout, found


def test_outcomes_are_those_of_the_guest(tmp_path: Path) -> None:
    status, output, found = outcomes(tmp_path)
    assert found == {
        "test_passes": "passed",
        "test_fails": "failure",
        "test_is_skipped": "skipped",
        "test_needs_what_is_nowhere": "error",
        HERE: "passed",
    }
    assert status == 1
    assert "words of the guest" in output
    assert "a virtual machine lacks uml too" in output
    assert "1 failed, 1 passed, 1 skipped in User Mode Linux" in output
    assert "1 failed in a virtual machine" in output


def test_a_kernel_that_does_not_finish_is_a_failure(tmp_path: Path) -> None:
    status, output, found = outcomes(tmp_path, "--other-kernel-seconds", "0.5")
    assert found.pop(HERE) == "passed"
    assert set(found.values()) == {"failure"}
    assert status == 1
    assert "3 not finished in User Mode Linux" in output
    assert "1 not finished in a virtual machine" in output
    assert "stopped after 0.5 s" in output


def test_tests_for_this_kernel_boot_no_other(tmp_path: Path) -> None:
    status, output, found = outcomes(tmp_path, "-k", HERE)
    assert (status, found) == (0, {HERE: "passed"})
    assert "User Mode Linux" not in output
