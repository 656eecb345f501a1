# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every packed message equals pyroute2's, byte for byte."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import (
    messages,
    packed,
    pyroute2_classes,
    wire,
)

NESTED = 0x8000
ADD, REPLACE, APPEND = 0x600, 0x500, 0xC00
MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
SIX = "2001:db8::1"
KIND, VETH_DATA = ("IFLA_INFO_KIND", "veth"), "IFLA_INFO_DATA"

rt = "pyroute2.netlink.rtnl"
LINK, ADDRESS, ROUTE = f"{rt}.ifinfmsg", f"{rt}.ifaddrmsg", f"{rt}.rtmsg"
NEIGHBOR, NSID = f"{rt}.ndmsg", f"{rt}.nsidmsg"


def pyroute2(module: str, kind: int, flags: int, fields: dict[str, Any], *attributes: Any) -> bytes:
    message_class = pyroute2_classes.load(module, module.rpartition(".")[2])
    return messages.encode(message_class, kind, flags, fields, attributes)


def nested(*attributes: Any) -> dict[str, Any]:
    return {"attrs": list(attributes)}


def veth(*peer: Any, peer_index: int = 0) -> tuple[str, Any]:
    end = {"index": peer_index, "attrs": list(peer)}
    return ("IFLA_LINKINFO", nested(KIND, (VETH_DATA, nested(("VETH_INFO_PEER", end)))))


