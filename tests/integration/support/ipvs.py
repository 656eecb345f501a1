# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPVS as ipvsadm(8) sees it, with what others have made in it."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, KernelError

from tests.integration.support.kernel import sh
from tests.integration.support.run import Options, apply, breaking

#: What is there before each test, and stays to the last byte.
FOREIGN = """
ip link set lo up
ipvsadm -A -t 203.0.113.1:80 -s wlc
ipvsadm -a -t 203.0.113.1:80 -r 203.0.113.2:8080 -m -w 5
ipvsadm -A -f 99 -s rr
"""
WEB = {"address": "10.96.0.10", "port": 80, "scheduler": "rr"}
A, B, C = ({"address": f"10.244.{number}.10", "port": 8080} for number in (1, 2, 3))


def saved() -> list[str]:
    return sh("ipvsadm --save --numeric").splitlines()


def own() -> list[str]:
    """What is there besides what others have made, which must be as it was."""
    lines = saved()
    foreign = [line for line in lines if "203.0.113.1:80" in line or "-f 99" in line]
    assert sorted(foreign) == [
        "-A -f 99 -s rr",
        "-A -t 203.0.113.1:80 -s wlc",
        "-a -t 203.0.113.1:80 -r 203.0.113.2:8080 -m -w 5",
    ]
    return sorted(line for line in lines if line not in foreign)


def change(module: str, options: Options) -> Report:
    """Check mode, the change, and that nothing is left to do; each step of it may fail and is taken back."""
    before = own()
    foretold = apply(module, options, check=True)
    assert own() == before, "check mode changed something"
    for number in range(len(foretold.plan.steps())):
        with pytest.raises(ApplyError) as problem:
            apply(module, options, world=breaking(number, KernelError(errno.EIO, "for the test")))
        assert problem.value.undone, str(problem.value)
        assert own() == before, f"not as before after a failure of step {number}"
    done = apply(module, options)
    assert done.plan.lines() == foretold.plan.lines()
    assert done.plan.diff() == foretold.plan.diff()
    again = apply(module, options)
    assert not again.changed, again.plan.lines()
    return done
