# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of the modules with confirm_timeout: reaches the node over a new connection, and confirms the change."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

display = Display()

CONFIRM = "containerland.net.confirm"
OPTION = "confirm_timeout"
# Not an option: the modules take it out first. It names the change, which can be asked for even if its result is lost.
CHANGE = "_confirm_change"
# Seconds that the node may take to bring the old state back, and to be reached again, after its time is over.
PATIENCE = 60
PAUSE = 0.5
OVER = ("confirmed", "restored", "failed", "unknown")


class ActionModule(NormalAction):
    """Without the option, and in check mode, the module runs as any other."""

    def run(self, tmp: Any = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        seconds = self._seconds()
        if not seconds or self._task.check_mode:
            plain: dict[str, Any] = super().run(tmp, task_vars)
            return plain
        if self._task.async_val:
            raise AnsibleActionFail(f"{OPTION} and async exclude each other: nobody would wait to confirm the change")
        self._vars = task_vars
        self._change = secrets.token_hex(8)
        self._lost = ""
        try:
            result = self._run_module(seconds)
        finally:
            with suppress(AnsibleConnectionFailure):
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _seconds(self) -> int:
        """The option, where it is a number; the module complains about anything else."""
        try:
            return int(self._task.args.get(OPTION) or 0)
        except (TypeError, ValueError):
            return 0

    def _run_module(self, seconds: int) -> dict[str, Any]:
        try:
            arguments = {**self._task.args, CHANGE: self._change}
            result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=self._vars)
        except AnsibleConnectionFailure as problem:
            return self._after_loss(seconds, problem)
        if result.pop("confirm", None):
            return self._confirmed(seconds, result)
        if result.get("failed") and "module_stdout" in result:
            # It did not end by itself, so it cannot tell what became of its change.
            answer = self._ask("look", seconds)
            if answer["outcome"] in ("restored", "failed"):
                result["msg"] = f"the module was killed or crashed; {self._told(answer, seconds)}"
        return result

    def _confirmed(self, seconds: int, result: dict[str, Any]) -> dict[str, Any]:
        """The module's result, once the change is confirmed; else a failure."""
        answer = self._ask("confirm", seconds)
        # An answer that was lost on the way was a confirmation if the node has nothing to tell any more.
        if answer["outcome"] == "confirmed" or (answer["outcome"] == "unknown" and self._lost):
            return result
        return {**result, "changed": False, "failed": True, "msg": self._told(answer, seconds)}

    def _after_loss(self, seconds: int, problem: Exception) -> dict[str, Any]:
        """The connection broke while the module ran: what it changed is not confirmed, so the node takes it back."""
        answer = self._ask("look", seconds)
        if answer["outcome"] in ("unknown", ""):
            said = " ".join(str(problem).split())
            rest = f"if the module goes on nevertheless, what it changes is taken back after {seconds} s"
            raise AnsibleConnectionFailure(f"{said} ({rest})")
        lost = "the connection was lost while the module ran"
        return {"changed": False, "failed": True, "msg": f"{lost}; {self._told(answer, seconds)}"}

    def _told(self, answer: Mapping[str, Any], seconds: int) -> str:
        outcome, reason = answer["outcome"], answer.get("reason", "")
        left = f"; {answer['left']}" if answer.get("left") else ""
        if outcome == "restored":
            return f"the change was taken back, because {reason}{left}"
        if outcome == "failed":
            return f"the change could not be taken back completely, because {reason}{left}"
        if outcome == "unknown":
            return "the change was not confirmed: the node no longer knows of it, so look at what it left"
        cannot = f"the node cannot be reached since the change ({self._lost})" if self._lost else "no answer"
        return f"the change was not confirmed: {cannot}; the node takes it back {seconds} s after it was made"

    def _ask(self, action: str, seconds: int) -> dict[str, Any]:
        """What became of the change, asked over new connections until that is settled.

        Returns:
            The answer, with an `outcome` of `OVER`, or an empty one if the node stays out of reach.
        """
        until = time.monotonic() + seconds + PATIENCE
        while True:
            answer = self._ask_once(action)
            if answer["outcome"] in OVER:
                if answer["outcome"] in ("restored", "failed"):
                    self._ask_once("forget")
                return answer
            if time.monotonic() > until:
                return answer
            time.sleep(PAUSE)

    def _ask_once(self, action: str) -> dict[str, Any]:
        arguments = {"change": self._change, "action": action}
        try:
            self._reset()
            answer: dict[str, Any] = self._execute_module(CONFIRM, arguments, task_vars=self._vars)
        except AnsibleConnectionFailure as problem:
            answer = {"msg": " ".join(str(problem).split())}
        if "outcome" not in answer:
            self._lost = str(answer.get("msg", "")) or "no answer"
            display.vvv(f"{OPTION}: {self._lost}", host=self._connection._play_context.remote_addr)
        return {"outcome": "", **answer}

    def _reset(self) -> None:
        """Makes the next command open a new connection: for ssh, also where an old one is kept for reuse."""
        connection = self._connection
        if type(connection).reset.__module__ == "ansible.plugins.connection":
            connection.close()
        else:
            connection.reset()
