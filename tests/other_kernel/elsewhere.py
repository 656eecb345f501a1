# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that run in another kernel: what starts them there and replays their reports here."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: Set in the guest: where to append the reports, and what it is called.
REPORTS = "CONTAINERLAND_GUEST_REPORTS"
NAME = "CONTAINERLAND_GUEST_NAME"
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Kernel:
    """A kernel that tests can go to.

    Attributes:
        name: in messages.
        runner: the program that runs a command there, below the checkout.
        lacks: features (keys of features.FEATURES) that it does not have.
    """

    name: str
    runner: str
    lacks: frozenset[str] = frozenset()


#: The quickest first. Debian builds User Mode Linux without WireGuard.
KERNELS = (
    Kernel("User Mode Linux", "tests/uml/run", frozenset({"wireguard"})),
    Kernel("a virtual machine", "tests/vm/run", frozenset({"uml"})),
)


class Elsewhere:
    """The tests of this session that one other kernel runs."""

    def __init__(self, kernel: Kernel, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.kernel = kernel
        self.config = config
        self.items = items
        self.console = ""
        self.seconds = 0.0
        self.outcomes: dict[str, str] = {}
        self.finished: set[str] = set()

    @contextlib.contextmanager
    def running(self) -> Iterator[Callable[[], None]]:
        """Boot the kernel, which runs the tests; gives what replays their reports, to the last. It ends with this."""
        started = time.time()
        with tempfile.TemporaryDirectory(prefix="containerland-reports-") as directory:
            reports, output = Path(directory, "reports"), Path(directory, "output")
            reports.touch()
            with output.open("wb") as file:
                guest = self.start(directory, reports, file.fileno())

            def replay_all() -> None:
                self.follow(guest, reports)
                self.console = output.read_text(errors="replace")
                self.seconds = output.stat().st_mtime - started
                self.require_all(guest.returncode)

            with guest:
                try:
                    yield replay_all
                finally:
                    guest.terminate()

    def start(self, directory: str, reports: Path, output: int) -> subprocess.Popen[bytes]:
        """Start pytest in the kernel, on precisely the tests that are to run there."""
        root = self.config.rootpath
        seconds = str(self.config.getoption("--other-kernel-seconds"))
        runner = [str(root / self.kernel.runner), "--seconds", seconds, "--share", directory]
        options = ["-p", "tests.other_kernel.plugin", "-p", "no:cacheprovider"]
        pytest_command = [sys.executable, "-m", "pytest", *options, *(item.nodeid for item in self.items)]
        environment = {**os.environ, REPORTS: str(reports), NAME: self.kernel.name}
        return subprocess.Popen(
            [*runner, *pytest_command],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
        )

    def follow(self, guest: subprocess.Popen[bytes], reports: Path) -> None:
        """Replay each line that the guest adds to the reports, until the guest has ended."""
        with reports.open(encoding="utf-8") as stream:
            line = ""
            running = True
            while running:
                running = guest.poll() is None
                for part in iter(stream.readline, ""):
                    line += part
                    if line.endswith("\n"):
                        self.replay(json.loads(line))
                        line = ""
                time.sleep(POLL_SECONDS if running else 0)

    def replay(self, data: dict[str, Any]) -> None:
        """Give one of the guest's reports to this session's reporters."""
        hook = self.config.hook
        report = hook.pytest_report_from_serializable(config=self.config, data=data)
        if isinstance(report.longrepr, list):  # why a test was skipped: a tuple, but JSON has none
            report.longrepr = tuple(report.longrepr)
        if report.when == "setup":
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        if report.outcome != "passed" or report.nodeid not in self.outcomes:
            self.outcomes[report.nodeid] = report.outcome
        if report.when == "teardown":
            self.finished.add(report.nodeid)
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)

    def require_all(self, status: int) -> None:
        """Report as failed each test that the guest did not finish."""
        lost = [item for item in self.items if item.nodeid not in self.finished]
        if not lost and status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            lost = self.items[-1:]
        for item in lost:
            self.outcomes[item.nodeid] = "not finished"
            self.config.hook.pytest_runtest_logreport(report=self.unfinished(item, status))

    def unfinished(self, item: pytest.Item, status: int) -> pytest.TestReport:
        """Return the report of a test that the kernel was to run and did not."""
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=f"not finished in {self.kernel.name}, which ended with status {status}; its output is below",
            when="call",
        )

    def summarise(self, terminalreporter: pytest.TerminalReporter) -> None:
        counts = Counter(self.outcomes.values())
        if counts["not finished"]:
            terminalreporter.write_line(self.console)
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        terminalreporter.write_line(f"{text} in {self.kernel.name} in {self.seconds:.1f} s, counted below too")