Spec = packed.RouteSpec
LINKS = {
    "veth": (
        packed.veth_create("web1", "eth0"),
        (16, ADD, {}, ("IFLA_IFNAME", "web1"), veth(("IFLA_IFNAME", "eth0"))),
    ),
    "veth, all options": (
        packed.veth_create(
            "web1",
            "eth0",
            index=7,
            peer_index=2,
            netns_fd=8,
            peer_netns_fd=9,
            mac=MAC,
            peer_mac=FAR_MAC,
            mtu=1450,
            peer_mtu=1400,
            master=3,
            up=True,
            txqueuelen=10,
            peer_txqueuelen=20,
            group=4,
            peer_group=5,
        ),
        (
            16,
            ADD,
            {"index": 7, "flags": 1, "change": 1},
            ("IFLA_IFNAME", "web1"),
            ("IFLA_ADDRESS", MAC),
            ("IFLA_MTU", 1450),
            ("IFLA_TXQLEN", 10),
            ("IFLA_GROUP", 4),
            ("IFLA_NET_NS_FD", 8),
            ("IFLA_MASTER", 3),
            veth(
                ("IFLA_IFNAME", "eth0"),
                ("IFLA_ADDRESS", FAR_MAC),
                ("IFLA_MTU", 1400),
                ("IFLA_TXQLEN", 20),
                ("IFLA_GROUP", 5),
                ("IFLA_NET_NS_FD", 9),
                peer_index=2,
            ),
        ),
    ),
    "set": (
        packed.link_set(5, name="x", mac=MAC, mtu=9, master=0, up=False, netns_fd=3, txqueuelen=1, group=2, alias=""),
        (
            16,
            0,
            {"index": 5, "change": 1},
            ("IFLA_IFNAME", "x"),
            ("IFLA_ADDRESS", MAC),
            ("IFLA_MTU", 9),
            ("IFLA_TXQLEN", 1),
            ("IFLA_GROUP", 2),
            ("IFLA_NET_NS_FD", 3),
            ("IFLA_MASTER", 0),
            ("IFLA_IFALIAS", ""),
        ),
    ),
    "addrgenmode": (
        packed.link_set(5, addrgenmode=1),
        (
            16,
            0,
            {"index": 5},
            ("IFLA_AF_SPEC", nested(("AF_INET6", nested(("IFLA_INET6_ADDR_GEN_MODE", 1))))),
        ),
    ),
    "port": (
        packed.port_set(5, hairpin=True, isolated=False, neigh_suppress=True, learning=False),
        (
            19,
            0,
            {"family": 7, "index": 5},
            (
                "IFLA_PROTINFO",
                nested(
                    ("IFLA_BRPORT_MODE", 1),
                    ("IFLA_BRPORT_ISOLATED", 0),
                    ("IFLA_BRPORT_NEIGH_SUPPRESS", 1),
                    ("IFLA_BRPORT_LEARNING", 0),
                ),
                NESTED,
            ),
        ),
    ),
    "delete": (packed.link_delete(5), (17, 0, {"index": 5})),
    "delete group": (packed.link_delete_group(6), (17, 0, {}, ("IFLA_GROUP", 6))),
    "dump": (packed.dump_links(), (18, 0, {}, ("IFLA_EXT_MASK", 8))),
    "dump ports": (packed.dump_links(2, 7), (18, 0, {"family": 7}, ("IFLA_EXT_MASK", 2))),
    "dump of a master": (packed.dump_links(0, master=4), (18, 0, {}, ("IFLA_MASTER", 4))),
    "get": (packed.get_link("web1"), (18, 0, {}, ("IFLA_EXT_MASK", 8), ("IFLA_IFNAME", "web1"))),
    "get by index": (packed.get_link(index=4), (18, 0, {"index": 4}, ("IFLA_EXT_MASK", 8))),
}
ADDRESSES = {
    "new": (
        packed.address_new(3, "10.0.0.1/24"),
        (
            20,
            ADD,
            {"family": 2, "prefixlen": 24, "index": 3},
            ("IFA_LOCAL", "10.0.0.1"),
            ("IFA_ADDRESS", "10.0.0.1"),
        ),
    ),
    "loopback": (
        packed.address_new(1, "127.0.0.2"),
        (
            20,
            ADD,
            {"family": 2, "prefixlen": 32, "index": 1, "scope": 254},
            ("IFA_LOCAL", "127.0.0.2"),
            ("IFA_ADDRESS", "127.0.0.2"),
        ),
    ),
    "peer": (
        packed.address_new(
            3,
            "10.0.0.1",
            peer="10.0.0.2/31",
            broadcast="10.0.0.3",
            label="a:b",
            scope=253,
            replace=True,
        ),
        (
            20,
            REPLACE,
            {"family": 2, "prefixlen": 31, "index": 3, "scope": 253},
            ("IFA_LOCAL", "10.0.0.1"),
            ("IFA_ADDRESS", "10.0.0.2"),
            ("IFA_BROADCAST", "10.0.0.3"),
            ("IFA_LABEL", "a:b"),
        ),
    ),
    "IPv6": (
        packed.address_new(3, f"{SIX}/64", nodad=True),
        (
            20,
            ADD,
            {"family": 10, "prefixlen": 64, "flags": 2, "index": 3},
            ("IFA_LOCAL", SIX),
            ("IFA_ADDRESS", SIX),
        ),
    ),
    "delete": (
        packed.address_delete(3, "10.0.0.1/24"),
        (
            21,
            0,
            {"family": 2, "prefixlen": 24, "index": 3},
            ("IFA_LOCAL", "10.0.0.1"),
            ("IFA_ADDRESS", "10.0.0.1"),
        ),
    ),
    "dump": (packed.dump_addresses(3), (22, 0, {"index": 3})),
}
V4 = {"family": 2, "table": 254, "proto": 4, "type": 1}
V6 = {**V4, "family": 10}
ROUTES = {
    "gateway": (
        packed.route_new(
            Spec("10.1.0.0/16", "10.0.0.1", 3, metric=5, source="10.0.0.9", mtu=1400, onlink=True, tos=8),
        ),
        (
            24,
            ADD,
            {**V4, "dst_len": 16, "flags": 4, "tos": 8},
            ("RTA_DST", "10.1.0.0"),
            ("RTA_GATEWAY", "10.0.0.1"),
            ("RTA_OIF", 3),
            ("RTA_PRIORITY", 5),
            ("RTA_PREFSRC", "10.0.0.9"),
            ("RTA_METRICS", nested(("RTAX_MTU", 1400))),
        ),
    ),
    "default": (packed.route_new(Spec("0.0.0.0/0", "10.0.0.1")), (24, ADD, V4, ("RTA_GATEWAY", "10.0.0.1"))),
    "direct": (
        packed.route_new(Spec("10.1.0.0/16", oif=3), replace=True),
        (24, REPLACE, {**V4, "dst_len": 16, "scope": 253}, ("RTA_DST", "10.1.0.0"), ("RTA_OIF", 3)),
    ),
    "large table": (
        packed.route_new(Spec("10.1.0.1", oif=3, table=1000, protocol=3)),
        (
            24,
            ADD,
            {**V4, "table": 0, "proto": 3, "dst_len": 32, "scope": 253},
            ("RTA_DST", "10.1.0.1"),
            ("RTA_OIF", 3),
            ("RTA_TABLE", 1000),
        ),
    ),
    "local": (
        packed.route_new(Spec("10.1.0.1", oif=1, type=packed.RTN_LOCAL)),
        (
            24,
            ADD,
            {**V4, "table": 255, "type": 2, "dst_len": 32, "scope": 254},
            ("RTA_DST", "10.1.0.1"),
            ("RTA_OIF", 1),
        ),
    ),
    "blackhole": (
        packed.route_new(Spec("2001:db8::/32", type=packed.RTN_BLACKHOLE)),
        (24, ADD, {**V6, "type": 6, "dst_len": 32}, ("RTA_DST", "2001:db8::")),
    ),
    "via IPv6": (
        packed.route_new(Spec("0.0.0.0/0", SIX, 3)),
        (24, ADD, V4, ("RTA_VIA", {"family": 10, "addr": SIX}), ("RTA_OIF", 3)),
    ),
    "nexthops": (
        packed.route_new(
            Spec("::/0", nexthops=(packed.Nexthop(SIX, 3, 1, 0), packed.Nexthop("fd00::2", 4, 5, 4))),
        ),
        (
            24,
            ADD,
            V6,
            (
                "RTA_MULTIPATH",
                [
                    {"oif": 3, "hops": 0, "flags": 0, "attrs": [("RTA_GATEWAY", SIX)]},
                    {"oif": 4, "hops": 4, "flags": 4, "attrs": [("RTA_GATEWAY", "fd00::2")]},
                ],
            ),
        ),
    ),
    "delete": (
        packed.route_delete(Spec("10.1.0.0/16", oif=3)),
        (25, 0, {**V4, "proto": 0, "dst_len": 16, "scope": 255}, ("RTA_DST", "10.1.0.0"), ("RTA_OIF", 3)),
    ),
    "dump": (packed.dump_routes(2), (26, 0, {"family": 2})),
    "dump a table": (packed.dump_routes(10, 1000), (26, 0, {"family": 10}, ("RTA_TABLE", 1000))),
}
FDB = {"family": 7, "ifindex": 3, "flags": 2, "state": 128}
NEIGHBORS = {
    "new": (
        packed.neighbor_new(3, "10.0.0.1", MAC, replace=True),
        (
            28,
            REPLACE,
            {"family": 2, "ifindex": 3, "state": 128},
            ("NDA_DST", "10.0.0.1"),
            ("NDA_LLADDR", MAC),
        ),
    ),
    "proxy": (
        packed.neighbor_new(3, SIX, state=0, flags=packed.NTF_PROXY),
        (28, ADD, {"family": 10, "ifindex": 3, "flags": 8}, ("NDA_DST", SIX)),
    ),
    "delete": (packed.neighbor_delete(3, SIX), (29, 0, {"family": 10, "ifindex": 3}, ("NDA_DST", SIX))),
    "dump": (packed.dump_neighbors(3), (30, 0, {}, ("NDA_IFINDEX", 3))),
    "dump proxies": (packed.dump_neighbors(family=2, proxy=True), (30, 0, {"family": 2, "flags": 8})),
    "fdb": (
        packed.fdb_new(3, MAC, destination="192.0.2.1", vlan=5, vni=9, port=4789, via=4),
        (
            28,
            ADD,
            FDB,
            ("NDA_LLADDR", MAC),
            ("NDA_DST", "192.0.2.1"),
            ("NDA_VLAN", 5),
            ("NDA_PORT", 4789),
            ("NDA_VNI", 9),
            ("NDA_IFINDEX", 4),
        ),
    ),
    "fdb append": (
        packed.fdb_new(3, MAC, destination=SIX, append=True),
        (28, APPEND, FDB, ("NDA_LLADDR", MAC), ("NDA_DST", SIX)),
    ),
    "fdb of a bridge": (
        packed.fdb_new(3, MAC, state=packed.NUD_NOARP, flags=packed.NTF_MASTER, replace=True),
        (28, REPLACE, {**FDB, "flags": 4, "state": 64}, ("NDA_LLADDR", MAC)),
    ),
    "fdb delete": (
        packed.fdb_delete(3, MAC, destination="192.0.2.1"),
        (29, 0, FDB, ("NDA_LLADDR", MAC), ("NDA_DST", "192.0.2.1")),
    ),
    "fdb dump": (packed.dump_fdb(3, 4), (30, 0, {"family": 7}, ("NDA_IFINDEX", 3), ("NDA_MASTER", 4))),
}
TABLES = ((LINK, LINKS), (ADDRESS, ADDRESSES), (ROUTE, ROUTES), (NEIGHBOR, NEIGHBORS))
CASES = [
    pytest.param(module, *case, id=f"{module.rpartition('.')[2]} {name}")
    for module, table in TABLES
    for name, case in table.items()
]


