# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile names, programs and flags: a shell runs what the plugin builds, and must run nothing that they say."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.errors import AnsibleError

from tests.unit.plugins.become.test_nsenter import build

# A file of that name appears where a shell takes one of these for a command.
BREAKS = (
    *("; touch owned; ", "\ntouch owned\n", "&& touch owned", "| touch owned", "|| touch owned ||", "& touch owned &"),
    *("$(touch owned)", "`touch owned`", "<(touch owned)", ">owned", "\\\ntouch owned\n", "\rtouch owned"),
    *(
        "' ; touch owned; '",
        '" ; touch owned; "',
        "'$(touch owned)'",
        '"$(touch owned)"',
        ") touch owned (",
        "} touch owned {",
    ),
)
HARMLESS = ("", "web1", "x", "-", "--", "a b", "$HOME", "*", "~", "#", "\\", "'", '"', "ü", "\t", "=", "!", "%s")
#: A program that notes how it was called: nsenter, docker, podman and sudo in one.
STUB = """#!/bin/sh
case ${0##*/} in
    docker | podman) echo 77; exit ;;
    sudo) shift 3; exec "$@" ;; # -H -n --
esac
for word do printf '%s\\0' "$word"; done >>called
"""


def texts(seed: int) -> Iterator[str]:
    """Each break alone, then mixed with harmless pieces."""
    yield from BREAKS
    chance = random.Random(seed)
    while True:
        yield "".join(chance.choice(HARMLESS) + chance.choice(BREAKS) for _turn in range(chance.randint(1, 2)))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the stubs, where the commands run."""
    for name in ("nsenter", "docker", "podman", "sudo"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def ran(directory: Path, command: str) -> list[str] | None:
    """The words that a stub was called with; None if none was. Nothing hostile may have happened."""
    called = directory / "called"
    called.unlink(missing_ok=True)
    before = set(os.listdir(directory)) - {"called"}
    subprocess.run(["/bin/sh", "-c", command], cwd=directory, capture_output=True, timeout=20, check=False)
    assert set(os.listdir(directory)) - {"called"} == before, f"a shell has run part of a text: {command!r}"
    return called.read_bytes().decode().split("\0")[:-1] if called.exists() else None


@pytest.mark.parametrize("prefix", ["", "/", "docker:", "podman:", "lxc:", "machine:", "node:", "pid:", "/proc/1/ns/"])
def test_targets(prefix: str, shell: Path) -> None:
    taken = 0
    for text in itertools.islice(texts(1), 60):
        try:
            command, _module = build(nsenter_target=prefix + text, nsenter_run_dir=str(shell))
        except AnsibleError as problem:
            assert str(problem).startswith("nsenter_target: not a")
            continue
        taken += 1
        words = ran(shell, command)
        assert words is not None and words[0] == f"--net={prefix}{text}", words
    assert bool(taken) == prefix.startswith("/"), "only paths may have such names"


def test_directories_of_nodes(shell: Path) -> None:
    for text in itertools.islice(texts(2), 60):
        try:
            command, _module = build(nsenter_target="node:node1", nsenter_run_dir=f"/nowhere/{text}")
        except AnsibleError as problem:
            assert str(problem).startswith("nsenter_target: not an absolute path")
            continue
        assert ran(shell, command) is None, "there is no such node"


@pytest.mark.parametrize("sudo", [False, True])
@pytest.mark.parametrize("target", ["web1", "docker:web"])
def test_programs_flags_and_commands(target: str, sudo: bool, shell: Path) -> None:
    for text in itertools.islice(texts(3), 40):
        command, _module = build(nsenter_target=target, nsenter_sudo=sudo, become_exe=text)
        assert ran(shell, command) is None, "there is no program of that name"
        try:
            command, _module = build(nsenter_target=target, nsenter_sudo=sudo, become_flags=text)
        except AnsibleError as problem:
            assert str(problem).startswith("become_flags: No ")
        else:
            assert ran(shell, command) is not None
        # Ansible has quoted the command for one shell; it arrives as one word.
        command, module = build(f"echo {text}", nsenter_target=target, nsenter_sudo=sudo)
        words = ran(shell, command)
        assert words is not None and words[-1] == f"echo {module.success} ; echo {text}"
