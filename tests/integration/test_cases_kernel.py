# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases that the fake runs, on the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld

pytest.register_assert_rewrite("tests.cases.case")

from tests.cases.all import CASES  # noqa: E402
from tests.cases.case import Case, run_case  # noqa: E402


class KernelSession:
    def __init__(self, node: Node) -> None:
        self.world = KernelWorld(node)
        self.canonical = node.canonical


@contextmanager
def kernel() -> Iterator[KernelSession]:
    with Node() as node:
        yield KernelSession(node)


def _parameter(case: Case) -> object:
    return pytest.param(case, id=case.name, marks=[pytest.mark.other_kernel(*case.needs)] if case.needs else [])


@pytest.mark.parametrize("case", [_parameter(case) for case in CASES])
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, kernel, str(tmp_path / "state"))
