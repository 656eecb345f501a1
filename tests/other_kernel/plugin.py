# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest plugin: a test marked `other_kernel("vlan", …)` runs here, or in another kernel if this one lacks one.

Those that go elsewhere run beside the local ones, in one boot of each kernel. There, this plugin writes each report
to a file; here, it replays them when the local ones are done, so that counts, failures and JUnit XML are those of one
session.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.other_kernel.elsewhere import KERNELS, NAME, REPORTS, Elsewhere
from tests.other_kernel.features import FEATURES, present

MARK = "other_kernel"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "time limit of each other kernel in seconds (default: 900)"
    parser.addoption("--other-kernel-seconds", type=float, default=900, help=text)


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
    """In another kernel: hand out reports; a test that cannot run here either has failed."""

    def __init__(self, config: pytest.Config, reports: Path) -> None:
        self.config = config
        self.reports = reports
        self.present: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.present = present(set().union(*map(needed, items)))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        missing = needed(item) - self.present
        if missing:
            pytest.fail(f"{os.environ[NAME]} lacks {', '.join(sorted(missing))} too", pytrace=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        # Closing the file is what makes hostfs write it out.
        with self.reports.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(data) + "\n")


class Host:
    """On the machine itself: keep what this kernel can run, send the rest to the first kernel that can."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.elsewhere: list[Elsewhere] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        features = {item: needed(item) for item in items}
        wanted = set().union(*features.values())
        missing = wanted - present(wanted) if wanted else set()
        if self.config.option.collectonly:
            return
        rest = {item: names for item, names in features.items() if names & missing}
        items[:] = [item for item in items if item not in rest]
        for kernel in KERNELS:
            # Who needs what no kernel has fails in the last one.
            able = [item for item, names in rest.items() if not names & kernel.lacks or kernel is KERNELS[-1]]
            if able:
                self.elsewhere.append(Elsewhere(kernel, self.config, able))
            rest = {item: names for item, names in rest.items() if item not in able}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        with contextlib.ExitStack() as running:
            replays = [running.enter_context(kernel.running()) for kernel in self.elsewhere]
            result = yield
            for kernel, replay in zip(self.elsewhere, replays):
                session.testscollected += len(kernel.items)
                replay()
                result = True
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.elsewhere:
            terminalreporter.section("other kernels")
        for kernel in self.elsewhere:
            kernel.summarise(terminalreporter)
