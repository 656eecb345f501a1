# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles beside Docker and firewalld."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.foreign import play
from tests.foreign.engines import Docker, Engine, running
from tests.foreign.host import answers, build, directory, gets_out, server
from tests.foreign.theirs import theirs, unchanged, whole
from tests.integration.support.kernel import same


def containers_of_docker(docker: Engine) -> None:
    """One on the default bridge, one on a network of its own, both with a published port, both coming back."""
    docker("network", "create", "shop")
    docker.run("plain", server("plain"), "--publish=8081:80", "--restart=always")
    docker.run("shop", server("shop"), "--publish=8082:80", "--restart=always", "--network=shop")


def docker_works(docker: Engine) -> None:
    answers(8081, "plain")
    answers(8082, "shop")
    gets_out(docker.netns("plain"))
    gets_out(docker.netns("shop"))


def all_works(docker: Engine) -> None:
    docker_works(docker)
    answers(8080, "web1")
    answers(30080, "web1")
    gets_out("web1")


import time
T=time.time()
def t(w): print("%.1f"%(time.time()-T), w, file=__import__("sys").stderr)
def test_roles_beside_docker() -> None:
    build()
    with directory() as files, running(Docker, files) as docker:
        t('containers_of_docker(docker)\n        docker')
        containers_of_docker(docker)
        docker_works(docker)
        t('before, others')
        before, others = whole(), theirs()
        t('assert play.present()')
        assert play.present()
        t('unchanged(others, "made')
        unchanged(others, "made")
        t('all_works(docker)\n        a')
        all_works(docker)
        t('assert not play')
        assert not play.present()
        t('play.absent()')
        play.absent()
        t('docker_works(docker)\n        same')
        docker_works(docker)
        t('same(')
        same(whole(), before, "something is left")
