# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case is, and how it is run; the fake and the real kernel run the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report, converge
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.registry import KINDS
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key, Resource
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.scopes import World
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

Options = Mapping[str, Any]
COMPARED = ("kind", "master", "mtu", "up", "alias", "group", "peer", "vni", "parent", "destination", "mac")


@dataclass(frozen=True)
class Case:
    """One run of topology.

    Attributes:
        want: the options, without `name`.
        plan: the lines of the plan.
        foreign: what is there, made by somebody else.
        earlier: what the same owner applied before.
        after: `KIND NETNS/IDENT` → values that the object has then; None where it is gone. Blanks part the ident.
        error: the whole message, where the run is refused; nothing has changed then.
        lasting: the want takes foreign objects away, so teardown cannot leave what was there before.
        needs: the kernel's features (tests/other_kernel/features.py).
    """

    name: str
    want: Options
    plan: Sequence[str] = ()
    foreign: Options = field(default_factory=dict)
    earlier: Options | None = None
    after: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    error: str = ""
    lasting: bool = False
    needs: tuple[str, ...] = ()


class Session(Protocol):
    """A world for one run, and the form that references to namespaces take in it."""

    world: World

    def canonical(self, ref: str) -> str:
        """The reference as plans write it."""


Opener = Callable[[], AbstractContextManager[Session]]


def run_case(case: Case, opener: Opener, directory: str) -> None:
    """Check mode, apply, again, and teardown; asserts that each did what the case says."""
    if case.foreign:
        _run(opener, case.foreign)
    before = snapshot(opener)
    if case.earlier is not None:
        _run(opener, case.earlier, directory)
    if case.error:
        _assert_refused(case, opener, directory)
        return
    start = snapshot(opener)
    predicted = _run(opener, case.want, directory, check=True)
    assert snapshot(opener) == start, "check mode changed something"
    done = _run(opener, case.want, directory)
    assert done.plan.lines() == list(case.plan)
    assert predicted.plan.lines() == done.plan.lines(), "check mode predicted something else"
    assert predicted.plan.diff() == done.plan.diff(), "check mode showed another diff"
    _assert_after(case, opener)
    assert _run(opener, case.want, directory).plan.lines() == [], "the second run still has something to do"
    _run(opener, {"state": "absent"}, directory)
    if not case.lasting:
        assert snapshot(opener) == before, "something was left behind"


def _assert_refused(case: Case, opener: Opener, directory: str) -> None:
    start = snapshot(opener)
    try:
        done = _run(opener, case.want, directory)
    except ContainerlandError as problem:
        assert str(problem) == case.error
    else:
        raise AssertionError(f"was not refused but did {done.plan.lines()}")
    assert snapshot(opener) == start, "what was refused changed something"


def _run(opener: Opener, options: Options, directory: str = "", check: bool = False) -> Report:
    with opener() as session:
        declaration = declare_topology({"name": "case", **options}, session.canonical)
        ledger = Ledger(Store("case", directory), {}) if directory else None
        return converge(declaration, session.world, check=check, ledger=ledger)


def look(opener: Opener) -> dict[Key, Resource]:
    """All that is there, in all namespaces."""
    with opener() as session:
        kinds = {kind for kind in KINDS if kind != "sysctl"}
        names = session.world.observe({"": set()}, None)
        scopes = {"": kinds, **{key.ident[0]: kinds for key in names if key.kind == "netns"}}
        return session.world.observe(scopes, None)


def snapshot(opener: Opener) -> dict[Key, dict[str, Any]]:
    """What a run must not change by accident; not what the kernel makes by itself."""
    return {
        key: {name: value for name, value in resource.values.items() if key.kind != "link" or name in COMPARED}
        for key, resource in look(opener).items()
        if KINDS[key.kind].restorable(resource)
    }


def _assert_after(case: Case, opener: Opener) -> None:
    wanted = {_key(text): values for text, values in case.after.items()}
    found = look(opener)
    sysctls = {key: frozenset({"value"}) for key in wanted if key.kind == "sysctl"}
    with opener() as session:
        found.update(session.world.observe({key.netns: {"sysctl"} for key in sysctls}, sysctls))
    for key, values in wanted.items():
        assert (key in found) == (values is not None), f"{key}: {'there' if key in found else 'gone'}"
        if values is not None:
            have = found[key].values
            assert {name: have.get(name) for name in values} == dict(values), key


def _key(text: str) -> Key:
    """`address web/eth0 10.0.0.1/24`, `link /br0`, `netns /web`."""
    kind, _blank, rest = text.partition(" ")
    netns, _slash, ident = rest.partition("/")
    return Key(kind, netns, tuple(ident.split(" ")))
