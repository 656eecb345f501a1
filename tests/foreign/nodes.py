# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes of the lab, each with a Docker daemon of its own, and the playbooks that users run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.foreign.engines import IMAGE, own_cgroup
from tests.foreign.host import BUSYBOX, eventually
from tests.integration.support.kernel import sh
from tests.integration.support.run import CHECKOUT

_INVENTORY = ("inventories/lab", "tests/foreign/two_nodes")
_RECAP = re.compile(r"^(node\d) .*ok=(\d+) +changed=(\d+) .*failed=(\d+) ", re.MULTILINE)


class NodeWithDocker:
    """A node of the lab; its daemon keeps all it has below the node's own /run."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        pid = Path(f"/run/containerland/nodes/{name}.pid").read_text().strip()
        self._enter = ["nsenter", "--target", pid, "--net", "--mount", "--uts", "--ipc", "--pid", "--wd=/", "--"]
        self.sh("mount -t cgroup2 none /sys/fs/cgroup; mkdir /run/docker-daemon")
        (root / f"{name}.json").write_text('{"exec-opts": ["native.cgroupdriver=cgroupfs"]}')
        command = ["dockerd", f"--config-file={root}/{name}.json", "--data-root=/run/docker-daemon/data"]
        command += ["--storage-driver=vfs", "--userland-proxy=false", "--shutdown-timeout=1"]
        with open(root / f"{name}.log", "wb") as log:
            self._daemon = subprocess.Popen([*self._enter, *command], stdout=log, stderr=log)
        eventually(lambda: self.run("docker version").returncode == 0, f"dockerd of {name} does not answer")
        self.sh(f"tar -C {root}/root -c . | docker import - {IMAGE} 2>/dev/null")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        command = [*self._enter, "sh", "-ec", script]
        # That of another engine of these tests, elsewhere.
        environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def sh(self, script: str) -> str:
        done = self.run(script)
        assert done.returncode == 0, f"{self.name}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self) -> None:
        """A container that says which node it is on, to who asks port 80."""
        answer = f"read line; echo {self.name}"
        command = [BUSYBOX, "nc", "-ll", "-p", "80", "-e", BUSYBOX, "sh", "-c", answer]
        self.sh(f"docker run --detach --name web --stop-signal=SIGKILL {IMAGE} {shlex.join(command)}")

    def ask(self, address: str, port: int = 80, source: str = "docker exec web") -> str:
        """What is answered; '' if nothing is."""
        done = self.run(f"echo | {source.replace('exec', 'exec -i')} {BUSYBOX} nc -w 3 {address} {port}")
        return done.stdout.strip()

    def theirs(self) -> str:
        """What Docker has made on the node and in its container: addresses, routes, rules, without ours."""
        node = "ip -o address; ip route; ip rule; iptables-save | sed 's/\\[[0-9:]*\\]//'"
        inside = 'nsenter --net=/proc/$(docker inspect -f "{{.State.Pid}}" web)/ns/net sh -c "%s"'
        said = self.sh(f"{node}; {inside % 'ip -o address; ip route show table all; ip rule'}")
        ours = re.compile(r"ctl0|c-web|CTL-|vxlan4096|10\.244\.|valid_lft|^#|^[*:]|^COMMIT")
        return "\n".join(line.partition("\\")[0] for line in said.splitlines() if not ours.search(line))

    def stop(self) -> None:
        self.run("docker rm --force $(docker ps --all --quiet)")
        self._daemon.terminate()
        self._daemon.wait(30)


@contextmanager
def two_nodes(files: Path) -> Iterator[list[NodeWithDocker]]:
    """The lab with node1 and node2, and Docker on both."""
    os.environ["LAB_NODES"] = "2"
    # The lab works only where this names the network namespace; this test has one of its own.
    (files / "netns").write_text(os.readlink("/proc/self/ns/net") + "\n")
    sh(f"mount --bind {files}/netns /run/sandbox/netns; ip link set lo up; mkdir -p /var/lib/containerland /run/netns")
    (files / "root/bin").mkdir(parents=True)
    sh(f"cp $(command -v busybox) {files}/root{BUSYBOX}")
    with own_cgroup(files), ExitStack() as started:
        play("playbooks/lab.yml")
        started.callback(play, "playbooks/lab_teardown.yml")
        nodes = []
        for name in ("node1", "node2"):
            nodes.append(NodeWithDocker(name, files))
            started.callback(nodes[-1].stop)
        yield nodes


def play(playbook: str, *options: str, fails: bool = False) -> str:
    """Runs a playbook on the two nodes; returns what it said."""
    inventories = [f"--inventory={path}" for path in _INVENTORY]
    command = [str(Path(sys.executable).parent / "ansible-playbook"), *inventories, *options, playbook]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stdout[-6000:] + done.stderr[-2000:]
    # Warnings are wrapped.
    return done.stdout + " ".join(done.stderr.split())


def changed(said: str) -> dict[str, int]:
    """Node → how many tasks have changed something."""
    found = {name: int(number) for name, _ok, number, _failed in _RECAP.findall(said)}
    assert set(found) == {"node1", "node2"}, said
    return found
