# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No shell ever reads what users wrote: scripts are constants, and what is given to them are arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = sorted((CHECKOUT / "plugins").rglob("*.py"))
# What an unsafe text can be called with.
_CALLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"}
_SHELLS = re.compile(r"^(/bin/|/usr/bin/)?(ba|da|z)?sh$")
#: The become plugin gives the connection a command for the remote shell: all that it quotes, test_nsenter.py tries out.
BUILDS_SHELL = CHECKOUT / "plugins" / "become" / "nsenter.py"


def constants(tree: ast.Module) -> set[str]:
    """Names that the module gives a constant text, once."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def shells(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of each place where a shell may read something that is not a constant."""
    known = constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in _CALLS:
                yield node.lineno, name
            for keyword in node.keywords:
                if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                    yield node.lineno, ast.unparse(keyword)
                # As of AnsibleModule.run_command.
                if keyword.arg == "use_unsafe_shell":
                    yield node.lineno, ast.unparse(keyword)
            if name.endswith("run_command") and node.args and not isinstance(node.args[0], (ast.List, ast.Name)):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, (ast.List, ast.Tuple)):
            yield from _script(node, known)


def _script(words: ast.List | ast.Tuple, known: set[str]) -> Iterator[tuple[int, str]]:
    for word, option, script in zip(words.elts, words.elts[1:], [*words.elts[2:], None]):
        if not (isinstance(word, ast.Constant) and isinstance(word.value, str) and _SHELLS.match(word.value)):
            continue
        if not (isinstance(option, ast.Constant) and str(option.value).startswith("-")):
            continue
        fixed = isinstance(script, ast.Constant) or (isinstance(script, ast.Name) and script.id in known)
        if not fixed:
            yield words.lineno, ast.unparse(words)


@pytest.mark.parametrize("source", SOURCES, ids=[str(path.relative_to(CHECKOUT)) for path in SOURCES])
def test_python_starts_no_shell_with_what_is_not_constant(source: Path) -> None:
    found = list(shells(ast.parse(source.read_text(encoding="utf-8"))))
    assert found == []
    if source != BUILDS_SHELL:
        assert "shlex.quote" not in source.read_text(encoding="utf-8") or source.name == "_bundle.py", (
            "for which shell?"
        )


@pytest.mark.parametrize(
    "bad",
    [
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=chosen)",
        "os.system(text)",
        'subprocess.run(["sh", "-c", text])',
        'run(fd, ["/bin/sh", "-ec", f"ip link show {name}"])',
        'module.run_command("ip link show " + name)',
        "module.run_command(words, use_unsafe_shell=True)",
        'SCRIPT = "true"\nSCRIPT2 = text\nrun(["unshare", "bash", "-c", SCRIPT2])',
    ],
)
def test_it_would_be_found(bad: str) -> None:
    assert list(shells(ast.parse(bad)))


# -- roles and playbooks

FILES = sorted(path for part in ("roles", "playbooks") for path in (CHECKOUT / part).rglob("*.yml"))
_QUOTED = re.compile(r"\{\{[^{}]*\| *(map\('quote'\) *\| *join\(' '\)|quote) *\}\}")


# A file of the collection is as constant as its tasks.
_FILE = re.compile(r"lookup\( *'ansible\.builtin\.file', *'[\w./-]+' *\)")


def tasks(content: Any) -> Iterator[dict[str, Any]]:
    """All tasks, with those in blocks and plays."""
    for item in content if isinstance(content, list) else []:
        if isinstance(item, dict):
            yield item
            for name in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                yield from tasks(item.get(name))


def unsafe(task: dict[str, Any]) -> Iterator[str]:
    """What of a task may hand a template's result to a shell."""
    for module, options in task.items():
        name = module.rpartition(".")[2]
        if name in ("shell", "raw", "expect"):
            yield f"{module} is a shell"
        elif name in ("command", "script") and module.startswith("ansible."):
            given = options if isinstance(options, dict) else {"cmd": options}
            text = str(given.get("cmd", given.get("_raw_params", "")))
            if "{{" in _QUOTED.sub("", text):
                yield f"{module} splits {text!r}"
            yield from _arguments(given.get("argv"), task.get("vars", {}))
    if re.search(r"lookup\(\s*['\"](ansible\.builtin\.)?pipe", str(task)):
        yield "the lookup pipe is a shell"


def _arguments(argv: Any, known: dict[str, Any]) -> Iterator[str]:
    """A script is the word after -c: a variable of the task, without templates, or a file of the collection."""
    text = _FILE.sub("", str(argv or ""))
    for script in re.findall(r"-c'?, *(?:\"?'?\{\{ *)?([A-Za-z_]+)", text):
        value = _FILE.sub("", str(known.get(script, "{{"))).replace("{{  }}", "")
        if "{{" in value or "{%" in value:
            yield f"the script {script} is no constant: {value}"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CHECKOUT)) for path in FILES])
def test_tasks_give_what_users_wrote_to_no_shell(path: Path) -> None:
    found = [problem for task in tasks(yaml.safe_load(path.read_text())) for problem in unsafe(task)]
    assert found == []


@pytest.mark.parametrize(
    "bad",
    [
        {"ansible.builtin.shell": "ip link show {{ name }}"},
        {"ansible.builtin.command": "ip link show {{ name }}"},
        {"ansible.builtin.command": {"cmd": "sh -c 'echo {{ name }}'"}},
        {"ansible.builtin.script": {"cmd": "nodes start {{ lab_nodes | join(' ') }}"}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "{{ try }}"]}, "vars": {"try": "echo {{ name }}"}},
        {"ansible.builtin.command": {"argv": "{{ ['sh', '-c', host_try] }}"}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "{{ lookup('ansible.builtin.file', name) }}"]}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('pipe', 'id ' ~ name) }}"}},
    ],
)
def test_they_would_be_found(bad: dict[str, Any]) -> None:
    assert list(unsafe(bad))
