# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' documentation says what the engine does: the same options, and examples that it takes."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils._core.declare import LISTS, declare_one, declare_topology
from plugins.module_utils._core.fields import Field, parse
from plugins.module_utils._core.guard_options import GUARD
from plugins.module_utils._core.kinds.registry import DECLARATIONS

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "scripts" / "lib" / "document_modules.py"
PREFIX = "containerland.net."


def load_script() -> Any:
    loader = SourceFileLoader("document_modules", str(SCRIPT))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


script = load_script()
MODULES = sorted(script.MODULES)


def section(module: str, name: str) -> Any:
    """DOCUMENTATION, EXAMPLES or RETURN of a module, read without running it."""
    source = (CHECKOUT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{module} has no {name}")


def examples() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(module, name of the task, its options) of every example that uses one of these modules."""
    for documented in MODULES:
        for task in section(documented, "EXAMPLES"):
            for key, options in task.items():
                if key.startswith(PREFIX):
                    yield key[len(PREFIX) :], task["name"], options


def shape(fields: dict[str, Field]) -> dict[str, Any]:
    """What Ansible checks of the options, from the fields."""
    found: dict[str, Any] = {}
    for name, field in fields.items():
        checked = field.fields is not None and field.module is None and "raw" not in (field.type, field.elements)
        below = shape(dict(field.fields)) if checked and field.fields is not None else None
        choices = list(field.choices) if field.choices else None
        found[name] = (field.type, field.elements, field.required, field.default, choices, below)
    return found


def documented_shape(options: dict[str, Any]) -> dict[str, Any]:
    """The same, from DOCUMENTATION."""
    found: dict[str, Any] = {}
    for name, option in options.items():
        below = documented_shape(option["suboptions"]) if "suboptions" in option else None
        words = (option["type"], option.get("elements"), option.get("required", False), option.get("default"))
        found[name] = (*words, option.get("choices"), below)
    return found


def test_options_are_current() -> None:
    result = subprocess.run([sys.executable, "-B", str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_stale_options_are_replaced_and_the_rest_stays() -> None:
    text = 'DOCUMENTATION = r"""\nmodule: x\noptions:\n  old:\n    description: Gone.\n"""\nREST = 1\n'
    new = script.updated(text, {"new": Field("str", "Here.", required=True)})
    options = "options:\n  new:\n    description: Here.\n    type: str\n    required: true\n"
    assert new == f'DOCUMENTATION = r"""\nmodule: x\n{options}"""\nREST = 1\n'
    assert script.updated(new, {"new": Field("str", "Here.", required=True)}) == new


def test_a_named_option_gets_its_full_path() -> None:
    below = {"one": Field("str", "See O(two) and O(top=x)."), "two": Field("str", "Below.")}
    fields = {"top": Field("str", "Top."), "list": Field("list", "Many.", elements="dict", fields=below)}
    text = script.documented(fields)["list"]["suboptions"]["one"]["description"]
    assert text == "See O(list[].two) and O(top=x)."


@pytest.mark.parametrize("module", MODULES)
def test_options_equal_the_fields(module: str) -> None:
    options = section(module, "DOCUMENTATION")["options"]
    assert documented_shape(options) == shape(script.MODULES[module])
    assert list(options) == list(script.MODULES[module])


@pytest.mark.parametrize("module", MODULES)
def test_names_and_tasks(module: str) -> None:
    documentation = section(module, "DOCUMENTATION")
    assert documentation["module"] == module
    assert list(documentation)[-1] == "options"
    tasks = section(module, "EXAMPLES")
    assert all(task["name"] for task in tasks)
    assert any(PREFIX + module in task for task in tasks)
    assert section(module, "RETURN")


@pytest.mark.parametrize(("module", "options"), [pytest.param(m, o, id=f"{m}: {n}") for m, n, o in examples()])
def test_example_is_valid(module: str, options: dict[str, Any] | None) -> None:
    options = options or {}
    parse(GUARD, {name: value for name, value in options.items() if name in GUARD})
    options = {name: value for name, value in options.items() if name not in GUARD}
    if module.endswith("_info"):
        parse(script.MODULES[module], options)
    elif module == "topology":
        declare_topology(options, lambda ref: ref)
    else:
        declare_one(module, options, lambda ref: ref)


def test_every_list_of_a_topology_is_a_documented_module() -> None:
    assert set(LISTS.values()) == set(DECLARATIONS) <= set(MODULES)
