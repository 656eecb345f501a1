# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's output, for ansible_run.py: a line of JSON for each task that went well on the one host."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: durations
type: stdout
short_description: how long each task took
description: A line of JSON for each task, with its action, its seconds and whether it changed something.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "durations"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._began = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        seconds = time.perf_counter() - self._began
        changed = bool(self._result(result).get("changed"))
        found = {"action": self._task(result).action, "seconds": seconds, "changed": changed}
        self._display.display(json.dumps(found))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._display.display(f"{self._task(result).action}: {self._result(result)}")

    # Their names have changed with ansible-core 2.19.

    def _result(self, result: Any) -> Any:
        return getattr(result, "result", None) or result._result

    def _task(self, result: Any) -> Any:
        return getattr(result, "task", None) or result._task
