# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that the become plugin builds, word by word, and what it refuses to build."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.containerland.net.plugins.become.nsenter import DOCUMENTATION, BecomeModule

SHELL = SimpleNamespace(ECHO="echo", COMMAND_SEP=";", executable="/bin/sh", _load_name="sh")
DEFAULTS = {
    "nsenter_namespaces": "net",
    "nsenter_through": "",
    "nsenter_run_dir": "/run/containerland/nodes",
    "nsenter_sudo": False,
    "nsenter_user": "root",
    "become_exe": "nsenter",
    "become_flags": "",
}
EVERYTHING = ["--net", "--mount", "--uts", "--ipc", "--pid"]


def plugin(**options: Any) -> BecomeModule:
    """Return a plugin with these options, as if they had come from the inventory."""
    module = BecomeModule()
    values = {**DEFAULTS, **options}
    module.get_option = lambda option, hostvars=None, playcontext=None: values[option]
    return module


def build(cmd: str = "echo hi", **options: Any) -> tuple[str, BecomeModule]:
    """Return the command and the plugin that knows the marker of success in it."""
    module = plugin(**options)
    return module.build_become_command(cmd, SHELL), module


PLAIN: list[tuple[str, str, list[str]]] = [
    ("web1", "net", ["--net=/run/netns/web1"]),
    ("a.b-c_d@1", "net", ["--net=/run/netns/a.b-c_d@1"]),
    ("/proc/1/ns/net", "net", ["--net=/proc/1/ns/net"]),
    ("/tmp/a b;$(id)", "net", ["--net=/tmp/a b;$(id)"]),
    ("42", "net", ["--target", "42", "--net"]),
    ("pid:42", "net", ["--target", "42", "--net"]),
    ("pid:42", "all", ["--target", "42", *EVERYTHING]),
]


@pytest.mark.parametrize(("target", "namespaces", "expected"), PLAIN)
def test_words(target: str, namespaces: str, expected: list[str]) -> None:
    command, module = build(nsenter_target=target, nsenter_namespaces=namespaces)
    assert shlex.split(command) == [
        "nsenter",
        *expected,
        "--",
        "/bin/sh",
        "-c",
        f"echo {module.success} ; echo hi",
    ]


@pytest.mark.parametrize(("target", "namespaces", "expected"), PLAIN)
def test_words_with_sudo(target: str, namespaces: str, expected: list[str]) -> None:
    command, _module = build(nsenter_target=target, nsenter_namespaces=namespaces, nsenter_sudo=True)
    assert shlex.split(command)[:5] == ["sudo", "-H", "-n", "--", "nsenter"]
    assert shlex.split(command)[5 : 5 + len(expected)] == expected


def test_executable_and_flags_are_quoted() -> None:
    command, _module = build(
        nsenter_target="web1", become_exe="/opt/my tools/nsenter", become_flags="--user '--wd=/a b'"
    )
    assert shlex.split(command)[:5] == [
        "/opt/my tools/nsenter",
        "--net=/run/netns/web1",
        "--user",
        "--wd=/a b",
        "--",
    ]


def test_empty_command_stays_empty() -> None:
    assert build("", nsenter_target="web1")[0] == ""


@pytest.mark.parametrize(
    "target",
    [
        "",
        "..",
        ".",
        "a/b",
        "../x",
        "-x",
        "--all",
        "a b",
        "a;id",
        "$(id)",
        "`id`",
        "a\nb",
        "a\n",
        "a\x7f",
        "ä",
        "web1/",
        "pid:",
        "pid:0",
        "pid:-1",
        "pid:1;id",
        "pid:٣",
        "٣",
        "0",
        "/run/../etc",
        "/a\nb",
        "node:",
        "node:../x",
        "node:a/b",
        "docker:",
        "docker:-f",
        "docker:a b",
        "podman:$(id)",
        "lxc:-P/x",
        "machine:a b",
        "x" * 256,
    ],
)
def test_hostile_targets_are_refused(target: str) -> None:
    with pytest.raises(AnsibleError, match="nsenter_target: not a"):
        build(nsenter_target=target)


@pytest.mark.parametrize("target", ["web1", "/proc/1/ns/net"])
def test_all_needs_a_process(target: str) -> None:
    with pytest.raises(AnsibleError, match="nsenter_namespaces: 'all' needs a process"):
        build(nsenter_target=target, nsenter_namespaces="all")


