# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of ipset(8), and what is made of what it says when it cannot do its work."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import KernelError, MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import ipset, programs

LISTED = """\
Name: web
Type: hash:ip
Revision: 6
Header: family inet hashsize 1024 maxelem 65536 netmask 24 timeout 0 comment bucketsize 12 initval 0x1 newword 7
Size in memory: 524
References: 2
Number of entries: 3

Name: a foreign name
Type: bitmap:port
Header: range 0-9
"""


@pytest.mark.parametrize(
    ("line", "element", "options"),
    [
        ("10.0.0.1", "10.0.0.1", {}),
        ("10.0.0.1 timeout 0 nomatch", "10.0.0.1", {"timeout": 0, "nomatch": True}),
        ("1.1.1.1 packets 5 bytes 7", "1.1.1.1", {"packets": 5, "bytes": 7}),
        (
            '1.1.1.1 comment "nomatch timeout 5" skbqueue 3',
            "1.1.1.1",
            {"comment": "nomatch timeout 5", "skbqueue": "3"},
        ),
        ("fd00::/64,eth0 wildcard", "fd00::/64,eth0", {"wildcard": True}),
        ("a before b", "a", {"before": "b"}),
        ("1.1.1.1 timeout soon", "1.1.1.1", {"timeout": "soon"}),
        ("1.1.1.1 timeout 0x10", "1.1.1.1", {"timeout": "0x10"}),
        ('1.1.1.1 comment "a\u2028\x85 b" nomatch', "1.1.1.1", {"comment": "a\u2028\x85 b", "nomatch": True}),
        ("1.1.1.1 newer word", "1.1.1.1", {"extra": ("newer", "word")}),
    ],
)
def test_an_entry_is_read_and_written_back(line: str, element: str, options: dict[str, object]) -> None:
    assert ipset.parse_entry(line) == (element, options)
    assert ipset.parse_entry(ipset.write_entry(element, options)) == (element, options)


def test_an_entry_loses_what_its_new_set_cannot_keep() -> None:
    element, options = ipset.parse_entry('1.1.1.1 timeout 9 packets 1 bytes 2 comment "x" skbmark 0x1 nomatch')
    assert ipset.write_entry(element, options, {"comment": False, "timeout": ""}) == "1.1.1.1 nomatch"
    kept = {"comment": True, "timeout": 0, "counters": True, "skbinfo": False}
    assert ipset.write_entry(element, options, kept) == '1.1.1.1 timeout 9 packets 1 bytes 2 comment "x" nomatch'


def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    path = tmp_path / "ipset"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(monkeypatch, tmp_path, f"cat <<'end'\n{LISTED}end")
    found = ipset.headers(None)
    web = found["web"]
    assert (web.references, web.count, web.more) == (2, 3, ("bucketsize", "12", "newword", "7"))
    assert {n: v for n, v in web.values.items() if not ipset.unset(v)} == {
        "type": "hash:ip",
        "family": "inet",
        "hashsize": 1024,
        "maxelem": 65536,
        "netmask": 24,
        "timeout": 0,
        "comment": True,
    }
    made = "create other hash:ip family inet hashsize 1024 maxelem 65536 netmask 24 timeout 0 comment bucketsize 12"
    assert ipset.create("other", web.values, web.more[:2]) == made
    assert found["a foreign name"].values["range"] == "0-9"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ipset v7.17: Cannot open session to kernel.", "load the module ip_set"),
        ("ipset v7.17: Kernel error received: Invalid argument", "load the module ip_set"),
        ("ipset v7.17: Kernel error received: Operation not permitted", "become: true"),
        ("", "load the module ip_set"),
    ],
)
def test_a_node_without_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, words: str) -> None:
    program(monkeypatch, tmp_path, f"echo '{said}' >&2; exit 1")
    with pytest.raises(MissingError, match=words):
        ipset.headers(None)


def test_only_a_new_line_ends_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = '1.1.1.1 comment "\x0badd s 6.6.6.6\x0c\x1c\x1d\x1e\x85\u2028\r"'
    (tmp_path / "saved").write_bytes(f"create s hash:ip comment\nadd s {entry}\nadd s 2.2.2.2\n".encode())
    program(monkeypatch, tmp_path, f"cat {tmp_path}/saved")
    assert ipset.entries(None, "s") == [entry, "2.2.2.2"]


def test_which_line_was_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(monkeypatch, tmp_path, "echo 'ipset v7.17: Error in line 2: Element cannot be added.' >&2; exit 1")
    with pytest.raises(ipset.Refused) as problem:
        ipset.restore(None, ["one", "two"])
    assert (problem.value.line, problem.value.words) == (1, "Element cannot be added")


def test_a_program_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(monkeypatch, tmp_path, "exec sleep 60")
    with pytest.raises(KernelError, match="did not end within"):
        programs.run(None, ["ipset", "list"], timeout=0.2)
