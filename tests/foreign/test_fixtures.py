# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside what libvirt and Kubernetes leave on a host: nothing of it changes, and all that it does goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign import ours
from tests.foreign.host import answers, build, eventually, gets_out
from tests.foreign.theirs import theirs, unchanged, whole
from tests.integration.support.kernel import same, sh
from tests.integration.support.traffic import ask, serve

HOSTS = Path(__file__).parents[1] / "fixtures" / "hosts"
POD, GUEST = "cni-1f0c7a4e", "guest"


def guest_works() -> None:
    """It gets out, and nobody gets in but the host."""
    gets_out(GUEST)
    eventually(lambda: ask("", "192.168.122.50", 80)[:1] == ["guest"], "the guest does not answer")


def pod_works() -> None:
    """It gets out, and answers at the service's address and at the NodePort."""
    gets_out(POD)
    answers(31080, "pod")
    eventually(lambda: ask("", "10.43.0.20", 80)[:1] == ["pod"], "the service does not answer")


@pytest.mark.parametrize(
    ("whose", "rules", "backend"),
    [
        ("libvirt", "save", "nft"),
        ("libvirt", "save", "legacy"),
        ("libvirt", "nft", "nft"),
        ("kubernetes", "save", "nft"),
        ("kubernetes", "save", "legacy"),
    ],
)
def test_beside(whose: str, rules: str, backend: str) -> None:
    """Ours has the same backend as theirs."""
    build()
    sh(f"sh -e {HOSTS}/{whose}.sh")
    loader = "nft -f" if rules == "nft" else f"iptables-{backend}-restore --noflush"
    sh(f"{loader} {HOSTS}/{whose}.{rules}")
    works: Callable[[], None] = {"libvirt": guest_works, "kubernetes": pod_works}[whose]
    serve(GUEST if whose == "libvirt" else POD, "guest" if whose == "libvirt" else "pod", "0.0.0.0", 80)
    works()
    before, others = whole(), theirs()
    assert ours.bring(backend=backend)
    unchanged(others, "made")
    works()
    ours.works()
    assert ours.bring(8090, backend)
    unchanged(others, "changed")
    works()
    ours.works(8090)
    ours.remove()
    works()
    same(whole(), before, "something is left")
