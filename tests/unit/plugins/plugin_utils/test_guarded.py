# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a task whose change must be confirmed, for all that a node can answer or fail to answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible_collections.containerland.net.plugins.plugin_utils import guarded

LOST = AnsibleConnectionFailure("no route to host")
DONE = {"changed": True, "plan": ["create route"], "confirm": "ab"}
CRASHED = {"failed": True, "module_stdout": "", "msg": "MODULE FAILURE", "rc": 137}
BACK = {"outcome": "restored", "reason": "of this"}


class Connection:
    """With a way to reset it, as ssh has."""

    _play_context = SimpleNamespace(remote_addr="node")
    _shell = SimpleNamespace(tmpdir=None)
    resets = 0

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        raise AssertionError("there is a better way")


class Action(guarded.ActionModule):
    """Answers from a list in place of a node; exceptions are raised."""

    def __init__(self, answers: list[Any], **task: Any) -> None:
        self._task = SimpleNamespace(**{"args": {"confirm_timeout": 5}, "check_mode": False, "async_val": 0, **task})
        self._connection = Connection()
        self.answers = answers
        self.asked: list[str] = []

    def _execute_module(self, module_name: Any = None, module_args: Any = None, **_: Any) -> Any:
        self.asked.append(module_args["action"] if module_name else "module")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def _remove_tmp_path(self, *_: Any, **__: Any) -> None:
        self.asked.append("tidy")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by a second with each look at the clock."""
    clock = iter(range(10**6))
    monkeypatch.setattr(guarded.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(guarded.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([{"changed": True, "outcome": "confirmed"}], ["confirm"]),
        ([LOST, {"outcome": "pending", "failed": True}, {"outcome": "confirmed"}], ["confirm"] * 3),
        ([LOST, {"outcome": "unknown"}], ["confirm"] * 2),
        ([{"failed": True, "msg": "no python"}, {"outcome": "confirmed"}], ["confirm"] * 2),
    ],
    ids=["at once", "at the third try", "answer lost", "module does not run at first"],
)
def test_confirmed(answers: list[Any], asked: list[str]) -> None:
    action = Action([DONE, *answers])
    assert action.run() == {"changed": True, "plan": ["create route"]}
    assert action.asked == ["module", *asked, "tidy"]
    assert action._connection.resets == len(asked)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([DONE, {"failed": True, **BACK}, {}], "the change was taken back, because of this"),
        ([DONE, {"outcome": "restoring"}, {**BACK, "left": "x"}, {}], "the change was taken back, because of this; x"),
        (
            [DONE, {**BACK, "outcome": "failed", "left": "x"}, {}],
            "the change could not be taken back completely, because of this; x",
        ),
        (
            [DONE, {"outcome": "unknown"}],
            "the change was not confirmed: the node no longer knows of it, so look at what it left",
        ),
        (
            [DONE, *[LOST] * 100],
            "the change was not confirmed: the node cannot be reached since the change (no route to host); "
            "the node takes it back 5 s after it was made",
        ),
        (
            [LOST, LOST, BACK, {}],
            "the connection was lost while the module ran; the change was taken back, because of this",
        ),
        ([CRASHED, BACK, {}], "the module was killed or crashed; the change was taken back, because of this"),
    ],
)
def test_failed(answers: list[Any], message: str) -> None:
    result = Action(list(answers)).run()
    assert (result["failed"], result.get("changed", False), result["msg"]) == (True, False, message)


def test_what_needs_no_confirmation_is_left_alone() -> None:
    for module in ({"changed": False}, {"failed": True, "msg": "no"}, {"skipped": True}):
        action = Action([dict(module)])
        assert action.run() == module
        assert action.asked == ["module", "tidy"]
    assert Action([dict(CRASHED), {"outcome": "unknown"}]).run() == CRASHED


def test_a_loss_before_anything_was_changed_stays_a_loss() -> None:
    with pytest.raises(AnsibleConnectionFailure, match=r"no route to host.*is taken back after 5 s"):
        Action([LOST, {"outcome": "unknown"}]).run()


@pytest.mark.parametrize(
    "task", [{"args": {}}, {"args": {"confirm_timeout": 0}}, {"args": {"confirm_timeout": "x"}}, {"check_mode": True}]
)
def test_without_a_guard_it_is_the_normal_action(task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded.NormalAction, "run", lambda *_: {"normal": True})
    assert Action([], async_val=10, **task).run() == {"normal": True}


def test_async_is_refused() -> None:
    with pytest.raises(AnsibleActionFail, match="exclude each other"):
        Action([], async_val=10).run()


def test_a_connection_that_cannot_be_reset_is_closed() -> None:
    closed = []

    class Other(ConnectionBase):  # type: ignore[misc]
        transport = _connect = exec_command = put_file = fetch_file = None

        def __init__(self) -> None:
            self._play_context, self._shell = Connection._play_context, Connection._shell

        def close(self) -> None:
            closed.append(True)

    action = Action([dict(DONE), {"outcome": "confirmed"}])
    action._connection = Other()
    assert action.run()["changed"] and closed == [True]
