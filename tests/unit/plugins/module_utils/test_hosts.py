# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks in hosts files: made, changed in place, and taken away, with what others have there untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils import _hosts

LINES = ["10.96.0.1 web"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_hosts, "NODE", str(tmp_path / "hosts"))
    monkeypatch.setattr(_hosts, "NAMESPACES", str(tmp_path / "netns"))
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    return tmp_path


def reconcile(lines: list[str], *namespaces: str, node: bool = True, owner: str = "one") -> list[str]:
    """The files that were changed, by the last part but `hosts` of their paths."""
    found = _hosts.wanted(owner, lines, namespaces, node)
    changed = [path for path, content in found.items() if content != _hosts.read(path)]
    for path in changed:
        _hosts.write(path, found[path])
    return [path.removesuffix("/hosts").rpartition("/")[2] for path in changed]


def test_made_once_and_taken_away(files: Path) -> None:
    assert sorted(reconcile(LINES, "web1", "web2")) == sorted([files.name, "web1", "web2"])
    assert reconcile(LINES, "web1", "web2") == []
    text = (files / "netns" / "web1" / "hosts").read_text()
    assert text.splitlines()[1:-1] == ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", *LINES]
    assert reconcile([], node=False) == [files.name, "web1", "web2"]
    assert (files / "hosts").read_text() == "127.0.0.1 localhost\n"
    assert not (files / "netns").exists()


def test_a_namespace_that_is_no_longer_listed(files: Path) -> None:
    reconcile(LINES, "web1", "web2")
    assert reconcile(LINES, "web2") == ["web1"]
    assert [path.name for path in (files / "netns").iterdir()] == ["web2"]


def test_what_others_have_stays(files: Path) -> None:
    path = files / "netns" / "web1" / "hosts"
    path.parent.mkdir(parents=True)
    path.write_text("192.0.2.1 theirs")
    reconcile(LINES, "web1")
    reconcile(["10.96.0.2 shop"], "web1", owner="two")
    assert "localhost" not in path.read_text()
    reconcile(["10.96.0.3 web"], "web1")
    assert {line for line in path.read_text().splitlines() if line[0] != "#"} == {
        "192.0.2.1 theirs",
        "10.96.0.3 web",
        "10.96.0.2 shop",
    }
    reconcile([])
    reconcile([], owner="two")
    assert path.read_text() == "192.0.2.1 theirs\n"


def test_changed_in_place(files: Path) -> None:
    """A process that has the file mounted elsewhere sees the change."""
    reconcile(LINES, "web1")
    path = files / "netns" / "web1" / "hosts"
    before = path.stat().st_ino
    reconcile(["10.96.0.1 a"], "web1")
    assert path.stat().st_ino == before
    assert path.read_text().splitlines()[-2] == "10.96.0.1 a"


def test_a_link_is_not_followed(files: Path) -> None:
    path = files / "netns" / "web1" / "hosts"
    path.parent.mkdir(parents=True)
    path.symlink_to(files / "elsewhere")
    with pytest.raises(Exception, match="cannot write"):
        reconcile(LINES, "web1")
    assert not (files / "elsewhere").exists()


@pytest.mark.parametrize("content", ["127.0.0.1 localhost", "", "# BEGIN\n127.0.0.1 localhost"])
def test_files_without_a_block_stay_to_the_last_byte(files: Path, content: str) -> None:
    (files / "hosts").write_text(content)
    (files / "netns" / "theirs").mkdir(parents=True)
    (files / "netns" / "theirs" / "hosts").write_text(content)
    assert reconcile([], node=True) == [] == reconcile([], node=False)
