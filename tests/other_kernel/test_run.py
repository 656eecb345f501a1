# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runners of other kernels: what goes in, what comes out, what stays."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.other_kernel.elsewhere import KERNELS

CHECKOUT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=[kernel.runner for kernel in KERNELS])
def runner(request: pytest.FixtureRequest) -> str:
    return str(CHECKOUT / request.param)


@pytest.fixture
def guest(runner: str) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [runner, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            stdout, stderr = process.communicate(timeout=180)
        assert scratch_directories(process.pid) == []
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    return run


def scratch_directories(process: int) -> list[Path]:
    bases = {"/dev/shm", tempfile.gettempdir(), "/var/tmp"}
    return [path for base in bases for path in Path(base).glob(f"containerland-guest-{process}-*")]


def kernels(scratch: Path) -> list[str]:
    """Return the processes of the kernel that uses a scratch directory."""
    found = subprocess.run(["pgrep", "--full", str(scratch)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_status_output_environment_and_directory(guest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_VARIABLE", "with 'quotes' and\nlines")
    result = guest("sh", "-c", 'echo "$A_VARIABLE"; pwd; exit 7')
    assert result.stdout == f"with 'quotes' and\nlines\n{CHECKOUT}\n"
    assert result.returncode == 7


def test_large_output_is_whole_and_a_daemon_does_not_hold_it_up(guest: Run) -> None:
    result = guest("sh", "-c", "sleep 1000 & seq 100000")
    assert result.stdout == "".join(f"{number}\n" for number in range(1, 100001))


def test_only_a_shared_directory_is_written(guest: Run, tmp_path: Path) -> None:
    victim = CHECKOUT / "tests" / "other_kernel" / "written-by-the-guest"
    script = f"echo x >{victim}; echo x >{tmp_path}/result; ip netns add a-guest; ls {victim}"
    result = guest("--share", str(tmp_path), "sh", "-c", script)
    assert result.stdout == f"{victim}\n"
    assert not victim.exists()
    assert not Path("/run/netns/a-guest").exists()
    assert (tmp_path / "result").read_text() == "x\n"


def test_time_limit(guest: Run) -> None:
    result = guest("--seconds", "1", "sleep", "1000")
    assert result.returncode == 124
    assert "stopped after 1 s" in result.stderr


def test_a_kernel_that_cannot_boot_is_an_error_with_its_console(guest: Run) -> None:
    result = guest("--memory", "16", "true")
    assert result.returncode == 125
    assert "its console:" in result.stderr


def test_nothing_is_left_when_the_runner_is_killed(runner: str) -> None:
    with subprocess.Popen([runner, "sleep", "1000"], stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: any(kernels(scratch) for scratch in scratch_directories(process.pid)))
        (scratch,) = scratch_directories(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not kernels(scratch) and not scratch.exists())
