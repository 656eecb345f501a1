# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change does in another namespace than its own is looked at afterwards too."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError

from tests.integration.support.kernel import said
from tests.integration.support.run import apply


def topology(mtu: int) -> dict[str, Any]:
    above = {"name": "v0", "netns": "above", "kind": "macvlan", "parent": "p0", "parent_netns": "below", "mtu": 1500}
    return {
        "name": "t",
        "namespaces": [{"name": "above"}, {"name": "below"}],
        "bridge": [{"name": "p0", "netns": "below", "mtu": mtu}],
        "link": [above],
    }


def test_mtu_that_sinks_along_with_the_parents_in_another_namespace() -> None:
    apply("topology", topology(1500))
    with pytest.raises(ApplyError, match="what this run had changed was taken back"):
        apply("topology", topology(1400))
    assert said("ip -n below link show p0", "mtu") == said("ip -n above link show v0", "mtu") == [1500]
