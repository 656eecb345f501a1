# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the results of a whole run to docs/tested_with, by which the page there is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.faults.state", "tests.integration.support.kernel", "tests.matrix.lab")

from tests.matrix.cells import ALL, CHECKOUT  # noqa: E402

TARGET = CHECKOUT / "docs" / "tested_with"


@dataclass
class Record:
    """What a test was done with, by names of programs and their versions; and counts of what went well."""

    cell: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


RECORD = pytest.StashKey[Record]()


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    request.node.stash[RECORD] = Record()
    return request.node.stash[RECORD]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[misc, assignment]
    found = item.stash.get(RECORD, None)
    if ALL and report.when == "call" and found is not None and found.cell:
        write(TARGET / f"{Path(item.path).stem[len('test_') :]}.json", found, report.passed)
    return report  # type: ignore[return-value]


def write(path: Path, record: Record, passed: bool) -> None:
    """Add it to the rows that are there; scripts/test-matrix removes those of earlier runs."""
    rows = json.loads(path.read_text()) if path.exists() else []
    row = next((each for each in rows if record.cell.items() <= each.items()), None)
    if row is None:
        rows.append(row := {**record.cell, "result": "passed"})
    row.update(record.counts)
    if not passed:
        row["result"] = "failed"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=2) + "\n")
