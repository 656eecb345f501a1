# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of the lab and their containers as testinfra hosts, reached by nsenter(1), which is faster than Ansible."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from testinfra.backend.base import CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

NODES = Path("/run/containerland/nodes")
#: The inventory's name for the machine that the nodes are on.
SANDBOX = "localhost"


class NsenterBackend(LocalBackend):
    """Runs commands in the namespaces of a node, or in a network namespace that has a name there."""

    NAME = "nsenter"

    def __init__(self, node: str, container: str = "") -> None:
        super().__init__()
        self.where = f"{node}/{container}" if container else node
        self._enter: list[str] = []
        if node != SANDBOX:
            pid = (NODES / f"{node}.pid").read_text().strip()
            self._enter = ["nsenter", "--target", pid, "--net", "--mount", "--uts", "--ipc", "--pid", "--wd=/", "--"]
        if container:
            self._enter += ["nsenter", f"--net=/run/netns/{container}", "--"]

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        said = self.get_command(command, *args)
        return self.run_local(shlex.join([*self._enter, "sh", "-c", said]))


class Machine(Host):
    """A testinfra host that can also be asked in the kernel's words."""

    def __init__(self, node: str, container: str = "") -> None:
        super().__init__(NsenterBackend(node, container))
        self.name = self.backend.where
        self.node = node

    def inside(self, container: str) -> Machine:
        """A container of this node."""
        return Machine(self.node, container)

    def sh(self, script: str) -> str:
        """Runs shell lines that must succeed; returns what they print."""
        done = self.run("set -e\n" + script)
        assert done.rc == 0, f"{self.name}: {script}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def start(self, *command: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        """Starts a program in this network namespace. Killing it is the caller's matter."""
        # In a process namespace it would be a child of nsenter, and not die with it.
        pid = (NODES / f"{self.node}.pid").read_text().strip()
        container = self.backend.where.partition("/")[2]
        place = f"/proc/{pid}/root/run/netns/{container}" if container else f"/proc/{pid}/ns/net"
        return subprocess.Popen(["nsenter", f"--net={place}", "--", *command], stdin=subprocess.DEVNULL, stdout=stdout)

    def ask(self, command: str) -> Any:
        """What an `ip` or `bridge` command says as JSON, for example ``ask("ip route")``."""
        program, _space, rest = command.partition(" ")
        said = self.sh(f"{program} -d -j {rest}")
        return json.loads(said) if said.strip() else []

    def link(self, name: str) -> dict[str, Any]:
        """A link as `ip -d link` shows it."""
        found = self.ask(f"ip link show dev {name}")
        return dict(found[0])

    def addresses(self, device: str) -> list[str]:
        """Global addresses of a device, with their prefix lengths."""
        shown = self.ask(f"ip address show dev {device} scope global")
        return sorted(f"{a['local']}/{a['prefixlen']}" for link in shown for a in link.get("addr_info", []) if a)

    def route(self, destination: str) -> dict[str, Any]:
        """The only route to exactly this destination."""
        family = "-6" if ":" in destination else "-4"
        found = self.ask(f"ip {family} route show exact {destination}")
        assert len(found) == 1, f"{self.name}: routes to {destination}: {found}"
        return dict(found[0])

    def neighbors(self, device: str) -> dict[str, str]:
        """MACs of the permanent neighbours behind a device, by address."""
        found = self.ask(f"ip neigh show nud permanent dev {device}")
        return {entry["dst"]: entry["lladdr"] for entry in found}

    def forwarding(self, device: str) -> set[tuple[str, str]]:
        """(MAC, where to) of the permanent entries of a VXLAN device's own forwarding table."""
        found = self.ask(f"bridge fdb show dev {device}")
        return {(entry["mac"], entry["dst"]) for entry in found if "dst" in entry and entry["state"] == "permanent"}

    def ping(self, address: str, *, size: int = 56) -> int:
        """TTL of the first answer to unfragmented pings of so many bytes; 0 without an answer for ten seconds."""
        done = self.run(f"ping -n -c 1 -w 10 -M do -s {size} {address}")
        found = [word for word in done.stdout.split() if word.startswith("ttl=")]
        return int(found[0][4:]) if found else 0


def machines() -> dict[str, Machine]:
    """All nodes of the lab that run, the client included."""
    return {path.stem: Machine(path.stem) for path in sorted(NODES.glob("*.pid"))}
