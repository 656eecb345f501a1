# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random wishes from random starts: each converges, in one run, and touches nothing that is not its own."""

from __future__ import annotations

import tempfile
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    ConflictError,
    InputError,
    MissingError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .everything import run
from .fake import FakeWorld, state
from .fake_kernel import FakeKernel

REFUSALS = (ConflictError, InputError, MissingError)
QUIET = settings(
    max_examples=70,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
NAMESPACES = ("", "a", "b")
ADDRESSES = st.lists(
    st.sampled_from(("10.1.0.1/24", "10.1.1.1/24", "10.1.2.1/24", "fd00::1/64")), unique=True, max_size=3
)


def _place(netns: str) -> dict[str, Any]:
    return {"netns": netns} if netns else {}


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """A topology of the namespaces a and b, bridges, veths with fixed peers, and what is on them."""
    names = [name for name in ("a", "b") if draw(st.booleans())]
    places = ["", *names]
    wish: dict[str, Any] = {"namespaces": [{"name": name} for name in names]}
    bridges = [netns for netns in places if draw(st.booleans())]
    wish["bridge"] = [
        {"name": "br0", **_place(netns), "stp": draw(st.booleans()), "addresses": draw(ADDRESSES)} for netns in bridges
    ]
    wish["veth"] = []
    for number, netns in enumerate(names):
        if draw(st.booleans()):
            end = {
                "name": "eth0",
                "netns": netns,
                "addresses": draw(ADDRESSES),
                "mtu": draw(st.sampled_from((1400, 1500))),
            }
            pair = {"name": f"v{number}", "peer": end, "recreate": True, "up": draw(st.booleans())}
            if "" in bridges and draw(st.booleans()):
                pair.update(master="br0", hairpin=draw(st.booleans()))
            wish["veth"].append(pair)
    if draw(st.booleans()):
        peers = [{"underlay": a} for a in draw(st.sets(st.sampled_from(("192.0.2.2", "192.0.2.3"))))]
        tunnel = {"name": "vx0", "vni": draw(st.sampled_from((7, 8))), "recreate": True, "peers": peers}
        wish["vxlan"] = [{**tunnel, "addresses": draw(ADDRESSES)}]
    wish["route"] = [
        {"dest": f"10.{number}.0.0/16", "type": draw(st.sampled_from(("blackhole", "unreachable"))), **_place(netns)}
        for number, netns in enumerate(places, 50)
        if draw(st.booleans())
    ]
    if draw(st.booleans()):
        wish["sysctls"] = {"net.ipv4.ip_forward": draw(st.integers(0, 1))}
    return {name: elements for name, elements in wish.items() if elements}


def foreign_node() -> FakeKernel:
    """A node with links, addresses and a route of somebody else."""
    kernel = FakeKernel()
    foreign = {
        "namespaces": [{"name": "foreign"}],
        "bridge": [{"name": "docker0", "ports": ["f0"], "addresses": ["172.17.0.1/16"]}],
        "veth": [{"name": "f0", "peer": {"name": "eth0", "netns": "foreign", "addresses": ["172.17.0.2/16"]}}],
        "route": [{"dest": "default", "gateway": "172.17.0.9"}],
        "vxlan": [{"name": "flannel", "vni": 9, "peers": [{"underlay": "192.0.2.9"}]}],
    }
    run(FakeWorld(kernel), foreign)
    return kernel


FOREIGN = foreign_node()


def foreign_part(kernel: FakeKernel) -> dict[Key, dict[str, Any]]:
    own = Key("sysctl", "", ("net/ipv4/ip_forward",))
    return {key: values for key, values in state(kernel).items() if key in FOREIGN.objects and key != own}


@QUIET
@given(first=wishes(), second=wishes())
def test_any_wish_follows_any_other_and_nothing_is_left(first: dict[str, Any], second: dict[str, Any]) -> None:
    kernel = FOREIGN.copy()
    with tempfile.TemporaryDirectory() as directory:
        store = f"{directory}/state"
        for wish in (first, second):
            foretold = run(FakeWorld(kernel), wish, store, check=True)
            done = run(FakeWorld(kernel), wish, store)
            assert foretold.plan.lines() == done.plan.lines()
            assert run(FakeWorld(kernel), wish, store).plan.lines() == []
            assert foreign_part(kernel) == foreign_part(FOREIGN)
        fresh = FOREIGN.copy()
        run(FakeWorld(fresh), second)
        assert _without_chance(kernel) == _without_chance(fresh), "the first wish shows through the second"
        run(FakeWorld(kernel), {"state": "absent"}, store)
    assert state(kernel) == state(FOREIGN)


def _without_chance(kernel: FakeKernel) -> dict[Key, dict[str, Any]]:
    """MAC addresses are the kernel's choice; what a wish says nothing of stays as it was."""
    silent = ("mac", "stp", "hairpin")
    return {k: {n: v for n, v in values.items() if n not in silent} for k, values in state(kernel).items()}


@QUIET
@given(first=wishes(), second=wishes(), share=st.floats(0, 1))
def test_any_failure_is_taken_back(first: dict[str, Any], second: dict[str, Any], share: float) -> None:
    kernel = FOREIGN.copy()
    run(FakeWorld(kernel), first)
    before = state(kernel)
    whole = FakeWorld(kernel.copy())
    try:
        run(whole, second)
    except REFUSALS:
        return
    if not whole.done:
        return
    number = 1 + int(share * (len(whole.done) - 1))
    try:
        run(FakeWorld(kernel, fail_at=number), second)
    except ApplyError as problem:
        assert problem.undone, str(problem)
        assert state(kernel) == before


@QUIET
@given(wish=wishes(), share=st.floats(0, 1))
def test_a_kill_anywhere_leaves_no_trace(wish: dict[str, Any], share: float) -> None:
    kernel = FOREIGN.copy()
    whole = FakeWorld(kernel.copy())
    run(whole, wish)
    number = 1 + int(share * len(whole.done))
    with tempfile.TemporaryDirectory() as directory:
        store = f"{directory}/state"
        try:
            run(FakeWorld(kernel, kill_at=number), wish, store)
        except BaseException as problem:
            assert type(problem).__name__ == "Killed"
        run(FakeWorld(kernel), {"state": "absent"}, store)
    assert state(kernel) == state(FOREIGN)
