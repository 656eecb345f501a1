# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of real engines by reference: `docker:NAME`, `podman:NAME`, `lxc:NAME`, `machine:NAME`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.foreign.engines import ENGINES, Docker, docker_works, running, with_containers
from tests.foreign.host import build, directory, eventually, server
from tests.foreign.machines import MACHINES
from tests.foreign.theirs import nothing_left, theirs, unchanged
from tests.integration.support.kernel import inside, sh
from tests.integration.support.modules import call
from tests.integration.support.traffic import ask


def run(module: str, options: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    return dict(call(module, options, check=check).result)


def leg(container: str, **more: Any) -> dict[str, Any]:
    """A second leg of a container, in a network of ours."""
    peer = {"name": "eth7", "netns": container, "addresses": ["198.51.100.2/24"]}
    return {"name": "ours7", "addresses": ["198.51.100.1/24"], "peer": peer, **more}


def reached(netns: str) -> None:
    eventually(lambda: ask("", "198.51.100.2", 80) == ["mine"], "not reached")
    assert "198.51.100.2/24" in inside(netns, lambda: sh("ip -o address show dev eth7"))


#: What is said of one that does not run; machined knows nothing of a machine then.
STOPPED = {"machine": "no such machine"}


@pytest.mark.parametrize("program", [*ENGINES, *MACHINES])
def test_reference(program: str) -> None:
    """Check mode, a run, nothing to do, drift, a restart, a container that does not run, and the end."""
    build()
    with directory() as files, running({**ENGINES, **MACHINES}[program], files) as engine:
        engine.run("mine", server("mine"))
        reference = f"{program}:mine"
        wanted = leg(reference)
        before, within = theirs(), inside(engine.netns("mine"), lambda: sh("ip address; ip route"))

        assert run("veth", wanted, check=True)["changed"]
        assert inside(engine.netns("mine"), lambda: sh("ip address; ip route")) == within
        assert run("veth", wanted)["changed"]
        reached(engine.netns("mine"))
        assert not run("veth", wanted)["changed"]
        unchanged(before, "connected")

        route = {"netns": reference, "dest": "203.0.113.0/24", "gateway": "198.51.100.1"}
        assert run("route", route)["changed"] and not run("route", route)["changed"]
        inside(engine.netns("mine"), lambda: sh("ip address delete 198.51.100.2/24 dev eth7"))
        assert run("link", {"netns": reference, "name": "eth7", "addresses": ["198.51.100.2/24"]})["changed"]

        engine("restart", "mine")
        assert run("veth", wanted, check=True)["changed"]
        assert run("veth", wanted)["changed"]
        reached(engine.netns("mine"))
        assert run("route", route)["changed"]
        assert not run("veth", wanted)["changed"]

        engine("stop", "mine")
        for options in (wanted, leg(f"{program}:nobody")):
            failed = run("veth", options)
            assert failed["failed"] and f"netns '{program}:" in failed["msg"] and "\n" not in failed["msg"]
        why = STOPPED.get(program, "the container is not running")
        assert run("veth", wanted)["msg"] == f"peer.netns: netns '{reference}': {why}"

        engine("start", "mine")
        before = theirs()
        assert run("veth", wanted)["changed"]
        assert run("veth", {"name": "ours7", "state": "absent"})["changed"]
        assert inside(engine.netns("mine"), lambda: sh("ip -o link | grep -c eth7 || true")).strip() == "0"
        unchanged(before, "disconnected")


def test_topology_with_a_container_of_docker() -> None:
    """What is theirs in there stays; the next run repairs it after a restart; `absent` needs no container that runs."""
    build()
    with directory() as files, running(Docker, files) as docker:
        with_containers(docker)
        before = theirs()
        wanted = {"name": "ours", "veth": [leg("docker:plain")], "route": []}
        wanted["route"] = [{"netns": "docker:plain", "dest": "203.0.113.0/24", "gateway": "198.51.100.1"}]
        within = theirs_within(docker)
        assert run("topology", wanted)["changed"] and not run("topology", wanted)["changed"]
        assert theirs_within(docker) == within
        unchanged(before, "connected")
        docker_works(docker)

        docker("restart", "plain")
        before, within = theirs(), theirs_within(docker)
        assert run("topology", wanted)["changed"] and not run("topology", wanted)["changed"]
        assert theirs_within(docker) == within
        docker_works(docker)

        docker("stop", "plain")
        assert (
            run("topology", wanted)["msg"] == "veth[0].peer.netns: netns 'docker:plain': the container is not running"
        )
        assert run("topology", {"name": "ours", "state": "absent"}).get("failed") is None
        docker("start", "plain")
        docker_works(docker)
        nothing_left()


def theirs_within(docker: Docker) -> str:
    """Addresses, routes and rules of a container, without ours."""
    shown = "ip -o address; ip route; ip -6 route; ip rule; iptables-save; ip neighbour show nud permanent"
    said = inside(docker.netns("plain"), lambda: sh(shown))
    return "\n".join(line for line in said.splitlines() if "eth7" not in line and not line.startswith("#"))
