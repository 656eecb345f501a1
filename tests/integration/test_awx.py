# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example for AWX: its execution environment, its survey, and its jobs as AWX runs them."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.support.lab import in_lab
from tests.integration.support.run import CHECKOUT

pytestmark = pytest.mark.shared_network

EXAMPLE = CHECKOUT / "examples" / "awx"


def survey() -> list[dict[str, Any]]:
    (template,) = yaml.safe_load((EXAMPLE / "job_templates.yml").read_text())["awx_job_templates"]
    return list(template["survey"]["spec"])


def run(*words: str) -> str:
    done = subprocess.run(words, cwd=EXAMPLE, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_execution_environment_can_be_built(tmp_path: Path) -> None:
    context = tmp_path / "context"
    run("ansible-builder", "create", "--context", str(context), "--output-filename", "Containerfile")
    said = (context / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="quay.io/rockylinux/rockylinux:9"' in said
    assert "ansible-galaxy collection install" in said
    assert "ansible-core>=2.16" in said
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())
    assert [entry["name"] for entry in wanted["collections"]] == ["containerland.net"]
    assert "openssh-clients" in (context / "_build" / "bindep.txt").read_text()


def test_the_collection_tells_the_builder_what_it_needs(tmp_path: Path) -> None:
    python, system = tmp_path / "python.txt", tmp_path / "bindep.txt"
    run(
        "ansible-builder",
        "introspect",
        str(CHECKOUT / ".collections"),
        f"--write-pip={python}",
        f"--write-bindep={system}",
    )
    needed = {line.partition(">")[0] for line in python.read_text().splitlines()}
    assert {"netaddr", "pyroute2"} <= needed
    assert any(line.startswith("iproute [platform:rpm]") for line in system.read_text().splitlines())


def test_the_survey_asks_for_variables_that_somebody_reads() -> None:
    specification = yaml.safe_load((CHECKOUT / "roles/containers/meta/argument_specs.yml").read_text())
    known = {*specification["argument_specs"]["main"]["options"], "network_wanted"}
    for question in survey():
        assert question["variable"] in known
        assert question["type"] == "text" or question["default"] in question["choices"]


def test_jobs_as_awx_runs_them() -> None:
    answers = {question["variable"]: question["default"] for question in survey()}
    jobs = [
        {**answers, "containers_prefix": "10.244.0.0/33"},
        {**answers, "network_wanted": "maybe"},
        answers,
        answers,
        {**answers, "network_wanted": "absent"},
    ]
    words = ["python", "-m", "tests.integration.support.awx_jobs", *map(json.dumps, jobs)]
    done = in_lab(shlex.join(words))
    assert done.returncode == 0, done.stdout + done.stderr
    wrong, unclear, first, second, away = json.loads(done.stdout)

    assert (wrong["status"], wrong["changed"]) == ("failed", [])
    assert "containers_prefix: " in wrong["failed"][0] and "10.244.0.0/33" in wrong["failed"][0]
    assert (unclear["status"], unclear["changed"]) == ("failed", [])
    assert unclear["failed"] == ["localhost: network_wanted: must be present or absent, not 'maybe'"]

    assert first["status"] == "successful", first["output"]
    for node in ("node1", "node2"):
        assert any(line.startswith(f"{node}: ") and "Connect the containers" in line for line in first["changed"])
    assert (second["status"], second["changed"], second["failed"]) == ("successful", [], [])
    assert {"node1", "node2"} <= set(second["stats"])
    assert "playbook_on_stats" in second["events"]
    assert away["status"] == "successful", away["output"]
    assert away["changed"]
