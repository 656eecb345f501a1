# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test here runs in a child process with namespaces of its own: the machine's network is out of reach.

So that holds for plain pytest too, as root and, where the kernel lets them make namespaces, as an ordinary user.
Fixtures run outside: they must not touch the network. A test marked `shared_network` runs where pytest does.
"""

from __future__ import annotations

import gc
from functools import partial

import pytest

pytest.register_assert_rewrite(*(f"tests.integration.support.{name}" for name in ("cases", "ipvs", "kernel")))

from ansible_collections.containerland.net.plugins.module_utils._core.kernel import pyroute2_classes  # noqa: E402

from tests.integration.support.private import run_privately  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared_network: runs in the network namespace of pytest itself")


def pytest_sessionstart() -> None:
    """The import takes longer than most tests; the children inherit it."""
    pyroute2_classes.load("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg")
    pyroute2_classes.load("pyroute2.netlink.rtnl.fibmsg", "fibmsg")


def pytest_collection_finish() -> None:
    """Else the collector writes to all that the child shares with its parent, which the kernel then copies."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if pyfuncitem.get_closest_marker("shared_network"):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    problem = run_privately(partial(pyfuncitem.obj, **arguments))
    if problem is not None:
        pytest.fail(problem, pytrace=False)
    return True
