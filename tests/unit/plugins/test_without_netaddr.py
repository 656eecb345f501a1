# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where netaddr is missing, plugins can be imported, and say what is missing when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COLLECTIONS = Path(__file__).resolve().parents[3] / ".collections"
PROGRAM = """
import sys
sys.modules["netaddr"] = None
sys.path.insert(0, {path!r})
from unittest import mock
from ansible_collections.containerland.net.plugins.{plugin} import {name}
{use}
"""
USES = {
    "filter.fleet": ("FilterModule", "FilterModule().filters()['routed_routes']({}, 'node1')"),
    "action.fleet_plan": (
        "ActionModule",
        "task = mock.MagicMock(async_val=0, args={})\n"
        "ActionModule(task, *[mock.MagicMock() for _turn in range(5)]).run(task_vars={})",
    ),
    "inventory.containers": (
        "InventoryModule",
        "mock.patch.object(InventoryModule, '_read_config_data').start()\n"
        "InventoryModule().parse(mock.MagicMock(), mock.MagicMock(), 'containers.yml')",
    ),
}


@pytest.mark.parametrize("plugin", USES)
def test_it_is_named(plugin: str) -> None:
    name, use = USES[plugin]
    program = PROGRAM.format(path=str(COLLECTIONS), plugin=plugin, name=name, use=use)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "Python library netaddr on the controller: pip install netaddr" in done.stderr.splitlines()[-1], done.stderr
