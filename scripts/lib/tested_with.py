# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/tested_with.md from the results in docs/tested_with, which the tests themselves have written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
RESULTS, PAGE = DOCS / "tested_with", DOCS / "tested_with.md"
Row = Mapping[str, Any]

HEAD = """\
<!-- Made by scripts/lib/tested_with.py from docs/tested_with/*.json. Do not edit. -->

# Tested with

Each result here was written by the test that it is of; nothing is filled in by hand. What was not there when the tests
ran (an interpreter, a mirror of packages) is not in the tables.
"""


def page(results: Mapping[str, Any]) -> str:
    """The page.

    Args:
        results: name of a file without `.json` → its content.
    """
    order = [*(name for name in SECTIONS if name in results), *sorted(results.keys() - SECTIONS.keys())]
    return "\n".join([HEAD, *(line for name in order for line in SECTIONS.get(name, other)(name, results[name]))])


def nodes(_name: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from section("Managed nodes")
    yield "`make test-matrix`: the tests of the engine on the kernel (tests), and a playbook with every module that"
    yield "declares something, run by Ansible with that interpreter on the node (tasks): made, changed, repaired, taken"
    yield "away, nothing left. A result without a number of both has not been through both."
    yield ""
    versions = sorted({row["pyroute2"] for row in rows}, key=by_version)
    pythons = sorted({row["python"] for row in rows}, key=by_version)
    found = {(row["python"], row["pyroute2"]): row for row in rows}
    head = ["Python", *(f"pyroute2 {version}" for version in versions)]
    yield from table(
        head, [[python, *(cell(found.get((python, version))) for version in versions)] for python in pythons]
    )


def cell(row: Row | None) -> str:
    if row is None:
        return "not run"
    counts = [f"{row[name]} {name}" for name in ("tests", "tasks") if name in row]
    return " ".join([row["result"], *([f"({', '.join(counts)})"] if counts else [])])


def controllers(_name: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from section("Controllers")
    yield "The playbooks `site`, `verify`, `site` again without a change, and `teardown`, over two nodes of the lab."
    yield ""
    yield from table(
        ["ansible-core", "Python", "netaddr", ""], fields(rows, "ansible-core", "python", "netaddr", "result")
    )


def distributions(_name: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from section("Distributions of managed nodes")
    yield "The same with nodes whose files are those of the distribution: the role `host` installs its packages. The"
    yield "kernel is that of the machine, and there is no systemd."
    yield ""
    names = ("distribution", "python", "pyroute2", "iproute2", "iptables", "result")
    yield from table(["", "Python", "python3-pyroute2", "iproute2", "iptables", ""], fields(rows, *names))


def sanity(_name: str, found: Mapping[str, Row]) -> Iterator[str]:
    yield from section("ansible-test sanity")
    yield "`scripts/sanity`, with nothing ignored; what managed nodes run is compiled and imported with each Python."
    yield ""
    rows = [{**row, "targets": ", ".join(row["targets"])} for _version, row in sorted(found.items())]
    yield from table(
        ["ansible-core", "Python", "compiled and imported", ""],
        fields(rows, "ansible-core", "python", "targets", "result"),
    )


def mitogen(_name: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from section("Mitogen")
    yield "The playbook `site` over nodes of the lab by ssh, with Mitogen's strategy and without, in turns in one run."
    yield "The ratio says how many times as long it takes without; times of different rows cannot be compared."
    yield ""
    yield from other("", rows)


def other(name: str, rows: Any) -> Iterator[str]:
    """A list of objects by their own names of fields; of anything else only that it is there."""
    if name:
        yield from section(name.replace("_", " ").capitalize())
    if not isinstance(rows, list):
        yield f"See [tested_with/{name}.json](tested_with/{name}.json)."
        return
    head = list(dict.fromkeys(field for row in rows for field in row))
    yield from table(head, fields(rows, *head))


def section(title: str) -> list[str]:
    return ["", f"## {title}", ""]


def fields(rows: Any, *names: str) -> list[list[str]]:
    return [[str(row.get(name, "")) for name in names] for row in rows]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def by_version(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part.isdigit()]


SECTIONS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    "nodes": nodes,
    "controllers": controllers,
    "distributions": distributions,
    "sanity": sanity,
    "mitogen": mitogen,
}


def read() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


if __name__ == "__main__":
    PAGE.write_text(page(read()) + "\n")
