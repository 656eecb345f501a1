# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of cases 1 to 4 by pyroute2 as its documentation shows: a call for each step, NetNS for what is inside.

Usage: python -m benchmarks.by_pyroute2 build|read N
"""

from __future__ import annotations

import socket
import sys

from pyroute2 import IPRoute, NetNS, netns

from benchmarks.node_network import PER_BRIDGE, address, bridges, gateway


def build(number: int) -> None:
    with IPRoute() as node:
        ports = {}
        for bridge in bridges(number):
            node.link("add", ifname=f"br{bridge}", kind="bridge")
            ports[bridge] = node.link_lookup(ifname=f"br{bridge}")[0]
            node.addr("add", index=ports[bridge], address=gateway(bridge), prefixlen=16)
            node.link("set", index=ports[bridge], state="up")
        for i in range(number):
            bridge, place = divmod(i, PER_BRIDGE)
            netns.create(f"c{i}")
            node.link("add", ifname=f"v{i}", kind="veth", peer={"ifname": "eth0", "net_ns_fd": f"c{i}"})
            port = node.link_lookup(ifname=f"v{i}")[0]
            node.link("set", index=port, master=ports[bridge], state="up")
            with NetNS(f"c{i}") as inside:
                inside.link("set", index=inside.link_lookup(ifname="lo")[0], state="up")
                eth0 = inside.link_lookup(ifname="eth0")[0]
                inside.addr("add", index=eth0, address=address(bridge, place).split("/", maxsplit=1)[0], prefixlen=16)
                inside.link("set", index=eth0, state="up")
                inside.route("add", dst="default", gateway=gateway(bridge))


def read(number: int) -> None:
    found = 0
    with IPRoute() as node:
        node.get_links()
        node.get_addr(family=socket.AF_INET)
    for i in range(number):
        with NetNS(f"c{i}", flags=0) as inside:
            inside.get_links()
            inside.get_addr(family=socket.AF_INET)
            found += len(list(inside.get_default_routes(family=socket.AF_INET)))
    if found != number:
        raise SystemExit(f"by_pyroute2: {found} default routes")


if __name__ == "__main__":
    {"build": build, "read": read}[sys.argv[1]](int(sys.argv[2]))
