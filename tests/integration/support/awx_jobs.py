# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run in a lab: runs jobs as AWX does, and prints what their events say as JSON.

AWX gives ansible-runner a directory with the project, an inventory that is a program with all variables in it, and the
survey's answers as extra variables.

Usage: python -m tests.integration.support.awx_jobs ANSWERS..., each a JSON object
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import ansible_runner

CHECKOUT = Path(__file__).resolve().parents[3]


def private_data(directory: Path) -> None:
    shutil.copytree(CHECKOUT / "examples" / "awx", directory / "project")
    source = ["ansible-inventory", "-i", str(CHECKOUT / "inventories" / "lab"), "--list"]
    listed = subprocess.run(source, check=True, text=True, capture_output=True).stdout
    # This one place of the lab's inventory is told by where its file is.
    listed = listed.replace("{{ inventory_dir }}/../..", str(CHECKOUT))
    hosts = directory / "inventory" / "hosts"
    hosts.parent.mkdir()
    hosts.write_text(f"#!/usr/bin/env python3\nprint({listed!r})\n")
    hosts.chmod(0o700)


def job(directory: Path, number: int, answers: dict[str, Any]) -> dict[str, Any]:
    (directory / "env").mkdir(exist_ok=True)
    (directory / "env" / "extravars").write_text(json.dumps(answers))
    done = ansible_runner.run(private_data_dir=str(directory), playbook="network.yml", ident=f"job{number}", quiet=True)
    events = list(done.events)
    results = [(event["event"], event["event_data"]) for event in events]
    return {
        "status": done.status,
        "events": sorted({event for event, _unused in results}),
        "changed": [
            f"{data['host']}: {data['task']}"
            for event, data in results
            if event == "runner_on_ok" and data["res"].get("changed")
        ],
        "failed": [
            f"{data['host']}: {data['res'].get('msg')}"
            for event, data in results
            if event in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors")
        ],
        "stats": next((data.get("ok", {}) for event, data in results if event == "playbook_on_stats"), {}),
        "output": "\n".join(event["stdout"] for event in events)[-6000:],
    }


def main() -> None:
    directory = Path(tempfile.mkdtemp(dir=os.environ["TMPDIR"]))
    private_data(directory)
    jobs = [job(directory, number, json.loads(answers)) for number, answers in enumerate(sys.argv[1:])]
    print(json.dumps(jobs))


if __name__ == "__main__":
    main()
