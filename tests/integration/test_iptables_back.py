# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was there before comes back, even if others took away something that it refers to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.base import StepError

from tests.integration.support.filters import rules, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply


@pytest.mark.parametrize("backend", ["nft", "legacy"])
@pytest.mark.parametrize("gone", ["F", "addresses"])
def test_all_comes_back_but_what_refers_to_what_is_gone(gone: str, backend: str) -> None:
    """A chain or a set of somebody else vanished meanwhile: one rule is left out and named, the others come back."""
    program = f"iptables-{backend}"
    sh(
        f"{program} -N F; {program} -A INPUT -j F;"
        f"{program} -A INPUT -p tcp --dport 22 -j ACCEPT; {program} -P INPUT DROP"
    )
    sh(f"ipset create addresses hash:ip; {program} -A INPUT -m set --match-set addresses src -j ACCEPT")
    original = rules("INPUT", program=program)
    element = {"chain": "INPUT", "rules": ["-j DROP"], "policy": "ACCEPT", "backend": backend}
    apply("topology", {"name": "t", "iptables_chain": [element]})
    sh(f"{program} -X F" if gone == "F" else "ipset destroy addresses")
    lost = next(rule for rule in original if gone in rule)
    foretold = apply("topology", {"name": "t", "state": "absent"}, check=True)
    assert any(f"'{gone}'" in warning for warning in foretold.warnings)
    done = apply("topology", {"name": "t", "state": "absent"})
    assert any(f"former rule '{lost}'" in warning for warning in done.warnings), done.warnings
    assert rules("INPUT", program=program) == [rule for rule in original if rule != lost]
    assert "INPUT DROP" in saved(program)


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_a_roll_back_leaves_out_only_what_cannot_be(backend: str) -> None:
    """A chain that an original rule jumps to vanishes during the run."""
    program = f"iptables-{backend}"
    sh(f"{program} -N F; {program} -A INPUT -j F; {program} -A INPUT -i lo; {program} -A OUTPUT -o lo -j ACCEPT")

    class Meddled(KernelWorld):
        broken = False

        def execute(self, steps: Any) -> Any:
            if not self.broken:
                self.broken = True
                yield from super().execute(steps)
                sh(f"{program} -X F")
                raise StepError(steps[0], KernelError(5, "for the test"))
            yield from super().execute(steps)

    elements = [{"chain": chain, "rules": ["-j DROP"], "backend": backend} for chain in ("INPUT", "OUTPUT")]
    with pytest.raises(ApplyError):
        apply("topology", {"name": "t", "iptables_chain": elements}, world=Meddled)
    assert rules("INPUT", program=program) == ["-i lo"] and rules("OUTPUT", program=program) == ["-o lo -j ACCEPT"]
