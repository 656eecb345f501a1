# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As the integration tests: each test in a process of its own, with an empty network, /run and /var/lib of its own."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.foreign.host", "tests.foreign.theirs", "tests.integration.support.kernel")

from tests.integration.conftest import pytest_collection_finish, pytest_pyfunc_call  # noqa: E402

__all__ = ["pytest_collection_finish", "pytest_configure", "pytest_pyfunc_call"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared_network: runs in the network namespace of pytest itself")
