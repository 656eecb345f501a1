# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides show of files is what these files, which are run by tests, have in them."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDES = CHECKOUT / "docs" / "guides"
_SHOWN = re.compile(r"^\[[\w/.]+\]\(([\w/.]+)\):\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_testing_shows_the_files_of_the_example() -> None:
    shown = _SHOWN.findall((GUIDES / "testing.md").read_text())
    assert len(shown) >= 10
    for path, block in shown:
        assert (GUIDES / path).read_text().endswith(f"\n{block}"), f"{path} is not as docs/guides/testing.md shows it"


def test_adopt_shows_what_is_tested() -> None:
    """The inventory, the messages and the program's output are those of tests/foreign/test_running.py."""
    guide = (GUIDES / "adopt.md").read_text()
    tested = (CHECKOUT / "tests/foreign/two_nodes/group_vars/nodes.yml").read_text()
    (attached,) = [line.strip() for line in tested.splitlines() if "attach" in line]
    assert attached in guide
