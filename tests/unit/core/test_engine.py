# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every run, tried with a failure, a death or a stranger at each of its steps."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, ContainerlandError
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key, Stage, Step, Verb
from ansible_collections.containerland.net.plugins.module_utils._core.progress import PHASES, Progress

from .everything import START, WANT, node_at, run
from .fake import FakeWorld, Killed, state
from .fake_kernel import FakeKernel


def steps_of(kernel: FakeKernel, options: dict[str, Any]) -> list[Step]:
    world = FakeWorld(kernel.copy())
    run(world, options)
    return world.done


NODE = node_at(START)
STEPS = steps_of(NODE, WANT)
EMPTY = FakeKernel()
FIRST_STEPS = steps_of(EMPTY, START)


def test_the_wish_needs_steps_of_every_kind() -> None:
    assert {step.verb for step in STEPS} == set(Verb)
    assert {step.key.kind for step in STEPS} == {
        "netns",
        "link",
        "sysctl",
        "address",
        "fdb",
        "neighbor",
        "route",
        "rule",
        "port_guard",
        "tunnel_guard",
    }


def difference(found: dict[Key, dict[str, Any]], before: dict[Key, dict[str, Any]]) -> dict[Key, Any]:
    """Field by field; empty if nothing differs."""
    keys = {*found, *before}
    return {key: (found.get(key), before.get(key)) for key in keys if found.get(key) != before.get(key)}


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_a_failed_step_is_taken_back(number: int) -> None:
    kernel = NODE.copy()
    with pytest.raises(ApplyError) as problem:
        run(FakeWorld(kernel, fail_at=number, errno=errno.ENOBUFS), WANT)
    assert difference(state(kernel), state(NODE)) == {}
    assert problem.value.undone, str(problem.value)
    assert str(problem.value).endswith("(ENOBUFS); what this run had changed was taken back")


@pytest.mark.parametrize("number", range(1, len(FIRST_STEPS) + 1))
def test_a_failed_creation_leaves_nothing(number: int, tmp_path: Path) -> None:
    kernel = FakeKernel()
    with pytest.raises(ApplyError):
        run(FakeWorld(kernel, fail_at=number), START, str(tmp_path / "state"))
    assert difference(state(kernel), state(EMPTY)) == {}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("number", range(1, len(FIRST_STEPS) + 1))
def test_a_failed_removal_is_taken_back(number: int, tmp_path: Path) -> None:
    kernel, directory = FakeKernel(), str(tmp_path / "state")
    run(FakeWorld(kernel), START, directory)
    before = state(kernel)
    world = FakeWorld(kernel, fail_at=number)
    try:
        run(world, {"state": "absent"}, directory)
    except ApplyError:
        namespace_gone = any(step.key.kind == "netns" for step in world.done if step.verb is Verb.DELETE)
        # What is inside a namespace, processes above all, cannot be brought back.
        assert namespace_gone or difference(state(kernel), before) == {}
        run(FakeWorld(kernel), {"state": "absent"}, directory)
    assert difference(state(kernel), state(EMPTY)) == {}


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_after_a_kill_the_next_run_converges(number: int) -> None:
    kernel, whole = NODE.copy(), NODE.copy()
    run(FakeWorld(whole), WANT)
    with pytest.raises(Killed):
        run(FakeWorld(kernel, kill_at=number), WANT)
    run(FakeWorld(kernel), WANT)
    assert run(FakeWorld(kernel), WANT).plan.lines() == []
    assert set(state(kernel)) == set(state(whole))


@pytest.mark.parametrize("number", range(1, len(FIRST_STEPS) + 1))
def test_after_a_kill_absent_leaves_nothing(number: int, tmp_path: Path) -> None:
    kernel, directory = FakeKernel(), str(tmp_path / "state")
    with pytest.raises(Killed):
        run(FakeWorld(kernel, kill_at=number), START, directory)
    if number % 2:
        run(FakeWorld(kernel), START, directory)
    run(FakeWorld(kernel), {"state": "absent"}, directory)
    assert difference(state(kernel), state(EMPTY)) == {}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("number", range(1, len(FIRST_STEPS) + 1, 3))
