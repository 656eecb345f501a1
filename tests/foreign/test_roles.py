# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles beside Docker and firewalld."""

from __future__ import annotations

from tests.foreign import firewalld, play
from tests.foreign.engines import Docker, docker_works, running, with_containers
from tests.foreign.host import answers, build, directory, gets_out
from tests.foreign.theirs import theirs, unchanged, whole
from tests.integration.support.kernel import same


def all_works(docker: Docker, port: int = 8080) -> None:
    """Theirs, a published port, an ingress port of a service, and the way out."""
    docker_works(docker)
    answers(port, "web1")
    answers(30080, "web1")
    gets_out("web1")


def test_roles_beside_docker_and_firewalld() -> None:
    build()
    with directory() as files, firewalld.firewalld(files, "nftables"), running(Docker, files) as docker:
        with_containers(docker)
        docker_works(docker)
        before, others = whole(), theirs()
        assert play.present() > 3
        unchanged(others, "made")
        all_works(docker)
        assert play.present() == 0
        unchanged(others, "run again")
        assert play.present(web1_port=8090) == 1
        unchanged(others, "changed")
        all_works(docker, 8090)
        assert play.absent() > 3
        docker_works(docker)
        same(whole(), before, "something is left")
