# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parser reads what pyroute2 reads, from the encoders and from the kernel."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import (
    messages,
    netlink,
    netns,
    packed,
)

MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

Spec = packed.RouteSpec

rt = "pyroute2.netlink.rtnl"
LINK, ADDRESS, ROUTE, NEIGHBOR = f"{rt}.ifinfmsg", f"{rt}.ifaddrmsg", f"{rt}.rtmsg", f"{rt}.ndmsg"

# Field of the row → (field or attribute of pyroute2's message, what it is if missing).
READ: dict[str, tuple[Callable[[bytes], Any], dict[str, tuple[str, Any]]]] = {
    LINK: (
        packed.parse_link,
        {
            "index": ("index", 0), "name": ("IFLA_IFNAME", ""), "flags": ("flags", 0), "mtu": ("IFLA_MTU", 0),
            "mac": ("IFLA_ADDRESS", ""), "broadcast": ("IFLA_BROADCAST", ""), "master": ("IFLA_MASTER", 0),
            "link": ("IFLA_LINK", None), "link_netnsid": ("IFLA_LINK_NETNSID", None),
            "group": ("IFLA_GROUP", 0),
            "txqueuelen": ("IFLA_TXQLEN", 0), "alias": ("IFLA_IFALIAS", ""),
            "kind": ("IFLA_LINKINFO/IFLA_INFO_KIND", ""),
            "slave_kind": ("IFLA_LINKINFO/IFLA_INFO_SLAVE_KIND", ""),
            "addrgenmode": ("IFLA_AF_SPEC/AF_INET6/IFLA_INET6_ADDR_GEN_MODE", None),
        },
    ),
    ADDRESS: (
        packed.parse_address,
        {
            "index": ("index", 0), "family": ("family", 0), "prefixlen": ("prefixlen", 0),
            "scope": ("scope", 0),
            "flags": ("IFA_FLAGS", 0), "label": ("IFA_LABEL", ""), "broadcast": ("IFA_BROADCAST", None),
        },
    ),
    ROUTE: (
        packed.parse_route,
        {
            "family": ("family", 0), "table": ("RTA_TABLE", 0), "protocol": ("proto", 0),
            "scope": ("scope", 0),
            "type": ("type", 0), "tos": ("tos", 0), "metric": ("RTA_PRIORITY", 0),
            "gateway": ("RTA_GATEWAY", None),
            "oif": ("RTA_OIF", 0), "source": ("RTA_PREFSRC", None), "flags": ("flags", 0),
            "mtu": ("RTA_METRICS/RTAX_MTU", 0),
        },
    ),
    NEIGHBOR: (
        packed.parse_neighbor,
        {
            "index": ("ifindex", 0), "family": ("family", 0), "address": ("NDA_DST", ""),
            "mac": ("NDA_LLADDR", ""),
            "state": ("state", 0), "flags": ("flags", 0),
        },
    ),
    "fdb": (
        packed.parse_fdb,
        {
            "index": ("ifindex", 0), "mac": ("NDA_LLADDR", ""), "destination": ("NDA_DST", None),
            "vlan": ("NDA_VLAN", 0), "vni": ("NDA_VNI", 0), "port": ("NDA_PORT", 0),
            "via": ("NDA_IFINDEX", 0),
            "state": ("state", 0), "flags": ("flags", 0), "master": ("NDA_MASTER", 0),
        },
    ),
}  # fmt: skip


def check_row(what: str, raw: bytes) -> Any:
    """The row, which has to say what pyroute2 says."""
    module = NEIGHBOR if what == "fdb" else what
    parse, fields = READ[what]
    row = parse(raw)
    message = getattr(importlib.import_module(module), module.rpartition(".")[2])(raw)
    message.decode()
    theirs = {name: _read(message, path, missing) for name, (path, missing) in fields.items()}
    assert {name: getattr(row, name) for name in fields} == theirs
    return row


def _read(message: Any, path: str, missing: Any) -> Any:
    if path.islower():
        return message[path]
    for part in path.split("/"):
        message = message.get_attr(part) if message is not None else None
    return missing if message is None else message


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        (LINK, packed.link_set(5, name="x", mac=MAC, mtu=9, master=4, up=True, group=2, alias="an x")),
        (NEIGHBOR, packed.neighbor_new(3, "10.0.0.1", MAC)),
        (NEIGHBOR, packed.neighbor_new(3, "2001:db8::1", state=0, flags=packed.NTF_PROXY)),
        ("fdb", packed.fdb_new(3, MAC, destination="192.0.2.1", vlan=5, vni=9, port=4789, via=4)),
        ("fdb", packed.fdb_new(3, MAC, destination="2001:db8::1", append=True)),
    ],
)
def test_parsers_read_what_the_encoders_write(what: str, raw: bytes) -> None:
    check_row(what, raw)


