# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside a real Docker engine, and a real firewalld: nothing of theirs changes, and all that they do goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from tests.foreign import firewalld, ours
from tests.foreign.engines import Docker, docker_works, running, with_containers
from tests.foreign.host import build, directory
from tests.foreign.theirs import nothing_left, theirs, unchanged, whole
from tests.integration.support.kernel import same


@contextmanager
def host(firewall: str) -> Iterator[Docker]:
    """Docker with its containers, and with firewalld if one of its backends is named."""
    build()
    with directory() as files:
        wall = firewalld.firewalld(files, firewall) if firewall else nullcontext()
        with wall, running(Docker, files) as docker:
            with_containers(docker)
            docker_works(docker)
            yield docker


@pytest.mark.parametrize("firewall", ["", "nftables", "iptables"])
def test_beside_docker(firewall: str) -> None:
    """Made, changed, taken away; then again, with them starting anew and losing ours meanwhile."""
    with host(firewall) as docker:
        before, others = whole(), theirs()
        assert ours.bring()
        unchanged(others, "made")
        docker_works(docker)
        ours.works()
        assert ours.bring(8090)
        unchanged(others, "changed")
        docker_works(docker)
        ours.works(8090)
        ours.remove()
        docker_works(docker)
        same(whole(), before, "something is left")

        ours.bring()
        docker("restart", "plain")
        docker_works(docker)
        ours.works()
        assert not ours.bring()
        docker.halt()
        docker.start()
        others = repaired(docker, "Docker has started again")
        if firewall:
            firewalld.reload()
            # With iptables as its backend, it flushes what is ours; with nftables, Docker puts its jumps before ours.
            others = repaired(docker, "firewalld has reloaded")
        ours.remove()
        unchanged(others, "taken away")
        docker_works(docker)
        nothing_left()


def repaired(docker: Docker, after: str) -> dict[str, Any]:
    """Expects that our next run brings ours back beside what is theirs, which it returns."""
    docker_works(docker)
    others = theirs()
    assert ours.bring(), after
    unchanged(others, f"repaired after {after}")
    docker_works(docker)
    ours.works()
    return others
