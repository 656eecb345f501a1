# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of guarded changes: of a confirmation and the end of the time, exactly one wins."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import pending
from ansible_collections.containerland.net.plugins.module_utils._core.errors import GuardError, InputError
from ansible_collections.containerland.net.plugins.module_utils._core.pending import Pending, State

CHANGE = "0123456789abcdef"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "guard"
    monkeypatch.setattr(pending, "DIRECTORY", str(found))
    return found


def waiting() -> Pending:
    made = Pending(CHANGE, 30)
    made.note(deadline=pending.now() + 30)
    assert made.turn(State.APPLYING, State.PENDING)
    return made


def at_once(*works: Callable[[], Any]) -> list[Any]:
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = works[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_of_confirmation_and_deadline_wins(directory: Path) -> None:
    winners = set()
    for _turn in range(300):
        change = waiting()

        def deadline(change: Pending = change) -> bool:
            late = change.turn(State.PENDING, State.RESTORING)
            change.close()
            return late

        taken_back, found = at_once(deadline, lambda: pending.confirm(CHANGE))
        confirmed = found is not None and found.state is State.PENDING
        assert confirmed is not taken_back
        winners.add(confirmed)
        pending.forget(CHANGE, all_states=True)
    assert winners <= {True, False} and not directory.exists()


def test_two_confirmations_are_one() -> None:
    for _turn in range(100):
        waiting().close()
        found = at_once(*[lambda: pending.confirm(CHANGE)] * 2)
        assert sum(f is not None and f.state is State.PENDING for f in found) == 1
        assert pending.find(CHANGE) is None


def test_only_what_is_made_can_be_confirmed(directory: Path) -> None:
    change = Pending(CHANGE, 30)
    found = pending.confirm(CHANGE)
    assert found is not None and found.state is State.APPLYING and change.state() is State.APPLYING
    assert oct(directory.stat().st_mode & 0o777) == "0o700"
    change.remove()
    assert pending.confirm(CHANGE) is None and not directory.exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.APPLYING, "was broken off and not taken back"),
        (State.PENDING, "was neither confirmed nor taken back"),
        (State.RESTORING, "taken back only in part"),
        (State.FAILED, "could not be taken back completely: a route"),
        (State.RESTORED, ""),
    ],
)
def test_leftovers(state: State, words: str, directory: Path) -> None:
    change = Pending(CHANGE, 30)
    change.note(left="a route")
    change.turn(State.APPLYING, state)
    alive = pending.leftovers()
    assert change.state() is state and len(alive) == (state is State.FAILED)
    change.close()
    said = pending.leftovers()
    assert (words in said[0]) if words else said == []
    assert not directory.exists() and pending.leftovers() == []


def test_damaged_files_and_strange_names(directory: Path) -> None:
    waiting().close()
    (directory / f"{CHANGE}.pending").write_text("{")
    (directory / "other").write_text("")
    found = pending.find()
    assert found is not None and (found.change, found.content, found.attended) == (CHANGE, {}, False)
    assert len(pending.leftovers()) == 1 and [path.name for path in directory.iterdir()] == ["other"]
    with pytest.raises(InputError):
        Pending("../x", 30)
    with pytest.raises(GuardError, match="cannot write"):
        directory.joinpath("other").unlink()
        directory.rmdir()
        directory.write_text("")
        Pending(CHANGE, 30)


def test_what_others_wait_for() -> None:
    assert (pending.waiting(), pending.remaining()) == ("", 0)
    change = waiting()
    assert pending.waiting().startswith("a change with confirm_timeout awaits confirmation, for ")
    assert 30 < pending.remaining() <= 30 + pending.RESTORING_SECONDS
    change.turn(State.PENDING, State.RESTORING)
    assert pending.waiting() == "a change that was not confirmed is being taken back"
    os.close(change.handle)
    assert (pending.waiting(), pending.remaining()) == ("", 0)
