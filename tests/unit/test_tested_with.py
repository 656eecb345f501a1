# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of what was tested says what the results say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("tested_with", CHECKOUT / "scripts/lib/tested_with.py")
assert _spec is not None and _spec.loader is not None
script: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


def test_the_page_is_made_from_the_results() -> None:
    assert script.read(), "no results"
    assert script.PAGE.read_text() == script.page(script.read()) + "\n", "run python3 scripts/lib/tested_with.py"


def test_what_failed_and_what_was_not_run_is_said() -> None:
    rows = [
        {"python": "3.9.1", "pyroute2": "0.7.2", "result": "failed"},
        {"python": "3.13.0", "pyroute2": "0.9.7", "result": "passed", "tests": 7},
    ]
    shown = script.page(
        {"nodes": rows, "new_thing": [{"what": "it", "result": "passed"}], "odd": {"a": json.loads("1")}}
    )
    assert "| 3.9.1 | failed | not run |\n| 3.13.0 | not run | passed (7 tests) |" in shown
    assert "## New thing" in shown and "| it | passed |" in shown and "odd.json" in shown


@pytest.mark.parametrize("name", sorted(path.stem for path in script.RESULTS.glob("*.json")))
def test_every_result_is_shown(name: str) -> None:
    assert script.page({name: script.read()[name]}) > script.page({})
