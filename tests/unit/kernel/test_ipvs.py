# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of IPVS, beside pyroute2's encoding of the same, and what is made of the kernel's answers."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import ipvs, wire
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.ipvs import ServiceId
from pyroute2.netlink.generic import ipvs as pyroute2_ipvs  # since 0.8.1

FAMILY = 0x23
FOUR = ServiceId("tcp", "10.96.0.10", 80)
SIX = ServiceId("udp", "fd00:96::10", 53, family=wire.AF_INET6)
MARK = ServiceId(fwmark=7, family=wire.AF_INET6)
VALUES = {"scheduler": "mh", "flags": 0x13, "timeout": 300, "netmask": 24, "engine": ""}
SERVER = {
    "method": "tunneling",
    "weight": 3,
    "upper": 9,
    "lower": 5,
    "tunnel_type": "gue",
    "tunnel_port": 6080,
    "tunnel_checksum": "csum",
}


def theirs(command: int, *parts: tuple[str, dict[str, Any]]) -> bytes:
    message = pyroute2_ipvs.ipvsmsg()
    message["header"]["type"] = FAMILY
    message["header"]["flags"] = 0
    message["cmd"], message["version"] = command, 1
    message["attrs"] = [(f"IPVS_CMD_ATTR_{name}", {"attrs": list(attributes.items())}) for name, attributes in parts]
    message.encode()
    return bytes(message.data)


def without_nested_flag(message: bytes) -> bytes:
    """pyroute2 does not mark what is nested, which the kernel does not mind."""
    changed = bytearray(message)
    at = 20
    while at < len(changed):
        length, kind = struct.unpack_from("=HH", changed, at)
        struct.pack_into("=H", changed, at + 2, kind & 0x3FFF)
        at += length + 3 & ~3
    return bytes(changed)


def service_attributes(service: ServiceId) -> dict[str, Any]:
    if service.fwmark:
        return {"IPVS_SVC_ATTR_AF": service.family, "IPVS_SVC_ATTR_FWMARK": service.fwmark}
    return {
        "IPVS_SVC_ATTR_AF": service.family,
        "IPVS_SVC_ATTR_PROTOCOL": ipvs.PROTOCOLS[service.protocol],
        "IPVS_SVC_ATTR_ADDR": service.address,
        "IPVS_SVC_ATTR_PORT": service.port,
    }


def padded(message: bytes, address: str) -> bytes:
    """pyroute2 sends the four bytes of an IPv4 address; ipvsadm, and we, the whole union."""
    raw = wire.ip_bytes(address)[1]
    if len(raw) == 16:
        return message
    short, long = struct.pack("=HH", 8, 3) + raw, struct.pack("=HH", 20, 3) + raw.ljust(16, b"\0")
    assert short in message
    whole = bytearray(message.replace(short, long))
    struct.pack_into("=I", whole, 0, len(whole))
    struct.pack_into("=H", whole, 20, len(whole) - 20)
    return bytes(whole)


@pytest.mark.parametrize("service", [FOUR, SIX, MARK])
def test_naming_a_service(service: ServiceId) -> None:
    expected = theirs(3, ("SERVICE", service_attributes(service)))
    expected = padded(expected, service.address) if service.address else expected
    assert without_nested_flag(ipvs.delete_service(FAMILY, service)) == expected


def test_a_whole_service() -> None:
    expected = theirs(
        1,
        (
            "SERVICE",
            {
                **service_attributes(FOUR),
                "IPVS_SVC_ATTR_SCHED_NAME": "mh",
                "IPVS_SVC_ATTR_FLAGS": {"flags": 0x13, "mask": 0xFFFFFFFF},
                "IPVS_SVC_ATTR_TIMEOUT": 300,
                "IPVS_SVC_ATTR_NETMASK": "255.255.255.0",
            },
        ),
    )
    assert without_nested_flag(ipvs.new_service(FAMILY, FOUR, VALUES)) == padded(expected, FOUR.address)


def test_a_whole_server() -> None:
    server = {
        "IPVS_DEST_ATTR_ADDR_FAMILY": wire.AF_INET6,
        "IPVS_DEST_ATTR_ADDR": "fd00::9",
        "IPVS_DEST_ATTR_PORT": 53,
        "IPVS_DEST_ATTR_FWD_METHOD": 2,
        "IPVS_DEST_ATTR_WEIGHT": 3,
        "IPVS_DEST_ATTR_U_THRESH": 9,
        "IPVS_DEST_ATTR_L_THRESH": 5,
        "IPVS_DEST_ATTR_TUN_TYPE": 1,
        "IPVS_DEST_ATTR_TUN_PORT": struct.unpack("=H", struct.pack("!H", 6080))[0],
        "IPVS_DEST_ATTR_TUN_FLAGS": 1,
    }
    expected = theirs(5, ("SERVICE", service_attributes(SIX)), ("DEST", server))
    assert without_nested_flag(ipvs.new_server(FAMILY, SIX, "[fd00::9]:53", SERVER)) == expected


@pytest.mark.parametrize("service", [FOUR, SIX, MARK, ServiceId("sctp", "10.0.0.1", 0), ServiceId(fwmark=5)])
def test_a_name_says_all(service: ServiceId) -> None:
    assert ipvs.parse_service(str(service)) == service


@pytest.mark.parametrize(
    ("service", "netmask"), [(FOUR, 24), (FOUR, 32), (SIX, 64), (SIX, 128), (MARK, 128), (ServiceId(fwmark=5), 1)]
)
def test_what_is_sent_is_read_back(service: ServiceId, netmask: int) -> None:
    row = ipvs._parse_service(ipvs.new_service(FAMILY, service, {**VALUES, "netmask": netmask, "engine": "sip"}))
    assert (row.id, row.scheduler, row.flags, row.timeout, row.netmask, row.engine) == (
        *(service, "mh", 0x13, 300),
        *(netmask, "sip"),
    )
