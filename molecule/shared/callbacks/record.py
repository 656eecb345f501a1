# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402
"""Ansible's usual output without diffs and includes, and a record of what a run changed: <playbook>[.check].json."""

from __future__ import annotations

DOCUMENTATION = """
name: record
type: stdout
short_description: Record what a run changed
version_added: 0.1.0
author: containerland.net contributors
description:
  - Prints what the callback plugin P(ansible.builtin.default#callback) prints, but no diffs and includes.
  - Writes the changes and failures of each host as JSON below the directory that E(MOLECULE_EPHEMERAL_DIRECTORY) names.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):
    """Beside printing, keeps what changed or failed, in the order in which it came."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "record"

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[dict[str, Any]] = []
        self._name = ""

    def v2_playbook_on_start(self, playbook: Any) -> None:
        check = ".check" if context.CLIARGS["check"] else ""
        self._name = f"{Path(playbook._file_name).stem}{check}.json"
        super().v2_playbook_on_start(playbook)

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.result.get("changed"):
            self._keep(result)
        super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep(result)
        # The whole specification of a role, which is of no use to anybody.
        result.result.pop("argument_spec_data", None)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_on_file_diff(self, result: Any) -> None:
        pass

    def v2_playbook_on_include(self, included_file: Any) -> None:
        pass

    def v2_playbook_on_stats(self, stats: Any) -> None:
        directory = os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY")
        if directory:
            Path(directory, self._name).write_text(json.dumps(self._entries, indent=1, default=str), encoding="utf-8")
        super().v2_playbook_on_stats(stats)

    def _keep(self, result: Any) -> None:
        said = result.result
        kept = ("changed", "plan", "diff", "started", "stopped", "msg", "results")
        self._entries.append(
            {
                "host": result.host.get_name(),
                "task": result.task.get_name().rpartition(" : ")[2],
                "failed": bool(said.get("failed")),
                **{name: said[name] for name in kept if name in said},
            }
        )
