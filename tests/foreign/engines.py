# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real engines: Docker's daemon and Podman, with all that they keep below a directory, and a cgroup of their own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.foreign.host import BUSYBOX, answers, eventually, gets_out, server
from tests.integration.support.kernel import sh

_NEWCGROUP = 0x02000000
IMAGE = "busybox"


@contextmanager
def own_cgroup(directory: Path) -> Iterator[None]:
    """A cgroup that is all that this process and its children see of the machine's, and that goes with them."""
    machine = directory / "cgroups"
    machine.mkdir()
    sh(f"mount -t cgroup2 none {machine}")
    (before,) = (line[4:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::/"))
    mine = machine / before / f"containerland-test-{uuid.uuid4()}"
    try:
        # A cgroup with processes of its own hands no controllers down.
        (mine / "tests").mkdir(parents=True)
        (mine / "cgroup.procs").write_text("0")
        assert ctypes.CDLL(None).unshare(_NEWCGROUP) == 0
        (mine / "tests" / "cgroup.procs").write_text("0")
        sh("mount -t cgroup2 none /sys/fs/cgroup")
        yield
    finally:
        sh("umount /sys/fs/cgroup 2>/dev/null || true")
        (machine / before / "cgroup.procs").write_text("0")
        eventually(lambda: _removed(mine), "processes are left in the cgroup")
        sh(f"umount -l {machine}")


def _removed(cgroup: Path) -> bool:
    """Ends what a test that failed has left, and removes the cgroup once it is empty."""
    for directory, _inner, _files in os.walk(cgroup, topdown=False):
        for pid in Path(directory, "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        os.rmdir(directory)
    return not cgroup.exists()


class Engine:
    """What the two have in common: containers of one image with one program."""

    program: str
    #: What containers need here besides. As process 1, busybox does not heed SIGTERM.
    options: Sequence[str] = ("--stop-signal=SIGKILL",)

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.program} {arguments}: {done.stderr}"
        return done.stdout.strip()

    def import_image(self) -> None:
        root = self.directory / "root"
        (root / "bin").mkdir(parents=True)
        sh(f"cp $(command -v busybox) {root}{BUSYBOX}")
        sh(f"tar -C {root} -c . | {self.program} import - {IMAGE} 2>/dev/null")

    def run(self, name: str, command: Sequence[str], *options: str) -> None:
        self("run", "--detach", "--name", name, *self.options, *options, IMAGE, *command)

    def netns(self, name: str) -> str:
        """The path of a container's network namespace."""
        pid = self("inspect", "--format", "{{.State.Pid}}", name)
        assert pid != "0", f"{name} does not run: {self('logs', name)}"
        return f"/proc/{pid}/ns/net"

    def stop(self) -> None:
        """End it, and all that it has."""


class Docker(Engine):
    program = "docker"
    storage = "vfs"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.socket = directory / "docker.sock"
        os.environ["DOCKER_HOST"] = f"unix://{self.socket}"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.start()
        self.import_image()

    def start(self) -> None:
        """Start the daemon; without its proxy, so that its rules alone lead to published ports."""
        files = self.directory / "docker"
        files.mkdir(exist_ok=True)
        (files / "daemon.json").write_text(json.dumps({"exec-opts": ["native.cgroupdriver=cgroupfs"]}))
        command = ["dockerd", f"--config-file={files}/daemon.json", f"--data-root={files}/data"]
        command += [f"--exec-root={files}/exec", f"--pidfile={files}/pid", f"--host=unix://{self.socket}"]
        command += [f"--storage-driver={self.storage}", "--userland-proxy=false", "--shutdown-timeout=1"]
        with open(files / "log", "ab") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(self._answers, "dockerd does not answer")
        except AssertionError as problem:
            raise AssertionError((files / "log").read_text()[-3000:]) from problem

    def _answers(self) -> bool:
        return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0

    def halt(self) -> None:
        """Stop the daemon, and with it its containers; they are there again when it starts."""
        assert self.daemon is not None
        self.daemon.terminate()
        self.daemon.wait(30)
        self.daemon = None

    def stop(self) -> None:
        if self.daemon is None:
            self.start()
        names = self("ps", "--all", "--quiet").split()
        if names:
            self("rm", "--force", *names)
        self.halt()


class Podman(Engine):
    program = "podman"
    # Else it asks for more than the sandbox has: CAP_SYS_RESOURCE, the controller `pids`.
    options = (*Engine.options, "--ulimit=host", "--pids-limit=0", "--network=none")

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        files = directory / "podman"
        files.mkdir()
        (files / "containers.conf").write_text(
            "[engine]\n"
            'cgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
            f'tmp_dir = "{files}/tmp"\n[network]\nnetwork_config_dir = "{files}/networks"\n'
        )
        (files / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\nrunroot = "{files}/run"\ngraphroot = "{files}/data"\n'
        )
        os.environ["CONTAINERS_CONF"] = str(files / "containers.conf")
        os.environ["CONTAINERS_STORAGE_CONF"] = str(files / "storage.conf")
        self.import_image()

    def stop(self) -> None:
        self("rm", "--all", "--force", "--time=0")


Running = TypeVar("Running", bound=Engine)
ENGINES: dict[str, type[Engine]] = {"docker": Docker, "podman": Podman}


@contextmanager
def running(engine: type[Running], directory: Path) -> Iterator[Running]:
    """An engine in a cgroup of its own, until all that it started has ended."""
    with own_cgroup(directory):
        started = engine(directory)
        try:
            yield started
        finally:
            started.stop()


def with_containers(docker: Engine) -> None:
    """One on the default bridge, one on a network of its own, both with a published port, both coming back."""
    docker("network", "create", "shop")
    docker.run("plain", server("plain"), "--publish=8081:80", "--restart=always")
    docker.run("shop", server("shop"), "--publish=8082:80", "--restart=always", "--network=shop")


def docker_works(docker: Engine) -> None:
    """Expects that both are reached from outside, and reach it."""
    answers(8081, "plain")
    answers(8082, "shop")
    gets_out(docker.netns("plain"))
    gets_out(docker.netns("shop"))
