# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one object, as a table row: made, found unchanged, changed, refused or replaced, broken, removed."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    ConflictError,
    KernelError,
)

from tests.integration.support.kernel import answer, said, same, sh, snapshot, values
from tests.integration.support.run import Options, apply, breaking

#: (command, dotted path in its JSON, the value or the list of values there; None for "there is none")
Says = tuple[str, str, Any]

#: What is there before each case and has to stay as it is, to the last byte.
FOREIGN = """
ip -batch - <<END
link set lo up
netns add foreign
link add fo0 type veth peer name fo1 netns foreign
link add fbr type bridge
link set fo0 master fbr up
link set fbr up
address add 203.0.113.1/24 dev fbr
address add 2001:db8:f::1/64 dev fbr nodad
route add 198.51.100.0/24 via 203.0.113.2 metric 7
rule add priority 700 from 203.0.113.0/24 lookup 77
neighbor add 203.0.113.9 lladdr 02:f0:00:00:00:09 dev fbr nud permanent
link add fvx type vxlan id 999 dstport 4789 local 203.0.113.1 nolearning
END
ip -n foreign -batch - <<END
address add 203.0.113.2/24 dev fo1
link set fo1 up
route add default via 203.0.113.1
END
bridge fdb append 00:00:00:00:00:00 dev fvx dst 203.0.113.77
"""


@dataclass
class Case:
    """One object's life.

    Attributes:
        options: of the module.
        says: what the kernel says when it is there.
        before: shell lines that prepare it, on top of FOREIGN.
        changes: (more options, what the kernel then says), one after the other, each in place.
        refused: (more options, the option that cannot change, what the kernel says after `recreate: true`).
        device: (command, path) of a number that changes in place must keep.
        absent: the options that take it away, if they are not the same with `state: absent`.
        leftover: whether removal leaves more than there was before (settings of an existing link).
    """

    module: str
    options: Options
    says: list[Says]
    before: str = ""
    changes: list[tuple[Options, list[Says]]] = field(default_factory=list)
    refused: list[tuple[Options, str, list[Says]]] = field(default_factory=list)
    device: tuple[str, str] | None = None
    absent: Options | None = None
    leftover: bool = False


def expect(says: list[Says]) -> None:
    answers = {command: answer(command) for command in dict.fromkeys(command for command, _path, _wanted in says)}
    for command, path, wanted in says:
        got = values(answers[command], path)
        if isinstance(wanted, list):
            assert sorted(map(str, got)) == sorted(map(str, wanted)), f"{command}: {path}"
        else:
            assert got == ([] if wanted is None else [wanted]), f"{command}: {path}"


def live(case: Case) -> None:
    """Leads the case through its life, and checks at each turn that nothing else moved."""
    sh(FOREIGN + case.before)
    before = snapshot()
    survive_failures(case.module, case.options)
    assert change(case.module, case.options, case.says)
    number = said(*case.device) if case.device else None
    options = dict(case.options)
    for more, says in case.changes:
        options = merged(options, more)
        survive_failures(case.module, options)
        assert change(case.module, options, says), f"nothing to change for {more}"
        if case.device:
            assert said(*case.device) == number, f"{more} was not changed in place"
    for more, name, says in case.refused:
        refuse(case.module, merged(options, more), name)
        options = merged(options, {**more, "recreate": True})
        survive_failures(case.module, options)
        assert change(case.module, options, says)
        options = merged(options, {"recreate": False})
    remove(case, options, before)


def merged(options: Options, more: Options) -> dict[str, Any]:
    result = dict(options)
    for name, value in more.items():
        known = result.get(name)
        result[name] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def change(module: str, options: Options, says: list[Says]) -> bool:
    """Check mode, the change itself, and that a second one has nothing to do. Returns whether it changed anything."""
    before = snapshot()
    foretold = apply(module, options, check=True)
    same(snapshot(), before, "check mode changed something")
    done = apply(module, options)
    assert done.plan.lines() == foretold.plan.lines(), "check mode foretold something else"
    assert done.plan.diff() == foretold.plan.diff()
    if done.changed:
        assert done.plan.diff()["before"] != done.plan.diff()["after"]
    expect(says)
    after = snapshot()
    again = apply(module, options)
    assert not again.changed, f"the second run changes again: {again.plan.lines()} {again.plan.diff()}"
    assert not apply(module, options, check=True).changed
    same(snapshot(), after, "the second run changed something")
    return done.changed


def refuse(module: str, options: Options, name: str) -> None:
    before = snapshot()
    for check in (True, False):
        with pytest.raises(ConflictError) as problem:
            apply(module, options, check=check)
        assert name in str(problem.value) and "recreate: true" in str(problem.value)
        assert "\n" not in str(problem.value)
    same(snapshot(), before, "what was refused changed something")


def survive_failures(module: str, options: Options) -> None:
    """Lets each step of the run fail in turn; afterwards all is as before, but for the numbers of links."""
    before = snapshot(numbers=False)
    count = len(apply(module, options, check=True).plan.steps())
    for number in range(count):
        with pytest.raises(ApplyError) as problem:
            apply(module, options, world=breaking(number, KernelError(errno.EIO, "for the test")))
        assert "EIO" in str(problem.value) and problem.value.undone, str(problem.value)
        same(snapshot(numbers=False), before, f"not as before after a failure of step {number} of {count}")


def remove(case: Case, options: Options, before: dict[str, Any]) -> None:
    gone = dict(case.absent if case.absent is not None else options)
    gone["state"] = "absent"
    survive_failures(case.module, gone)
    assert change(case.module, gone, []) or case.leftover
    if not case.leftover:
        same(snapshot(), before, "removal does not leave what was there before")
