# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module with what nobody should give: one sentence, and nothing has changed.

HOSTILE_CASES=5000 HOSTILE_SEED=7 makes it a long search.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.cases import FOREIGN
from tests.integration.support.hostile import BASES, Try, documented, tries
from tests.integration.support.kernel import same, sh, snapshot
from tests.integration.support.modules import call
from tests.integration.support.private import enter
from tests.integration.support.run import CHECKOUT

CASES, SEED = int(os.environ.get("HOSTILE_CASES", "0")), int(os.environ.get("HOSTILE_SEED", "1"))
SECONDS = 60
#: What they start, and the files that they would write anywhere, are not for tests.
CHECKED_ONLY = ("netns_commands", "netns_hosts", "node_program")
#: It runs on the controller; tests/unit/plugins/plugin_utils has its own.
ELSEWHERE = {"fleet_plan"}
DEFAULT_CASES = {"topology": 400}
# What the kernel and its programs refuse, in their words: what was attempted, and the errno.
KERNEL = re.compile(
    r"\((E[A-Z0-9]+)\)|^(netns|link|[a-z]+\[\d+\])|not (on the node|permitted)|there is no|exists|this kernel has no"
)


@contextmanager
def in_time(what: Try) -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError(f"no end after {SECONDS} s: {what}")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def complaint(tried: Try, problem: str) -> str:
    """What is wrong with a message; '' if nothing is."""
    if "defect" in problem or "Traceback" in problem:
        return "a defect"
    if "\n" in problem or not problem.isprintable():
        return "more than one line of text"
    if len(problem) > 2000:
        return "too long to be read"
    leaves = {part for option in tried.options for part in option.split(".")}
    if not any(re.search(rf"\b{re.escape(leaf)}\b", problem) for leaf in leaves) and not KERNEL.search(problem):
        return "does not name an option"
    return ""


@pytest.mark.parametrize("module", BASES)
def test_one_sentence_and_nothing_changed(module: str) -> None:
    sh(FOREIGN)
    before = snapshot()
    bad: list[Any] = []
    refused = 0
    for tried in tries(module, CASES or DEFAULT_CASES.get(module, 60), SEED):
        with in_time(tried):
            try:
                said = call(module, tried.given, check=module in CHECKED_ONLY)
            except BaseException as problem:  # whatever it is, the module has not handled it
                bad.append((f"raised {type(problem).__name__}: {problem}", tried))
                continue
        if said.problem:
            refused += 1
            wrong = complaint(tried, said.problem)
            if wrong:
                bad.append((wrong, said.problem[:300], tried))
            same(snapshot(), before, f"refused, but something has changed: {tried}: {said.problem}")
        elif said.result.get("changed") and module not in CHECKED_ONLY:
            enter()
            sh(FOREIGN)
            before = snapshot()
    assert bad == []
    assert refused
    assert not Path("/run/owned").exists()


def _as_written(tried: Try) -> bool:
    """Whether a playbook hands it over as it is: no template, and text that a file can hold."""
    text = json.dumps(tried.given, ensure_ascii=False, default=repr)
    return "{{" not in text and text.isprintable() and len(text) < 4000


def test_a_playbook_gets_the_same_sentence(tmp_path: Path) -> None:
    sh(FOREIGN)
    before = snapshot()
    refused: list[tuple[Try, str]] = []
    for module in BASES:
        found = ((tried, call(module, tried.given, check=True).problem) for tried in tries(module, 40, SEED + 1))
        refused += islice(((tried, said) for tried, said in found if said and _as_written(tried)), 1)
    tasks = [
        {
            "name": str(number),
            f"containerland.net.{tried.module}": tried.given,
            "check_mode": True,
            "ignore_errors": True,
        }
        for number, (tried, _said) in enumerate(refused)
    ]
    play = tmp_path / "hostile.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    environment = {
        "HOME": str(tmp_path),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path),
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "molecule" / "shared" / "callbacks"),
        "ANSIBLE_STDOUT_CALLBACK": "record",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    command = ["ansible-playbook", "--inventory", "localhost,", "--connection", "local", str(play)]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
    )
    told = {entry["task"]: entry.get("msg") for entry in json.loads((tmp_path / "hostile.json").read_text())}
    # Ansible lists the words for yes and no in any order.
    assert {name: said.partition("Valid booleans")[0] for name, said in told.items()} == {
        str(number): said.partition("Valid booleans")[0] for number, (_tried, said) in enumerate(refused)
    }
    assert "Traceback" not in done.stdout + done.stderr
    same(snapshot(), before, "refused, but something has changed")
    # ipvs_info has no option that could be refused here.
    assert {tried.module for tried, _said in refused} >= {*BASES} - {"ipvs_info"}


def test_every_module_has_its_turn() -> None:
    modules = Path(__file__).resolve().parents[2].joinpath("plugins", "modules").glob("*.py")
    assert {path.stem for path in modules} == {*BASES, *ELSEWHERE}
    assert all(documented(module) for module in BASES)


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("rule", {"fwmark": 0}),
        ("rule", {"from": "::ffff:10.0.0.0/104"}),
        ("route", {"mtu": 65520}),
        ("route", {"dest": "::ffff:10.0.0.0/104", "gateway": "2001:db8:f::2"}),
    ],
)
def test_odd_values_are_what_the_kernel_says_of_them(module: str, more: dict[str, Any]) -> None:
    sh(FOREIGN)
    options = {**BASES[module], **more}
    assert call(module, options).result["changed"] is True
    assert call(module, options).result["changed"] is False
    assert call(module, {**options, "state": "absent"}).result["changed"] is True
