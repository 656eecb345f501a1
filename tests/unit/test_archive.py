# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that users install has what they need, and no more."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# Who adds something at the top decides here whether users need it, and else names it in build_ignore of galaxy.yml.
FILES = {
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "bindep.txt",
    "requirements.txt",
}
WHOLE = {"inventories", "meta", "playbooks", "plugins", "roles"}
# Of these there is what these expressions match.
PARTS = {
    "changelogs": r"changelogs/(changelog|config)\.yaml",
    "docs": r"docs/([a-z_]+\.md|(guides|images|tested_with)/.+\.(md|svg|png|json))",
    "tests": r"tests/(config\.yml|sanity/ignore-[0-9.]+\.txt)",
}
MOST_BYTES = 600_000


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, built from a checkout in which people work: with caches, and files of their own."""
    scratch = tmp_path_factory.mktemp("archive")
    tree = scratch / "tree"
    tree.mkdir()
    subprocess.run(["cp", "-r", "--", *sources(), str(tree)], cwd=CHECKOUT, check=True)
    for litter in (
        ".cache/a",
        ".venv/bin/a",
        ".git/a",
        "plugins/.mypy_cache/a",
        "roles/host/.a.swp",
        "plugins/__pycache__/a.pyc",
    ):
        (tree / litter).parent.mkdir(parents=True, exist_ok=True)
        (tree / litter).write_text("")
    for litter in ("docs/build/html/a.html", "changelogs/fragments/a.yml", "containerland-net-0.0.1.tar.gz"):
        (tree / litter).parent.mkdir(parents=True, exist_ok=True)
        (tree / litter).write_text("")
    environment = {**os.environ, "HOME": str(scratch), "ANSIBLE_LOCAL_TEMP": str(scratch / "tmp")}
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(scratch / "built"), str(tree)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (built,) = (scratch / "built").iterdir()
    return built


def sources() -> list[str]:
    """What is at the top of the checkout, and no cache."""
    return sorted(path.name for path in CHECKOUT.iterdir() if not path.name.startswith("."))


def members(archive: Path) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(archive) as content:
        yield from (member for member in content if not member.isdir())


def wanted() -> set[str]:
    """The files of the directories that are there as a whole."""
    return {
        str(path.relative_to(CHECKOUT))
        for directory in WHOLE
        for path in (CHECKOUT / directory).rglob("*")
        if path.is_file() and not re.search(r"/(\.|__pycache__/)", str(path.relative_to(CHECKOUT)))
    }


def test_what_users_need_is_there(archive: Path) -> None:
    assert wanted() | FILES <= {member.name for member in members(archive)}


def test_nothing_else_is_there(archive: Path) -> None:
    rest = {member.name for member in members(archive)} - wanted() - FILES
    assert [name for name in sorted(rest) if not re.fullmatch(PARTS.get(name.partition("/")[0], ""), name)] == []


def test_what_is_run_can_be_run(archive: Path) -> None:
    """Programs keep their mode, and are no links out of the collection."""
    modes = {member.name: member.mode for member in members(archive)}
    assert modes["inventories/lab/nodes"] & 0o111
    assert [member.name for member in members(archive) if not member.isreg()] == []


def test_it_is_small(archive: Path) -> None:
    assert archive.stat().st_size < MOST_BYTES
