# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's own program: its command line, and the file that it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils import _bundle
from ansible_collections.containerland.net.plugins.module_utils._core import program
from ansible_collections.containerland.net.plugins.module_utils._core.errors import LockError
from ansible_collections.containerland.net.plugins.module_utils._core.restore import Outcome

CHECKOUT = Path(__file__).parents[3]
CORE = CHECKOUT / "plugins" / "module_utils" / "_core"
Said = pytest.CaptureFixture[str]


def restoring(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome, problem: Exception | None = None) -> None:
    def restore() -> Iterator[Outcome]:
        yield from outcomes
        if problem is not None:
            raise problem

    monkeypatch.setattr(program, "restore", restore)


@pytest.mark.parametrize("arguments", [[], ["no-such"], ["restore", "more"]])
def test_wrong_usage(arguments: list[str], capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 2
    assert "usage: containerland-net" in capsys.readouterr().err


def test_help_names_every_command(capsys: Said) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in program.COMMANDS)


def test_a_line_for_each_file(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    restoring(monkeypatch, Outcome(""), Outcome("host"), Outcome("a", ("create x",)), Outcome("b", ("x", "y"), ("w",)))
    assert program.main(["restore"]) == 0
    said = capsys.readouterr()
    assert said.out == "host: as it should be\na: 1 change\nb: 2 changes\n"
    assert said.err == "containerland-net: b: w\n"


def test_a_problem_is_one_line_and_the_status(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    restoring(monkeypatch, Outcome("a", problem="bad\nnews \x1b[31m\u2620"), Outcome("b"))
    assert program.main(["restore"]) == 1
    said = capsys.readouterr()
    assert said.out == "b: as it should be\n"
    assert said.err == "containerland-net: a: bad news \\x1b[31m\\u2620\n"


def test_what_keeps_it_from_all(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    restoring(monkeypatch, problem=LockError("another run holds it"))
    assert program.main(["restore"]) == 1
    assert capsys.readouterr().err == "containerland-net: another run holds it\n"


# -- the archive


def test_all_of_the_engine_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(_bundle.archive(sys.executable))
    with zipfile.ZipFile(path) as file:
        found = {name: file.read(name).decode() for name in file.namelist()}
    wanted = {
        f"{_bundle.PACKAGE}/{source.relative_to(CORE)}": source.read_text(encoding="utf-8")
        for source in CORE.rglob("*.py")
    }
    assert set(found) - set(wanted) == {"__main__.py", f"{_bundle.PACKAGE}/__init__.py"}
    assert {name: found[name] for name in wanted} == wanted


def test_the_same_sources_are_the_same_bytes() -> None:
    assert _bundle.archive("/usr/bin/python3") == _bundle.archive("/usr/bin/python3")
    assert _bundle.archive("/usr/bin/python3") != _bundle.archive("/usr/bin/python3.11")


def test_it_runs_with_an_interpreter_whose_path_has_a_blank(tmp_path: Path) -> None:
    interpreter = tmp_path / "a python's home" / "python"
    interpreter.parent.mkdir()
    interpreter.symlink_to(sys.executable)
    path = tmp_path / "program"
    path.write_bytes(_bundle.archive(str(interpreter)))
    path.chmod(0o755)
    # What is beside it, or in the environment, is not imported in the place of the standard library.
    (tmp_path / "json.py").write_text("raise SystemExit('not that one')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([path, "--help"], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "restore" in done.stdout


# -- the module


def run_module(check: bool = False, **options: Any) -> dict[str, Any]:
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "plugins" / "modules" / "node_program.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / ".collections")},
    )
    assert done.stdout.strip(), done.stderr
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def test_installed_once_repaired_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "containerland-net"
    assert run_module(check=True, path=str(path))["changed"] is True
    assert not path.exists()
    first = run_module(path=str(path))
    assert first["changed"] is True and first["checksum"] in first["diff"]["after"]
    assert path.stat().st_mode & 0o7777 == 0o755
    assert run_module(path=str(path))["changed"] is False
    assert run_module(check=True, path=str(path))["changed"] is False
    for spoil in (lambda: path.write_bytes(b"other"), lambda: path.chmod(0o700)):
        spoil()
        assert run_module(path=str(path))["changed"] is True
        assert run_module(path=str(path))["changed"] is False
    assert run_module(check=True, path=str(path), state="absent")["changed"] is True
    assert path.exists()
    assert run_module(path=str(path), state="absent")["changed"] is True
    assert not path.exists()
    assert run_module(path=str(path), state="absent")["changed"] is False


@pytest.mark.parametrize(("option", "value"), [("path", "relative"), ("interpreter", "python3")])
def test_paths_are_absolute(option: str, value: str, tmp_path: Path) -> None:
    said = run_module(**{"path": str(tmp_path / "p"), option: value})
    assert said["failed"] is True and said["msg"].startswith(f"{option}: must be an absolute path"), said


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("path", ["/dev/zero", "/run"])
def test_what_is_no_file_is_not_replaced(path: str, state: str) -> None:
    said = run_module(check=True, path=path, state=state)
    assert said["failed"] is True and said["msg"] == f"path: '{path}' is not a file"
