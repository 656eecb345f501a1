# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of whichever scenario runs: testinfra reaches them by Ansible, as the role does."""

from __future__ import annotations

import os

import pytest
import testinfra
from testinfra.host import Host

INVENTORY = os.environ["MOLECULE_SCENARIO_DIRECTORY"] + "/inventory"
NODES = testinfra.get_hosts(["ansible://nodes?force_ansible=True"], ansible_inventory=INVENTORY)


@pytest.fixture(params=NODES, ids=[node.backend.get_pytest_id() for node in NODES])
def node(request: pytest.FixtureRequest) -> Host:
    host: Host = request.param
    return host
