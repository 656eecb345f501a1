# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that is made anew in the run in which its bridge goes is a port again when that is taken back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError

from tests.integration.support.kernel import said
from tests.integration.support.run import apply, breaking


def pair(name: str, peer: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "recreate": True, "peer": {"name": peer}, **more}


def test_port_of_a_bridge_that_goes() -> None:
    apply("topology", {"name": "t", "veth": [pair("x", "y", master="br")], "bridge": [{"name": "br"}]})
    other = {"name": "t", "veth": [pair("x", "v"), pair("y", "w")]}
    with pytest.raises(ApplyError, match="what this run had changed was taken back"):
        apply("topology", other, world=breaking(3, OSError(5, "no")))
    assert said("ip link show x", "master") == ["br"]
