# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick start does what it shows: its commands, as the page has them, in the lab that they build themselves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PAGE = CHECKOUT / "docs" / "guides" / "quick_start.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_quick_start() -> None:
    first, *rest = blocks("sh")
    # The shell of the lab reads what a person would type. It ends at the first command that fails.
    typed = "set -e\n" + "\n".join(rest) + "\necho 'came to the end'\nexit\n"
    run = subprocess.run(
        first.split(), cwd=CHECKOUT, input=typed, capture_output=True, text=True, timeout=900, check=False
    )
    said = run.stdout
    assert run.returncode == 0 and "came to the end" in said.splitlines(), said[-3000:] + run.stderr[-2000:]
    for block in blocks("text"):
        for line in block.splitlines():
            assert line in said, line
    changes = [int(number) for number in re.findall(r"^node1 .* changed=(\d+) ", said, re.MULTILINE)]
    # First, again, check mode after it was broken, repair; then site, verify, picture, teardown.
    assert [number > 0 for number in changes] == [True, False, True, True, True, False, True, True], changes
    assert "nomaster" in typed and re.search(r"^\+.*br0", said, re.MULTILINE), "no diff of what was broken"
