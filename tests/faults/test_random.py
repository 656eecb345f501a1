# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random topologies one after the other, on the kernel: each converges, as foretold, and touches nothing else."""

from __future__ import annotations

import errno
import os
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.registry import KINDS
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key, Resource
from ansible_collections.containerland.net.plugins.module_utils._core.scopes import scopes_of
from ansible_collections.containerland.net.plugins.module_utils._core.show import show_diff
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.everything import BEFORE, NFT
from tests.faults.state import everything
from tests.faults.wishes import Wish, wishes
from tests.integration.support.kernel import same, sh
from tests.integration.support.run import apply, breaking

ALL = os.environ.get("CONTAINERLAND_FAULTS") == "all"
ABSENT = {"name": "t", "state": "absent"}
#: Of the node, before the first of the examples, which follow each other in one process.
_clean: dict[str, Any] = {}


def examples(short: int, long: int) -> settings:
    return settings(
        max_examples=long if ALL else short,
        derandomize=not ALL,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Shrinking repeats a failure hundreds of times on a real kernel; what is left of one would blur the next.
        phases=(Phase.generate,),
        print_blob=True,
    )


def look(programs: bool) -> dict[str, Any]:
    return everything(programs=programs, all_sysctls=False)


def clean(programs: bool) -> dict[str, Any]:
    if not _clean:
        sh(BEFORE + (NFT if programs else ""))
        _clean.update(look(programs))
    return _clean


def declared(wish: Wish) -> Wish:
    return {"name": "t", **wish}


def carried_out(wish: Wish, programs: bool) -> Report:
    """Foretold, done, and nothing is left to do."""
    before = look(programs)
    foretold = apply("topology", declared(wish), check=True)
    same(look(programs), before, "check mode changed something")
    done = apply("topology", declared(wish))
    assert done.plan.lines() == foretold.plan.lines(), "check mode foretold something else"
    assert done.plan.diff() == foretold.plan.diff(), "check mode showed another diff"
    again = apply("topology", declared(wish))
    assert again.plan.lines() == [], "the second run has something to do"
    return done


def observed(wish: Wish) -> tuple[dict[Key, Resource], dict[Key, Resource]]:
    """What was declared, in the node's own form, and what is there of it."""
    with Node() as node:
        world = KernelWorld(node)
        declaration = declare_topology(declared(wish), node.canonical)
        scopes, wanted = scopes_of(declaration)
        found = world.observe(scopes, wanted)
        return dict(world.resolve(declaration, found, True).desired), found


def assert_as_declared(wish: Wish) -> None:
    wanted, found = observed(wish)
    for key, resource in wanted.items():
        assert key in found, f"{key} is not there"
        assert KINDS[key.kind].compare(resource, found[key]) == (), (key, resource.values, found[key].values)


def assert_diff_tells_what_is_there(report: Report, wish: Wish) -> None:
    _wanted, found = observed(wish)
    kept = [
        c for c in report.plan.changes if c.after is not None and c.key in found and KINDS[c.key.kind].show(c) is None
    ]
    real = []
    for change in kept:
        values = found[change.key].values
        after = change.new.with_values(**{name: values.get(name) for name in change.new.values})
        real.append(change._replace(after=after))
    assert show_diff(real)["after"] == show_diff(kept)["after"]


def assert_foreign_untouched(now: dict[str, Any], programs: bool) -> None:
    """All that others have is there, to the last byte, but what was declared to be changed."""
    ours = ("port0", "spare0", "spare1", "lan", "base0", "base1", "ip_forward")
    own = clean(programs)
    for part in ("netns ''", "netns 'foreign'"):
        for name, entries in own[part].items():
            if isinstance(entries, list):
                gone = [e for e in entries if e not in now[part][name] and not any(word in str(e) for word in ours)]
                assert not gone, f"{part} {name}: others have lost {gone}"
    if programs:
        for program, lines in own["filters"].items():
            assert [line for line in lines if "OTHERS" in line and line not in now["filters"][program]] == []
        assert own["sets"]["theirs"] == now["sets"]["theirs"]


def any_follows_any(sequence: list[Wish], programs: bool) -> None:
    clean(programs)
    try:
        for wish in sequence:
            report = carried_out(wish, programs)
            assert_as_declared(wish)
            assert_diff_tells_what_is_there(report, wish)
            assert_foreign_untouched(look(programs), programs)
        there = look(programs)
        apply("topology", ABSENT)
        same(look(programs), clean(programs), "absent leaves something")
        apply("topology", declared(sequence[-1]))
        same({**look(programs), "files": 0}, {**there, "files": 0}, "what was declared before shows through")
    finally:
        apply("topology", ABSENT)
    same(look(programs), clean(programs), "absent leaves something")


@examples(25, 1500)
@given(st.lists(wishes(), min_size=2, max_size=3))
def test_any_follows_any(sequence: list[Wish]) -> None:
    any_follows_any(sequence, False)


@examples(5, 200)
@given(st.lists(wishes(programs=True), min_size=2, max_size=2))
def test_any_follows_any_with_filters_and_sets(sequence: list[Wish]) -> None:
    any_follows_any(sequence, True)


@examples(20, 1500)
@given(wishes(), wishes(), st.floats(0, 1))
def test_any_failure_is_taken_back(first: Wish, second: Wish, share: float) -> None:
    clean(False)
    apply("topology", declared(first))
    before = look(False)
    steps = len(apply("topology", declared(second), check=True).plan.steps())
    try:
        if not steps:
            return
        broken = breaking(min(int(share * steps), steps - 1), KernelError(errno.EIO, "for the test"))
        try:
            apply("topology", declared(second), world=broken)
        except ApplyError as problem:
            lost = "what was in a deleted namespace" in str(problem)
            assert problem.undone or lost, str(problem)
            if not lost:
                same(look(False), before, f"not as before: {problem}")
    finally:
        apply("topology", ABSENT)
    same(look(False), clean(False), "absent leaves something")