def test_only_root_can_be_asked_for() -> None:
    with pytest.raises(AnsibleError, match="become_user: only root"):
        build(nsenter_target="web1", nsenter_user="postgres")


def test_ansible_cannot_skip_the_plugin() -> None:
    """It does if become_user equals the user that it logged in as, so that must stay empty."""
    options = yaml.safe_load(DOCUMENTATION)["options"]["become_user"]
    assert options["default"] == ""
    assert not {"vars", "env", "ini", "keyword"} & set(options)


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run as a connection plugin does."""
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("quoted", ["echo hi", "printf '%s|' \"a  b\" 'it'\"'\"'s' '$HOME'"])
def test_node_is_found_when_the_command_runs(tmp_path: Path, quoted: str) -> None:
    (tmp_path / "node1.pid").write_text("77\n")
    fake = tmp_path / "fake nsenter"
    fake.write_text('#!/bin/sh\necho "$1 $2 $3" >&2\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    fake.chmod(0o755)
    command, module = build(
        quoted,
        nsenter_target="node:node1",
        nsenter_run_dir=str(tmp_path),
        become_exe=str(fake),
        nsenter_namespaces="all",
    )
    result = run(command)
    assert result.stderr == "--target 77 --net\n"
    assert result.stdout == f"{module.success}\n{run(quoted).stdout}"
    assert module.check_success(result.stdout.encode())


@pytest.mark.parametrize("content", [None, "", "0\n", "what\n"])
def test_node_that_is_not_running_is_said_in_a_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "node1.pid").write_text(content)
    result = run(build(nsenter_target="node:node1", nsenter_run_dir=str(tmp_path))[0])
    assert result.returncode == 1
    assert result.stderr.startswith("containerland.net.nsenter: the node 'node1' is not running")


_INSPECT = "inspect --format {{.State.Pid}} -- web"


@pytest.mark.parametrize(
    ("kind", "program", "words"),
    [
        ("docker", "docker", _INSPECT),
        ("podman", "podman", _INSPECT),
        ("lxc", "lxc-info", "--pid --no-humanize --name web"),
        ("machine", "machinectl", "show --property=Leader --value web"),
    ],
)
@pytest.mark.parametrize(("answer", "works"), [("4711", True), ("0", False), ("", False)])
def test_container_is_inspected(
    tmp_path: Path, kind: str, program: str, words: str, answer: str, works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, body in (
        ("nsenter", 'echo "$2"'),
        (program, f'[ "$*" = "{words}" ] && echo {answer}'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = run(build(nsenter_target=f"{kind}:web")[0])
    assert result.stdout == ("4711\n" if works else "")
    called = "machine" if kind == "machine" else f"{kind} container"
    assert works or f"the {called} 'web' is not running" in result.stderr


def test_lookup_runs_under_sudo() -> None:
    command, _module = build(nsenter_target="docker:web", nsenter_sudo=True)
    words = shlex.split(command)
    assert words[:6] == ["sudo", "-H", "-n", "--", "/bin/sh", "-c"]
    assert len(words) == 7
    assert "docker inspect" in words[6]


@pytest.mark.parametrize("sudo", [False, True])
def test_a_target_is_looked_up_inside_of_what_is_entered_first(tmp_path: Path, sudo: bool) -> None:
    (tmp_path / "node1.pid").write_text("4711\n")
    options = {"nsenter_through": "node:node1", "nsenter_run_dir": str(tmp_path), "nsenter_sudo": sudo}
    command, _module = build(nsenter_target="docker:web", **options)
    words = shlex.split(command)
    if sudo:
        assert words[:5] == ["sudo", "-H", "-n", "--", "/bin/sh"]
        words = shlex.split(words[-1])
    entered = words[words.index("nsenter") :]
    assert entered[:9] == ["nsenter", "--target", "$pid", *EVERYTHING, "--"]
    assert entered[9:11] == ["/bin/sh", "-c"]
    assert entered[11].startswith("pid=$(docker inspect")
    assert 'nsenter --target "$pid" --net -- ' in entered[11]
    assert len(entered) == 12


@pytest.mark.parametrize("through", ["web1", "/run/netns/web1", "pid:1 2"])
def test_only_processes_can_be_entered_first(through: str) -> None:
    with pytest.raises(AnsibleError, match="nsenter_"):
        build(nsenter_target="web1", nsenter_through=through)
