# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reachability matrix as text that a person reads at a glance; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Cell = Mapping[str, Any]

WAYS = {"local": "·", "underlay": "─", "routed": "→", "overlay": "═", "bridged": "≈"}
MEANING = {
    "local": "same node",
    "underlay": "node address over the underlay",
    "routed": "routed over the underlay",
    "overlay": "through the overlay",
    "bridged": "bridged through the overlay",
}
MISS, WRONG = "✗", "!"
MOST_COLUMNS = 24
MOST_PROBLEMS = 20


def render(cells: Sequence[Cell], columns: int = MOST_COLUMNS) -> str:
    """Draw one matrix per IP version, a legend, the counts, and a sentence per problem.

    Args:
        cells: as `reachability.judge` makes them, of one or more nodes.
        columns: with more targets than that, one column and row stand for a whole node.
    """
    blocks: list[str] = []
    for version, sign in (("IPv4", "."), ("IPv6", ":")):
        chosen = [cell for cell in cells if (":" if ":" in cell["address"] else ".") == sign]
        if chosen:
            blocks.append(_matrix(chosen, version, columns))
    blocks += [_legend(cells), _counts(cells)]
    problems = [cell["problem"] for cell in cells if cell["verdict"] != "ok"]
    if problems:
        lines = [f"  {MISS} {problem}" for problem in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            lines.append(f"  ... and {len(problems) - MOST_PROBLEMS} more")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def summary(cells: Sequence[Cell]) -> dict[str, Any]:
    """The counts as data: total, passed, missed, wrong, and the passed ones by way."""
    passed = [cell for cell in cells if cell["verdict"] == "ok"]
    missed = sum(cell["verdict"] == "miss" for cell in cells)
    ways = {way: sum(cell["way"] == way for cell in passed) for way in WAYS}
    return {
        "total": len(cells),
        "passed": len(passed),
        "missed": missed,
        "wrong": len(cells) - len(passed) - missed,
        "ways": {way: count for way, count in ways.items() if count},
    }


def _matrix(cells: Sequence[Cell], version: str, columns: int) -> str:
    targets = dict.fromkeys((cell["target_node"], cell["target"]) for cell in cells)
    if len(targets) > columns:
        return _coarse(cells, version)
    grid = {(cell["source"], cell["target"]): _mark(cell) for cell in cells}
    rows = dict.fromkeys((cell["source_node"], cell["source"]) for cell in cells)
    return _draw(version, list(rows), list(targets), grid)


def _coarse(cells: Sequence[Cell], version: str) -> str:
    """A row and column per node, and how many pings of how many went well."""
    tally: dict[tuple[str, str], list[int]] = {}
    for cell in cells:
        count = tally.setdefault((cell["source_node"], cell["target_node"]), [0, 0])
        count[0] += cell["verdict"] == "ok"
        count[1] += 1
    grid = {pair: f"{'' if good == total else MISS}{good}/{total}" for pair, (good, total) in tally.items()}
    rows = dict.fromkeys((cell["source_node"], cell["source_node"]) for cell in cells)
    targets = dict.fromkeys((cell["target_node"], cell["target_node"]) for cell in cells)
    return _draw(version, list(rows), list(targets), grid)


def _mark(cell: Cell) -> str:
    if cell["verdict"] == "miss":
        return MISS
    if cell["verdict"] != "ok":
        return f"{WRONG}{cell['ttl']}"
    return f"{WAYS[cell['way']]}{cell['ttl']}"


def _draw(
    version: str,
    rows: Sequence[tuple[str, str]],
    columns: Sequence[tuple[str, str]],
    grid: Mapping[tuple[str, str], str],
) -> str:
    short = [label[len(node) + 1 :] if label != node else "node" for node, label in columns]
    if all(label == node for node, label in columns):
        short = [node for node, _label in columns]
    widths = [
        max([len(name)] + [len(grid.get((source, label), "")) for _node, source in rows])
        for name, (_node, label) in zip(short, columns)
    ]
    groups = _groups(columns, widths)
    left = max([len(source) for _node, source in rows] + [len(version)])
    lines = [_line(version, left, [name.ljust(width) for name, width in groups])]
    if short != [name for name, _unused in groups]:
        lines.append(_columns("from / to".ljust(left)[:left], left, columns, widths, short))
    else:
        lines = [_columns(version, left, columns, widths, short)]
    lines.append("─" * (left + 1) + "".join("┼" + "─" * (width + 2) for _unused, width in groups))
    before = ""
    for node, source in rows:
        if before not in ("", node) and len({label for _n, label in columns}) > len(groups):
            lines.append(" " * (left + 1) + "".join("│" + " " * (width + 2) for _unused, width in groups))
        before = node
        marks = [grid.get((source, label), "") for _node, label in columns]
        lines.append(_columns(source, left, columns, widths, marks))
    return "\n".join(line.rstrip() for line in lines)


def _groups(columns: Sequence[tuple[str, str]], widths: list[int]) -> list[tuple[str, int]]:
    """(node, width) of each run of columns; widens a run's last column where the node's name needs it."""
    groups: list[tuple[str, int]] = []
    for index, (node, _label) in enumerate(columns):
        if groups and groups[-1][0] == node:
            groups[-1] = (node, groups[-1][1] + 1 + widths[index])
        else:
            groups.append((node, widths[index]))
        if index + 1 == len(columns) or columns[index + 1][0] != node:
            widths[index] += max(0, len(node) - groups[-1][1])
            groups[-1] = (node, max(groups[-1][1], len(node)))
    return groups


def _columns(
    first: str, left: int, columns: Sequence[tuple[str, str]], widths: Sequence[int], texts: Sequence[str]
) -> str:
    runs: dict[str, list[str]] = {}
    for (node, _label), width, text in zip(columns, widths, texts):
        runs.setdefault(node, []).append(text.ljust(width))
    return _line(first, left, [" ".join(run) for run in runs.values()])


def _line(first: str, left: int, parts: Sequence[str]) -> str:
    return f"{first.ljust(left)} │ " + " │ ".join(parts)


def _legend(cells: Sequence[Cell]) -> str:
    used = {cell["way"] for cell in cells}
    parts = [f"{WAYS[way]} {MEANING[way]}" for way in WAYS if way in used]
    parts += [f"{MISS} no answer", f"{WRONG} answered, but not the expected way"]
    numbers = "Numbers: TTL of the answer; 64 = nobody forwarded it, 63 = one node did, 62 = two did."
    return "   ".join(parts) + "\n" + numbers


def _counts(cells: Sequence[Cell]) -> str:
    counts = summary(cells)
    ways = ", ".join(f"{count} {MEANING[way]}" for way, count in counts["ways"].items())
    verdict = f"{counts['passed']} of {counts['total']} as expected" + (f" ({ways})" if ways else "")
    return f"{verdict}; {counts['missed']} without an answer, {counts['wrong']} by another way than expected."
