# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback that writes what the tasks of a run took: a JSON list, in the file that TASK_SECONDS names, or a table."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

# What asks no node.
_CONTROLLER = {
    *("ansible.builtin.assert", "ansible.builtin.debug", "ansible.builtin.set_fact", "containerland.net.fleet_plan"),
    *("ansible.builtin.include_role", "ansible.builtin.include_tasks", "ansible.builtin.validate_argument_spec"),
}


class CallbackModule(CallbackBase):
    """A task lasts until the next one begins, so its seconds hold what Ansible does around it.

    ``ok``: hosts for which it counts in the recap; ``sent``: modules that were sent to nodes, one for each item of a
    loop.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[dict[str, Any]] = []
        self._began = time.perf_counter()

    def _close(self) -> None:
        now = time.perf_counter()
        if self._tasks and "seconds" not in self._tasks[-1]:
            self._tasks[-1]["seconds"] = now - self._began
        self._began = now

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._close()
        self._tasks.append({"name": task.get_name(), "action": task.action, "ok": 0, "sent": 0})

    def v2_runner_on_ok(self, result: Any) -> None:
        self._tasks[-1]["ok"] += 1
        if not result._task.loop and self._tasks[-1]["action"] not in _CONTROLLER:
            self._tasks[-1]["sent"] += 1

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._tasks[-1]["sent"] += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._close()
        where = os.environ.get("TASK_SECONDS")
        if where:
            Path(where).write_text(json.dumps(self._tasks), encoding="utf-8")
            return
        for task in self._tasks:
            self._display.display("{seconds:8.3f} {ok:5} {sent:5}  {action:40} {name}".format(**task))
