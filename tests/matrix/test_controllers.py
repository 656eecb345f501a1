# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side with other versions of Ansible: the life of a fleet in a lab with each."""

from __future__ import annotations

import sys

import pytest

from tests.matrix import cells
from tests.matrix.cells import Environment
from tests.matrix.conftest import Record
from tests.matrix.lab import life


@pytest.mark.skipif(not cells.ALL, reason="one lab for each version takes minutes")
@pytest.mark.parametrize("controller", cells.controllers(), ids=str)
def test_controllers(controller: Environment, record: Record) -> None:
    record.cell = controller.versions("ansible-core", "netaddr")
    # It has no pyroute2, which nodes need.
    life(f"-e ansible_python_interpreter={sys.executable}", ansible=str(controller.path / "bin" / "ansible-playbook"))
