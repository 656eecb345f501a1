# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of cases 1 to 4, in the words of everyone who builds it.

N containers: a namespace c<i>, a veth pair v<i> - eth0, the near end a port of bridge br<i / 1000>, an address, a
default route by the bridge, all up. `floor/node.c` builds the same, and checks everybody's work.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PER_BRIDGE = 1000
CNI = "/usr/lib/cni"


def gateway(bridge: int) -> str:
    return f"10.{bridge}.0.1"


def address(bridge: int, place: int) -> str:
    return f"10.{bridge}.{(place + 2) >> 8}.{(place + 2) & 255}/16"


def bridges(number: int) -> range:
    return range((number + PER_BRIDGE - 1) // PER_BRIDGE)


def topology(number: int, spare: bool = False) -> dict[str, Any]:
    """Options of the module; with `spare`, a container of another name in place of the last one."""
    found: dict[str, Any] = {"name": "bench", "namespaces": [], "bridge": [], "veth": [], "route": []}
    for bridge in bridges(number):
        found["bridge"].append({"name": f"br{bridge}", "addresses": [f"{gateway(bridge)}/16"]})
    for i in range(number):
        bridge, place = divmod(i, PER_BRIDGE)
        name, port = f"c{i}", f"v{i}"
        if spare and i == number - 1:
            name, port, place = "spare", "vspare", PER_BRIDGE + 5
        peer = {"name": "eth0", "netns": name, "addresses": [address(bridge, place)]}
        found["namespaces"].append({"name": name})
        found["veth"].append({"name": port, "master": f"br{bridge}", "peer": peer})
        found["route"].append({"netns": name, "dest": "default", "gateway": gateway(bridge)})
    return found


def _on_bridges(number: int) -> Iterator[str]:
    for bridge in bridges(number):
        yield f"link add br{bridge} type bridge"
        yield f"addr add {gateway(bridge)}/16 dev br{bridge}"
        yield f"link set br{bridge} up"


def _near(i: int) -> Iterator[str]:
    yield f"netns add c{i}"
    yield f"link add v{i} type veth peer name eth0 netns c{i}"
    yield f"link set v{i} master br{i // PER_BRIDGE}"


def _inside(i: int) -> Iterator[str]:
    bridge, place = divmod(i, PER_BRIDGE)
    yield "link set lo up"
    yield f"addr add {address(bridge, place)} dev eth0"
    yield "link set eth0 up"
    yield f"route add default via {gateway(bridge)}"


def _batch(command: str, lines: Iterator[str]) -> str:
    return "\n".join((f"{command} -batch - <<'END'", *lines, "END"))


def ip_batch(number: int, ports_last: bool = False) -> str:
    """A shell script: one batch on the node, one in each container; ports up at once, or all at the end."""

    def on_node() -> Iterator[str]:
        yield from _on_bridges(number)
        for i in range(number):
            yield from _near(i)
            if not ports_last:
                yield f"link set v{i} up"

    scripts = [_batch("ip", on_node()), *(_batch(f"ip -n c{i}", _inside(i)) for i in range(number))]
    if ports_last:
        scripts.append(_batch("ip", (f"link set v{i} up" for i in range(number))))
    return "\n".join(["set -e", *scripts, ""])


def ip_commands(number: int) -> str:
    """A shell script: one `ip` for each step, one container after the other."""
    commands = [f"ip {line}" for line in _on_bridges(number)]
    for i in range(number):
        commands += [f"ip {line}" for line in _near(i)]
        commands.append(f"ip link set v{i} up")
        commands += [f"ip -n c{i} {line}" for line in _inside(i)]
    return "\n".join(["set -e", *commands, ""])


def ip_read(number: int) -> str:
    """A shell script that prints what a comparison would have to look at."""
    commands = ["ip -j link", "ip -j -4 addr"]
    for i in range(number):
        commands += [f"ip -n c{i} -j link", f"ip -n c{i} -j -4 addr", f"ip -n c{i} -j -4 route"]
    return "\n".join(["set -e", *commands, ""])


def ip_remove(number: int) -> str:
    """A shell script that ends when the last link is gone."""
    commands = [f"ip netns delete c{i}" for i in range(number)]
    commands += ["while ip -br link show type veth | grep -q .; do sleep 0.01; done"]
    commands += [f"ip link delete br{bridge}" for bridge in bridges(number)]
    return "\n".join(["set -e", *commands, ""])


def cni(number: int) -> str:
    """A shell script that calls CNI plugins as a container runtime does: `loopback`, and `bridge` with `host-local`."""
    directory = Path(tempfile.mkdtemp(prefix="cni-"))
    (directory / "lo").write_text(json.dumps({"cniVersion": "0.4.0", "name": "lo", "type": "loopback"}))
    for bridge in bridges(number):
        subnet = {"subnet": f"10.{bridge}.0.0/16", "rangeStart": f"10.{bridge}.0.2", "gateway": gateway(bridge)}
        config = {
            "cniVersion": "0.4.0",
            "name": f"br{bridge}",
            "type": "bridge",
            "bridge": f"br{bridge}",
            "isGateway": True,
            "isDefaultGateway": True,
            "ipam": {"type": "host-local", "dataDir": str(directory / "addresses"), "ranges": [[subnet]]},
        }
        (directory / f"br{bridge}").write_text(json.dumps(config))
    commands = [f"export CNI_COMMAND=ADD CNI_PATH={CNI}"]
    for i in range(number):
        commands.append(f"ip netns add c{i}")
        call = f"CNI_CONTAINERID=c{i} CNI_NETNS=/run/netns/c{i}"
        commands.append(f"{call} CNI_IFNAME=lo {CNI}/loopback <{directory}/lo >/dev/null")
        commands.append(f"{call} CNI_IFNAME=eth0 {CNI}/bridge <{directory}/br{i // PER_BRIDGE} >/dev/null")
    return "\n".join(["set -e", *commands, ""])
