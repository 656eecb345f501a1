# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest plugin: a test marked `other_kernel("vlan", …)` runs here, or in User Mode Linux
if this kernel lacks one.

Those that go there run after the local ones, in one boot of it. There, this plugin writes each report to a
file; here, it replays them, so that counts, failures and JUnit XML are those of one session.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.uml.features import FEATURES, present

MARK = "other_kernel"
#: Set in the guest: where to append the reports.
REPORTS = "CONTAINERLAND_UML_REPORTS"
POLL_SECONDS = 0.2


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "time limit of User Mode Linux in seconds (default: 600)"
    parser.addoption("--uml-seconds", type=float, default=600, help=text)


def pytest_configure(config: pytest.Config) -> None:
    text = f"{MARK}(*features): run where the kernel has all of: {', '.join(FEATURES)}"
    config.addinivalue_line("markers", text)
    reports = os.environ.get(REPORTS)
    config.pluginmanager.register(Guest(config, Path(reports)) if reports else Host(config), "other-kernel")


def needed(item: pytest.Item) -> set[str]:
    """Return the features that a test's marks name."""
    features = {feature for mark in item.iter_markers(MARK) for feature in mark.args}
    unknown = sorted(features - FEATURES.keys())
    if unknown:
        raise pytest.UsageError(f"{item.nodeid}: unknown to {MARK}: {', '.join(unknown)}")
    return features


class Guest:
    """In User Mode Linux: hand out reports; a test that cannot run here either has failed."""

    def __init__(self, config: pytest.Config, reports: Path) -> None:
        self.config = config
        self.reports = reports
        self.present: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.present = present(set().union(*map(needed, items)))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        missing = needed(item) - self.present
        if missing:
            pytest.fail(f"User Mode Linux lacks {', '.join(sorted(missing))} too", pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        # Closing the file is what makes hostfs write it out.
        with self.reports.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(data) + "\n")


class Host:
    """On the machine itself: keep what this kernel can run, send the rest to User Mode Linux."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.elsewhere: list[pytest.Item] = []
        self.console = ""
        self.seconds = 0.0
        self.outcomes: dict[str, str] = {}
        self.finished: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        features = {item: needed(item) for item in items}
        wanted = set().union(*features.values())
        missing = wanted - present(wanted) if wanted else set()
        if not self.config.option.collectonly:
            self.elsewhere = [item for item in items if features[item] & missing]
            items[:] = [item for item in items if not features[item] & missing]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        result = yield
        if self.elsewhere:
            session.testscollected += len(self.elsewhere)
            self.run_elsewhere()
            result = True
        return result

    def run_elsewhere(self) -> None:
        """Boot User Mode Linux, run the tests there, replay their reports as they come."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="containerland-uml-reports-") as directory:
            reports = Path(directory, "reports")
            reports.touch()
            with Path(directory, "output").open("w+", encoding="utf-8", errors="replace") as output:
                with self.start(directory, reports, output.fileno()) as guest:
                    self.follow(guest, reports)
                output.seek(0)
                self.console = output.read()
        self.seconds = time.monotonic() - started
        self.require_all(guest.returncode)

    def start(self, directory: str, reports: Path, output: int) -> subprocess.Popen[bytes]:
        """Start pytest in User Mode Linux, on precisely the tests that this kernel cannot run."""
        root = self.config.rootpath
        seconds = str(self.config.getoption("--uml-seconds"))
        runner = [str(root / "tests/uml/run"), "--seconds", seconds, "--share", directory]
        options = ["-p", "tests.uml.plugin", "-p", "no:cacheprovider"]
        pytest_command = [sys.executable, "-m", "pytest", *options, *(item.nodeid for item in self.elsewhere)]
        environment = {**os.environ, REPORTS: str(reports)}
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
        try:
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
        finally:
            guest.terminate()

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
        lost = [item for item in self.elsewhere if item.nodeid not in self.finished]
        if not lost and status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            lost = self.elsewhere[-1:]
        for item in lost:
            self.outcomes[item.nodeid] = "not finished"
            self.config.hook.pytest_runtest_logreport(report=unfinished(item, status))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.elsewhere:
            return
        terminalreporter.section("User Mode Linux")
        counts = Counter(self.outcomes.values())
        if counts["not finished"]:
            terminalreporter.write_line(self.console)
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        terminalreporter.write_line(f"{text} in User Mode Linux in {self.seconds:.1f} s, counted below too")


def unfinished(item: pytest.Item, status: int) -> pytest.TestReport:
    """Return the report of a test that User Mode Linux was to run and did not."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr=f"not finished in User Mode Linux, which ended with status {status}; its output is below",
        when="call",
    )
