# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers without a daemon of their own: LXC's, and those that systemd-nspawn registers with a real machined."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.foreign.engines import Engine
from tests.foreign.host import BUSYBOX, eventually
from tests.integration.support.kernel import sh

_BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


class Verbs(Engine):
    """An engine that is told `start`, `stop` and `restart` with the name of one that `run` has made."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        # They take the cgroup of process 1 for the root of all; here it is outside of what they may use.
        (directory / "cgroup").write_text("0::/\n")
        sh(f"mount --bind {directory}/cgroup /proc/1/cgroup")

    def __call__(self, *arguments: str) -> str:
        verb, name = arguments
        verbs: Mapping[str, Sequence[Callable[[str], None]]] = {
            "start": [self.begin],
            "stop": [self.end],
            "restart": [self.end, self.begin],
        }
        for step in verbs[verb]:
            step(name)
        return ""

    def begin(self, name: str) -> None:
        """Start it, and wait until it runs."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """Stop it, and wait until it is gone."""
        raise NotImplementedError

    def pid(self, name: str) -> str:
        """The process id of its first process; '' if it does not run."""
        raise NotImplementedError

    def stop(self) -> None:
        sh("umount /proc/1/cgroup")

    def netns(self, name: str) -> str:
        return f"/proc/{self.pid(name)}/ns/net"


class Lxc(Verbs):
    program = "lxc"
    _CONFIG = """lxc.rootfs.path = dir:{root}
lxc.uts.name = {name}
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
lxc.init.cmd = {command}
"""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        # Where lxc-info looks, as everybody's does who has configured nothing.
        os.makedirs("/var/lib/lxc", exist_ok=True)
        sh("mount -t tmpfs test /var/lib/lxc")

    def run(self, name: str, command: Sequence[str], *options: str) -> None:
        home = Path("/var/lib/lxc") / name
        _root(home / "rootfs")
        _script(home / "rootfs" / "start", command)
        config = self._CONFIG.format(root=home / "rootfs", name=name, command="/start")
        (home / "config").write_text(config)
        self.begin(name)

    def begin(self, name: str) -> None:
        sh(f"lxc-start --name {name} --logfile {self.directory}/lxc.log")
        eventually(lambda: bool(self.pid(name)), f"{name} does not run")

    def end(self, name: str) -> None:
        sh(f"lxc-stop --kill --name {name}")

    def pid(self, name: str) -> str:
        return sh(f"lxc-info --name {name} --pid --no-humanize").strip()

    def stop(self) -> None:
        for home in Path("/var/lib/lxc").iterdir():
            if self.pid(home.name):
                self.end(home.name)
        sh("umount /var/lib/lxc")
        super().stop()


class Nspawn(Verbs):
    """Each in a scope of its own, as systemd makes it; machined tells from that what belongs to a machine."""

    program = "machine"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}
        # Its programs work only where systemd has booted.
        for needed in ("/run/systemd/system", "/run/dbus"):
            os.makedirs(needed, exist_ok=True)
        (directory / "bus.conf").write_text(_BUS)
        bus = ["dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork", "--nopidfile"]
        self._daemons = [self._start(bus)]
        eventually(Path("/run/dbus/system_bus_socket").exists, "no bus")
        self._daemons.append(self._start(["/lib/systemd/systemd-machined"]))
        eventually(lambda: sh("machinectl list --no-legend || echo none") == "", "machined does not answer")

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with open(self.directory / "log", "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, name: str, command: Sequence[str], *options: str) -> None:
        root = self.directory / name
        _root(root)
        (root / "etc").mkdir()
        (root / "usr/lib").mkdir(parents=True)
        (root / "usr/lib/os-release").write_text("ID=test\n")
        self._commands[name] = ["--quiet", "--keep-unit", f"--directory={root}", "--private-network", *command]
        self.begin(name)

    def begin(self, name: str) -> None:
        scope = Path(f"/sys/fs/cgroup/machine.slice/machine-{name}.scope")
        scope.mkdir(parents=True, exist_ok=True)
        enter = f'echo $$ >{scope}/cgroup.procs; exec systemd-nspawn --machine={name} "$@"'
        self._started[name] = self._start(["sh", "-c", enter, "sh", *self._commands[name]])
        eventually(lambda: bool(self.pid(name)), f"{name} does not run")

    def end(self, name: str) -> None:
        os.kill(int(self.pid(name)), 9)
        self._started.pop(name).wait(30)
        eventually(lambda: not self.pid(name), f"{name} still runs")

    def pid(self, name: str) -> str:
        return sh(f"machinectl show --property=Leader --value {name} 2>/dev/null || true").strip()

    def stop(self) -> None:
        for name in list(self._started):
            self.end(name)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            daemon.wait(30)
        sh("rmdir /run/systemd/system")
        super().stop()


def _root(root: Path) -> None:
    """A file system with one program."""
    for name in ("bin", "dev", "proc", "run", "sys", "tmp", "var"):
        (root / name).mkdir(parents=True)
    sh(f"cp $(command -v busybox) {root}{BUSYBOX}")


def _script(path: Path, command: Sequence[str]) -> None:
    """What LXC takes for the first program has no arguments with spaces."""
    words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    path.write_text(f"#!{BUSYBOX} sh\nexec {words}\n")
    path.chmod(0o755)


MACHINES: Mapping[str, type[Engine]] = {"lxc": Lxc, "machine": Nspawn}