def test_a_killed_removal_is_finished_by_the_next(number: int, tmp_path: Path) -> None:
    kernel, directory = FakeKernel(), str(tmp_path / "state")
    run(FakeWorld(kernel), START, directory)
    try:
        run(FakeWorld(kernel, kill_at=number), {"state": "absent"}, directory)
    except Killed:
        run(FakeWorld(kernel), {"state": "absent"}, directory)
    assert difference(state(kernel), state(EMPTY)) == {}


def test_check_mode_foretells_and_changes_nothing() -> None:
    kernel = NODE.copy()
    foretold = run(FakeWorld(kernel), WANT, check=True)
    assert state(kernel) == state(NODE)
    done = run(FakeWorld(kernel), WANT)
    assert foretold.plan.lines() == done.plan.lines()
    assert foretold.plan.diff() == done.plan.diff()
    assert [str(step.change) for step in foretold.plan.steps()] == [str(step.change) for step in done.plan.steps()]
    assert run(FakeWorld(kernel), WANT).changed is False


def _other_link(kernel: FakeKernel) -> None:
    kernel.objects[Key("link", "", ("new0",))] = dict(kernel.objects[Key("link", "", ("keep0",))], kind="dummy")


def _no_device(kernel: FakeKernel) -> None:
    kernel._drop_link(Key("link", "", ("keep0",)))


@pytest.mark.parametrize("meanwhile", [_other_link, _no_device])
def test_a_change_under_the_run_is_an_error_in_words(meanwhile: Any) -> None:
    kernel = NODE.copy()
    with pytest.raises(ContainerlandError) as problem:
        run(FakeWorld(kernel, meanwhile=meanwhile), WANT)
    assert "EEXIST" in str(problem.value) or "'keep0" in str(problem.value)
    assert "\n" not in str(problem.value)


def test_progress_tells_phases_and_requests() -> None:
    told: list[str] = []
    progress = Progress()
    progress.tell = told.append
    kernel = NODE.copy()
    run(FakeWorld(kernel), WANT, progress=progress)
    applied = [line for line in told if line.startswith("apply, ")]
    assert [line for line in told if line not in applied] == list(PHASES) == list(progress.seconds)
    assert applied[-1] == f"apply, {len(STEPS)} of {len(STEPS)} requests"
    again = Progress()
    run(FakeWorld(kernel), WANT, progress=again)
    assert list(again.seconds) == ["observe", "plan"], "nothing was changed"


def test_stages() -> None:
    """Sysctls before links are up, ports raised last, deletions after all else but what is in the way."""
    stages = [step.stage for step in STEPS]
    assert stages == sorted(stages)
    raised = [n for n, step in enumerate(STEPS) if step.verb is Verb.SET and step.values.get("up")]
    sysctls = [n for n, step in enumerate(STEPS) if step.key.kind == "sysctl"]
    ports = [n for n in raised if STEPS[n].resource.values.get("master")]
    rest = [n for n in raised if n not in ports]
    assert sysctls and ports and rest
    assert max(sysctls) < min(raised)
    assert max(rest) < min(ports)
    deleted = [n for n, step in enumerate(STEPS) if step.verb is Verb.DELETE and step.stage > Stage.CLEAR]
    others = [n for n, step in enumerate(STEPS) if step.verb is not Verb.DELETE]
    assert max(others) < min(deleted)
    assert STEPS[-1].key.kind == "netns"


def _pair_into(netns: str) -> dict[str, Any]:
    end = {"name": "eth0", "netns": netns, "addresses": ["10.1.0.2/24"]}
    return {"namespaces": [{"name": netns}], "veth": [{"name": "v0", "recreate": True, "peer": end}]}


LOWERED = {"veth": [{"name": "keep0", "up": False, "peer": {"name": "keep1"}}], "rule": [{"priority": 9, "table": "9"}]}
PLACES = {
    "the other end was in a namespace that nobody named": (_pair_into("a"), _pair_into("b")),
    "a link goes down and takes its routes": (START, LOWERED),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_went_unasked_comes_back(name: str) -> None:
    start, want = PLACES[name]
    node = node_at(start)
    for number in range(1, len(steps_of(node, want)) + 1):
        kernel = node.copy()
        with pytest.raises(ApplyError):
            run(FakeWorld(kernel, fail_at=number), want)
        assert difference(state(kernel), state(node)) == {}, number
