# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases on the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.cases.all import CASES
from tests.cases.case import Case, run_case

from .fake import FakeWorld
from .fake_kernel import FakeKernel


class FakeSession:
    def __init__(self, kernel: FakeKernel) -> None:
        self.world = FakeWorld(kernel)

    def canonical(self, ref: str) -> str:
        return "" if ref == "/proc/self/ns/net" else ref


def opener_of(kernel: FakeKernel) -> Callable[[], AbstractContextManager[FakeSession]]:
    @contextmanager
    def opener() -> Iterator[FakeSession]:
        yield FakeSession(kernel)

    return opener


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, tmp_path: Path) -> None:
    run_case(case, opener_of(FakeKernel()), str(tmp_path / "state"))


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
