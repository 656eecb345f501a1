# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the cases one after the other, each in a sandbox of its own; prints a table and, last, a line of JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import CHECKOUT, Row

CASES = ("containers", "chains", "ipvs", "task", "peers", "fleet_plan", "site", "data_plane")


def rows_of(case: str, quick: bool) -> Iterator[Row]:
    """The rows that a case prints; what else it says goes to stderr."""
    command = [str(CHECKOUT / "scripts/sandbox"), sys.executable, "-m", f"benchmarks.cases.{case}"]
    process = subprocess.Popen(
        command + ["--quick"] * quick, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=CHECKOUT
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield Row(**json.loads(line))
    if process.wait():
        raise SystemExit(f"benchmarks: case {case} failed (exit {process.returncode})")


def ratio(figure: float, other: float | None) -> float | None:
    return None if not other else figure / other


def verdict(row: Row) -> str:
    """How a row stands to its targets."""
    others = {"floor": row.floor, "peer": next(iter(row.peers.values()), None), **row.compared}
    said = []
    for name, limit in row.against.items():
        found = ratio(row.ours, others.get(name))
        said.append(f"{name} {'met' if found is not None and found <= limit else 'MISSED'} (≤ {limit:g}x)")
    return ", ".join(said)


def lines(row: Row) -> Iterator[str]:
    """A row of the table, and one for each of its peers."""

    def figure(value: float | None) -> str:
        return f"{value:10.3f}" if value is not None else " " * 10

    def times(value: float | None) -> str:
        return f"{value:8.2f}x" if value is not None else " " * 9

    yield f"{row.case:<52}{figure(row.ours)} {row.unit:<3}{'':9}{'':9}  {verdict(row)}"
    if row.floor is not None:
        yield f"{'    floor':<52}{figure(row.floor)} {row.unit:<3}{times(ratio(row.ours, row.floor))}"
    for name, value in (*row.peers.items(), *row.compared.items()):
        yield f"    {name:<48}{figure(value)} {row.unit:<3}{times(ratio(row.ours, value))}"
    if row.note:
        yield f"    ({row.note})"


def summary(rows: list[Row]) -> str:
    """The last line: case → figures and ratios."""
    found = {}
    for row in rows:
        peer = next(iter(row.peers.values()), None)
        found[row.case] = {
            "ours": row.ours,
            "floor": row.floor,
            "peer": peer,
            "ratio_floor": ratio(row.ours, row.floor),
            "ratio_peer": ratio(row.ours, peer),
            "unit": row.unit,
            "peers": dict(row.peers),
            "compared": dict(row.compared),
            "against": dict(row.against),
            "note": row.note,
        }
    return json.dumps(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: to see that it works")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    given = parser.parse_args()
    unknown = set(given.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    print("Median seconds of this collection; below each, what it is compared with and the ratio ours ÷ that.")
    rows = []
    for case in given.cases or CASES:
        for row in rows_of(case, given.quick):
            rows.append(row)
            print(*lines(row), sep="\n", flush=True)
    print(summary(rows))


if __name__ == "__main__":
    main()
