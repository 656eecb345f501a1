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
    """It gets out, and answers the host."""
    gets_out(GUEST)
    eventually(lambda: ask("", "192.168.122.50", 80)[:1] == ["guest"], "the guest does not answer")


def pod_works() -> None:
    """It gets out, and answers at the service's address and at the NodePort."""
    gets_out(POD)
    answers(31080, "pod")
    eventually(lambda: ask("", "10.43.0.20", 80)[:1] == ["pod"], "the service does not answer")


def pod_has_a_way() -> None:
    """It gets out; the service needs IPVS."""
    gets_out(POD)


WORKS: dict[str, Callable[[], None]] = {
    "libvirt": guest_works,
    "kubernetes": pod_works,
    "kube-ipvs": pod_has_a_way,
}


@pytest.mark.parametrize(
    ("whose", "rules", "backend"),
    [
        ("libvirt", "save", "nft"),
        ("libvirt", "save", "legacy"),
        ("libvirt", "nft", "nft"),
        ("kubernetes", "save", "nft"),
        ("kubernetes", "save", "legacy"),
        ("kube-ipvs", "save", "nft"),
        ("kube-ipvs", "save", "legacy"),
    ],
)
def test_beside(whose: str, rules: str, backend: str) -> None:
    """Ours has the same backend as theirs."""
    build()
    sh(f"sh -e {HOSTS}/{whose}.sh")
    loader = "nft -f" if rules == "nft" else f"iptables-{backend}-restore --noflush"
    sh(f"{loader} {HOSTS}/{whose}.{rules}")
    serve(GUEST, "guest", "0.0.0.0", 80) if whose == "libvirt" else serve(POD, "pod", "0.0.0.0", 80)
    made_changed_and_taken_away(WORKS[whose], backend)


def made_changed_and_taken_away(works: Callable[[], None], backend: str) -> None:
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


@pytest.mark.other_kernel("dummy", "ipvs", "veth", "vxlan", "iptables-legacy")
def test_beside_kube_proxy_with_ipvs() -> None:
    """Where the kernel has IPVS: its services, and their addresses on kube-ipvs0."""
    build()
    sh(f"sh -e {HOSTS}/kube-ipvs.sh; iptables-legacy-restore --noflush {HOSTS}/kube-ipvs.save")
    assert "10.43.0.20:80" in sh("ipvsadm --save --numeric")
    serve(POD, "pod", "0.0.0.0", 80)
    made_changed_and_taken_away(pod_works, "legacy")