def test_parsers_equal_pyroute2_on_what_the_kernel_says(private: None) -> None:
    fd = netns.create("far")
    with netlink.Socket() as sock:
        rows = _rich_setup(sock, fd)
        dumps = [
            (LINK, packed.dump_links()), (ADDRESS, packed.dump_addresses()), (ROUTE, packed.dump_routes(2)),
            (ROUTE, packed.dump_routes(10)), (NEIGHBOR, packed.dump_neighbors()), ("fdb", packed.dump_fdb()),
        ]  # fmt: skip
        for what, request in dumps:
            rows[what] = rows.get(what, []) + [check_row(what, raw) for raw in sock.dump(request)]
        assert len(rows[LINK]) == 6 and len(rows["fdb"]) > 4
    routes = {(row.dst, row.table): row for row in rows[ROUTE]}
    assert routes["198.51.100.0/24", 1000].mtu == 1400
    # Without the flags: whether a hop's link counts as down yet is a matter of timing.
    hops = [hop[:3] for hop in routes["203.0.113.0/24", 254].nexthops]
    assert hops == [("10.0.0.8", rows["web1"], 1), ("fd00::8", rows["web1"], 3)]
    assert routes["0.0.0.0/0", 254].via == "fd00::9"
    addresses = {row.address: row for row in rows[ADDRESS]}
    assert addresses["10.7.0.1"].peer == "10.7.0.2" and addresses["10.0.0.1"].peer is None


def _rich_setup(sock: netlink.Socket, fd: int) -> dict[str, Any]:
    """web1 (a port of br0) with its peer in another namespace, vx0, and entries of every kind."""
    create = [
        messages.encode_link("br0", kind="bridge", info=[("IFLA_BR_STP_STATE", 0)], create=True, up=True),
        messages.encode_link(
            "vx0", kind="vxlan", info=[("IFLA_VXLAN_ID", 5), ("IFLA_VXLAN_PORT", 4789)], create=True, up=True
        ),
        packed.veth_create("web1", "eth0", peer_index=2, peer_netns_fd=fd, mac=MAC, group=5, up=True),
        packed.veth_create("web2", "eth0", peer_netns_fd=fd),
    ]
    # The second peer's name is taken in there.
    assert [error and error.errno for error in sock.send(create)] == [None, None, None, 17]
    index = {row.name: row.index for row in map(packed.parse_link, sock.dump(packed.dump_links()))}
    web, vx = index["web1"], index["vx0"]
    via6 = packed.Nexthop("fd00::8", web, 3, 0)
    fill = [
        packed.veth_create("port", "other", master=index["br0"]),
        packed.link_set(web, alias="the web", txqueuelen=3),
        packed.address_new(web, "10.0.0.1/24", broadcast="10.0.0.255"),
        packed.address_new(web, "10.7.0.1", peer="10.7.0.2/31", label="web1:x"),
        packed.address_new(web, "fd00::1/64", nodad=True),
        packed.route_new(Spec("198.51.100.0/24", "10.0.0.2", metric=5, table=1000, mtu=1400, source="10.0.0.1")),
        packed.route_new(Spec("203.0.113.0/24", nexthops=(packed.Nexthop("10.0.0.8", 0, 1, 0), via6))),
        packed.route_new(Spec("192.0.2.0/24", "10.99.0.1", web, onlink=True)),
        packed.route_new(Spec("0.0.0.0/0", "fd00::9", web)),
        packed.route_new(Spec("::/0", "fd00::9")),
        packed.route_new(Spec("10.200.0.0/16", type=packed.RTN_BLACKHOLE)),
        packed.neighbor_new(web, "10.0.0.9", MAC),
        packed.neighbor_new(web, "fd00::9", MAC, flags=packed.NTF_ROUTER),
        packed.fdb_new(vx, MAC, destination="192.0.2.1"),
        packed.fdb_new(vx, FAR_MAC, destination="192.0.2.2", port=99, vni=7),
        packed.fdb_new(vx, "00:00:00:00:00:00", destination="192.0.2.1", append=True),
        packed.fdb_new(vx, "00:00:00:00:00:00", destination="192.0.2.2", append=True),
        packed.link_delete(packed.parse_link(sock.query(packed.get_link("lo"))[0]).index),
    ]
    assert [error and error.errno for error in sock.send(fill)] == [None] * 17 + [95]
    return {"web1": web}
