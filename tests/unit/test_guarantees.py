# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every promise of docs/guarantees.md links to a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guarantees.md"
_LINK = re.compile(r"\]\((\.\./[^)#]+|[^):#]+)\)")


def promises() -> list[str]:
    """The points of the lists, each on one line."""
    found: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            found.append(line)
        elif line.startswith("  ") and found:
            found[-1] += " " + line.strip()
    return found


def test_each_promise_has_its_test() -> None:
    assert len(promises()) > 10
    assert [promise for promise in promises() if "](../tests/" not in promise] == []


def test_what_is_linked_is_there() -> None:
    links = _LINK.findall(PAGE.read_text(encoding="utf-8"))
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
