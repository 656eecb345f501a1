# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a web server, or whoever stands behind its address, many times, and shows who answered how often.

Usage: python3 chart.py TITLE URL COUNT
With UNTIL=FILE in its environment it asks until there is such a file. Fails if a request does.
"""

from __future__ import annotations

import collections
import os
import sys
import time
import urllib.request

WIDTH = 40


def answers(url: str, count: int, until: str) -> list[str]:
    """Who answered: the first word of each answer."""
    found: list[str] = []
    while len(found) < count or (until and not os.path.exists(until)):
        with urllib.request.urlopen(url, timeout=3) as answer:
            found.append(answer.read(1000).decode(errors="replace").split()[0])
        time.sleep(0.01 if until else 0)
    return found


def chart(title: str, found: list[str]) -> list[str]:
    count = collections.Counter(found)
    left = max(len(name) for name in count)
    most = max(count.values())
    bars = ("█" * max(1, round(number * WIDTH / most)) for _name, number in sorted(count.items()))
    lines = [f"  {name:{left}} {blocks} {number}" for (name, number), blocks in zip(sorted(count.items()), bars)]
    return [f"{title}: {len(found)} requests, {len(count)} servers", *lines]


def main() -> None:
    title, url, count = sys.argv[1:]
    for line in chart(title, answers(url, int(count), os.environ.get("UNTIL", ""))):
        print(line)


if __name__ == "__main__":
    main()
