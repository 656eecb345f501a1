# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code for managed nodes with other versions of Python and pyroute2: its tests, and modules as Ansible runs them.

Ansible itself is that of the checkout; only the interpreter of the node is another.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.faults.everything import BEFORE, NFT
from tests.faults.state import everything
from tests.integration.support.kernel import same, sh
from tests.integration.support.private import run_privately
from tests.matrix import cells
from tests.matrix.cells import CHECKOUT, Environment
from tests.matrix.conftest import Record
from tests.matrix.lab import life
from tests.matrix.plays import play

#: What runs where there is no Ansible, and here, not in another kernel.
TESTS = ("tests/unit/core", "tests/unit/kernel", "tests/integration/test_cases_kernel.py")
OPTIONS = ("-q", "-p", "no:cacheprovider", "-m", "not other_kernel")
#: These need Ansible where they run.
WITHOUT = tuple(f"tests/unit/core/test_{name}.py" for name in ("imports", "lazy", "program"))
#: Compares with messages that pyroute2 has had since 0.8.
SINCE_08 = ("tests/unit/kernel/test_ipvs.py",)


def node_record(record: Record, node: Environment) -> None:
    record.cell = node.versions("pyroute2")


@pytest.mark.parametrize("node", cells.chosen(), ids=str)
def test_the_core(node: Environment, record: Record) -> None:
    node_record(record, node)
    path = str(cells.packages_of(cells.pytest_of(node)))
    ignored = [f"--ignore={name}" for name in (*WITHOUT, *(SINCE_08 if node.names[1] == "0.7.2" else ()))]
    done = subprocess.run(
        [str(node.python), "-m", "pytest", *OPTIONS, *ignored, *TESTS],
        env=cells.clean(PYTHONPATH=path),
        cwd=CHECKOUT,
        text=True,
        capture_output=True,
        check=False,
    )
    passed = re.search(r"^(\d+) passed(?!.*(failed|error))", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and passed, done.stdout[-20000:] + done.stderr
    record.counts["tests"] = int(passed[1])


@pytest.mark.parametrize("node", cells.chosen(), ids=str)
def test_modules(node: Environment, record: Record, tmp_path: Path) -> None:
    node_record(record, node)
    written = tmp_path / "live.yml"
    written.write_text(yaml.safe_dump(play(record.cell["python"]), sort_keys=False))
    inventory = tmp_path / "hosts.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": str(node.python), "ansible_pipelining": True}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"node": host}}}))
    problem = run_privately(lambda: live(["ansible-playbook", "-i", str(inventory), str(written)], tmp_path))
    assert problem is None, problem
    record.counts["tasks"] = int((tmp_path / "tasks").read_text())


def live(command: list[str], directory: Path) -> None:
    """Runs the playbook where others have something; writes how many of its tasks went well."""
    sh(BEFORE + NFT)
    before = everything(programs=True)
    done = subprocess.run(command, env=cells.clean(), cwd=CHECKOUT, text=True, capture_output=True, check=False)
    recap = re.search(r"^node +: ok=(\d+) +changed=\d+ +unreachable=0 +failed=0 ", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and recap, done.stdout[-20000:] + done.stderr
    same(everything(programs=True), before, "something was left")
    (directory / "tasks").write_text(recap[1])


@pytest.mark.parametrize("node", cells.corners(), ids=str)
def test_roles(node: Environment, record: Record) -> None:
    """The rest of the modules: those that only roles use."""
    node_record(record, node)
    life(f"-e ansible_python_interpreter={node.python}")
    record.counts["fleets"] = 1