@pytest.mark.parametrize(("module", "ours", "theirs"), CASES)
def test_encoders_equal_pyroute2(module: str, ours: bytes, theirs: tuple[Any, ...]) -> None:
    kind, flags, fields, *attributes = theirs
    assert ours == pyroute2(module, kind, flags, fields, *attributes)


def test_namespace_id_equals_pyroute2() -> None:
    assert packed.get_netnsid(5) == pyroute2(NSID, 90, 0, {}, ("NETNSA_FD", 5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: packed.address_new(1, "10.0.0.1/33"),
        lambda: packed.address_new(1, "10.0.0.1/24\n"),
        lambda: packed.address_new(1, "10.0.0.1/24", peer="fd00::1"),
        lambda: packed.neighbor_new(1, "10.0.0", MAC),
        lambda: packed.neighbor_new(1, "10.0.0.1", "02:00:00:00:00"),
        lambda: packed.route_new(Spec("default")),
        lambda: packed.route_new(Spec("10.0.0.0/8", source="fd00::1")),
    ],
)
def test_encoders_refuse_what_is_no_address(call: Callable[[], bytes]) -> None:
    with pytest.raises(InputError):
        call()


def test_group_of_all_links_is_never_deleted() -> None:
    with pytest.raises(ValueError):
        packed.link_delete_group(0)


def test_attributes_of_broken_length_end_the_parse() -> None:
    assert wire.attributes(struct.pack("=HHI", 8, 1, 7) + struct.pack("=HH", 0, 2), 0) == {1: b"\7\0\0\0"}


def test_pyroute2_is_not_imported_before_it_is_needed() -> None:
    base = packed.__name__.rpartition(".")[0]
    modules = "messages, netlink, netns, packed, rules, sysctl, wireguard"
    code = f"import sys; from {base} import {modules}; sys.exit('pyroute2' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
