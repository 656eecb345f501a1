# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable of every role is declared, with type and default, and documented; none is used that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)


def read(role: str, path: str) -> Any:
    file = CHECKOUT / "roles" / role / path
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None


def options(role: str) -> dict[str, dict[str, Any]]:
    """Of all entry points."""
    specs = read(role, "meta/argument_specs.yml")["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec["options"].items()}


def all_options(role: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """With those inside of others, by their path."""
    waiting = list(options(role).items())
    while waiting:
        path, option = waiting.pop()
        yield path, option
        waiting += [(f"{path}.{name}", inner) for name, inner in option.get("options", {}).items()]


def of_role(name: str) -> str:
    """The role that a variable belongs to, by its name."""
    return name.partition("_")[0]


def used(role: str, text: str) -> set[str]:
    """Variables that are called like the role's own."""
    plain = _COMMENT.sub("", text)
    return set(re.findall(rf"(?<![\w.\-/:]){role}_[a-z0-9_]+\b(?![\w./-]*\.ya?ml)", plain))


def set_by_tasks(role: str) -> set[str]:
    """Registered, set as facts, or variables of tasks: they begin with the role's name as well."""
    found: set[str] = set()
    for path in (CHECKOUT / "roles" / role / "tasks").glob("*.yml"):
        waiting: list[Any] = [yaml.safe_load(path.read_text(encoding="utf-8"))]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                found |= {value["register"]} if isinstance(value.get("register"), str) else set()
                for name in ("vars", "ansible.builtin.set_fact"):
                    found |= set(value.get(name) or {})
                if "loop_control" in value:
                    found |= {value["loop_control"].get("loop_var", "")}
                waiting += value.values()
            elif isinstance(value, list):
                waiting += value
    return found


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_declared(role: str) -> None:
    defaults = read(role, "defaults/main.yml") or {}
    declared = options(role)
    assert defaults.keys() <= declared.keys()
    for name, value in defaults.items():
        # A default that is taken from another variable, or says "nothing", is told in words.
        if "default" in declared[name]:
            assert declared[name]["default"] == value, name
        else:
            assert value in ("", [], {}, None) or "{{" in str(value), f"{name} has the default {value!r}"


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_type_and_a_description_and_a_default_or_is_required(role: str) -> None:
    defaults = read(role, "defaults/main.yml") or {}
    for path, option in all_options(role):
        assert option.get("type"), path
        assert option.get("description"), path
        assert option["type"] != "list" or option.get("elements"), path
        assert not (option.get("required") and "default" in option), path
    for name, option in options(role).items():
        if of_role(name) == role:
            told = re.search(r"[Ww]ithout|[Bb]y default", str(option["description"]))
            known = name in defaults or option.get("required") or "default" in option or told
            assert known, f"{name} has no default, and its description does not say what happens without it"


@pytest.mark.parametrize("role", ROLES)
def test_an_option_of_another_role_is_the_same_here(role: str) -> None:
    """The overlay's tasks read variables of the containers', for example."""
    for name, option in options(role).items():
        owner = of_role(name)
        if owner != role:
            theirs = options(owner)[name]
            ours = {key: option.get(key) for key in ("type", "elements", "choices", "default") if key in option}
            assert ours == {key: theirs.get(key) for key in ours}, name


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_in_the_readme(role: str) -> None:
    text = (CHECKOUT / "roles" / role / "README.md").read_text(encoding="utf-8")
    own = {name for name in options(role) if of_role(name) == role}
    missing = {name for name in own if f"`{name}`" not in text and f"`{name}: " not in text}
    assert not missing


@pytest.mark.parametrize("role", ROLES)
def test_no_variable_is_used_that_is_not_declared(role: str) -> None:
    known = options(role).keys() | set_by_tasks(role) | (read(role, "vars/main.yml") or {}).keys()
    for path in sorted((CHECKOUT / "roles" / role).rglob("*")):
        if path.is_file() and path.parent.name in ("tasks", "templates", "defaults", "vars", "handlers"):
            unknown = used(role, path.read_text(encoding="utf-8")) - known
            assert not unknown, f"{path.name} uses {sorted(unknown)}"
