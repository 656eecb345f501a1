# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of inventories/three_nodes as QEMU processes on a bridge of the sandbox, and the way into them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import testinfra
from fleet import image
from other_kernel.guest import program
from testinfra.backend.base import CommandResult
from testinfra.host import Host
from vm import image as kernel

#: As the inventory has them.
ADDRESSES = {f"node{number}": f"192.0.2.{10 + number}" for number in (1, 2, 3)}
CONTROLLER, LENGTH, BRIDGE = "192.0.2.1", 24, "underlay"
MEBIBYTES = 768
BOOT_SECONDS = 240
COMMAND_SECONDS = 120
KERNEL_LINE = (
    "console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0 systemd.show_status=false "
    "systemd.hostname={name} systemd.machine_id={machine:032x} "
    "ip={address}::{gateway}:255.255.255.0::eth0:off"
)


class NotReadyError(Exception):
    """A machine does not do what it should; the message says what its console showed last."""


class Machine:
    """One QEMU process. Its disk is a copy that vanishes with it, but outlives a reboot."""

    def __init__(self, name: str, number: int, directory: Path) -> None:
        self.name = name
        self.address = ADDRESSES[name]
        self.console = directory / f"{name}.console"
        self.tap = f"tap{number}"
        self._number = number
        self._ssh = directory / "ssh_config"
        self._process: subprocess.Popen[bytes] | None = None
        self.host: Host = testinfra.get_host(f"ssh://{image.USER}@{self.address}", ssh_config=str(self._ssh), sudo=True)

    def start(self, accelerator: str) -> None:
        line = KERNEL_LINE.format(
            name=self.name, machine=0xC0DE00 + self._number, address=self.address, gateway=CONTROLLER
        )
        command = [
            *(program("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults", "-nographic"),
            *("-accel", accelerator, "-cpu", "max", "-smp", "1", "-m", f"{MEBIBYTES}M"),
            *("-kernel", str(kernel.SYSTEM / "kernel"), "-initrd", str(image.INITRAMFS), "-append", line),
            *("-drive", f"file={image.DISK},format=raw,if=virtio,snapshot=on,cache=unsafe"),
            *("-netdev", f"tap,id=underlay,ifname={self.tap},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=underlay,mac=52:54:00:00:02:{10 + self._number:02x}"),
            *("-device", "virtio-rng-pci", "-serial", f"file:{self.console}"),
        ]
        with self.console.with_suffix(".qemu").open("wb") as errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, command: str) -> CommandResult:
        """Run a command as root; one that hangs fails."""
        return self.host.run("timeout %s sh -c %s", str(COMMAND_SECONDS), command)

    def sh(self, script: str) -> str:
        """Run shell lines that must succeed; return what they print."""
        done = self.run("set -e\n" + script)
        assert done.rc == 0, f"{self.name}: {script}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def boot_id(self) -> str:
        """What tells one boot from another; '' where there is no answer."""
        # Not by a connection that is kept: after a reboot that would hang.
        words = ["ssh", "-F", str(self._ssh), "-o", "ControlPath=none", f"{image.USER}@{self.address}"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            asked = [*words, "cat /proc/sys/kernel/random/boot_id"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
            return done.stdout.strip()
        return ""

    def await_boot(self, other_than: str = "") -> None:
        """Wait until the machine lets somebody in, in another boot than that one, and all its units are started."""
        deadline = time.monotonic() + BOOT_SECONDS
        wait_until(deadline, self, "no answer by ssh", lambda: self.boot_id() not in ("", other_than))
        # A mask for what has failed is no business of ours: the tests look at the units that they need.
        wait_until(
            deadline,
            self,
            "units are still being started",
            lambda: self.host.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"),
        )

    def reboot(self) -> None:
        before = self.boot_id()
        self.host.run("systemctl reboot")
        self.hang_up()
        self.await_boot(other_than=before)

    def hang_up(self) -> None:
        """End the connection that is kept, if there is one."""
        words = ["ssh", "-F", str(self._ssh), "-O", "exit", f"{image.USER}@{self.address}"]
        subprocess.run(words, capture_output=True, timeout=30, check=False)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def last_words(self) -> str:
        said = b"".join(
            path.read_bytes() for path in (self.console, self.console.with_suffix(".qemu")) if path.exists()
        )
        return said.decode(errors="replace")[-3000:]


def wait_until(deadline: float, machine: Machine, problem: str, done: Callable[[], bool]) -> None:
    while not done():
        if not machine.is_running() or time.monotonic() > deadline:
            ended = "" if machine.is_running() else ", for the machine has ended"
            raise NotReadyError(f"{machine.name}: {problem}{ended}; its console:\n{machine.last_words()}")
        time.sleep(1)


@contextlib.contextmanager
def running(directory: Path) -> Iterator[dict[str, Machine]]:
    """All machines, booted; they end with this, and with the sandbox at the latest."""
    if "CONTAINERLAND_SANDBOX" not in os.environ:
        raise NotReadyError("the machines' network is made in a sandbox only: use scripts/test-vm")
    image.image()
    write_ssh_config(directory)
    accelerator = (kernel.CACHE / "accelerator").read_text()
    machines = {name: Machine(name, number, directory) for number, name in enumerate(ADDRESSES, 1)}
    make_underlay([machine.tap for machine in machines.values()])
    try:
        for machine in machines.values():
            machine.start(accelerator)
        with ThreadPoolExecutor(len(machines)) as pool:
            list(pool.map(Machine.await_boot, machines.values()))
        yield machines
    finally:
        for machine in machines.values():
            machine.hang_up()
            machine.end()


def make_underlay(taps: list[str]) -> None:
    """A bridge that the controller has an address on, and a port of it for each machine."""
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("address", "add", f"{CONTROLLER}/{LENGTH}", "dev", BRIDGE)
    for tap in taps:
        ip("tuntap", "add", "dev", tap, "mode", "tap")
        ip("link", "set", tap, "master", BRIDGE, "up")
    ip("link", "set", BRIDGE, "up")


def ip(*words: str) -> None:
    subprocess.run([program("ip", "iproute2"), *words], check=True, timeout=30)


def write_ssh_config(directory: Path) -> None:
    """For ssh, Ansible and testinfra: the key, the machines' key, and one connection that is kept."""
    known = directory / "known_hosts"
    kind, key = image.HOST_KEY.read_text().split()[:2]
    known.write_text("".join(f"{address} {kind} {key}\n" for address in ADDRESSES.values()))
    lines = {
        "IdentityFile": image.KEY,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": known,
        "GlobalKnownHostsFile": "/dev/null",
        "BatchMode": "yes",
        "ConnectTimeout": 10,
        "ServerAliveInterval": 5,
        "ServerAliveCountMax": 6,
        "ControlMaster": "auto",
        "ControlPath": directory / "%C",
        "ControlPersist": 600,
        "LogLevel": "ERROR",
    }
    text = "".join(f'{name} "{value}"\n' for name, value in lines.items())
    (directory / "ssh_config").write_text(text)
