# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical forms, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import canonical
from ansible_collections.containerland.net.plugins.module_utils._core.kinds import sysctl
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.rule import number_range
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.types import wireguard

Check = Callable[[Any], Any]
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

GOOD: list[tuple[Check, Any, Any]] = [
    (canonical.interface_name, "eth0.100", "eth0.100"),
    (canonical.interface_name, "a" * 15, "a" * 15),
    (canonical.optional_interface, "", ""),
    (canonical.netns_name, "web_1.x-y", "web_1.x-y"),
    (canonical.netns_ref, "", ""),
    (canonical.netns_ref, "/run/netns/web", "web"),
    (canonical.netns_ref, "/var/run/netns/web", "web"),
    (canonical.netns_ref, "/proc/1/ns/net", "/proc/1/ns/net"),
    (canonical.netns_ref, "pid:007", "pid:7"),
    (canonical.netns_ref, "docker:web_1", "docker:web_1"),
    (canonical.netns_ref, "podman:a.b", "podman:a.b"),
    (canonical.netns_ref, "lxc:web", "lxc:web"),
    (canonical.netns_ref, "machine:web", "machine:web"),
    (canonical.mac, "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22"),
    (canonical.mac, "00:00:00:00:00:00", "00:00:00:00:00:00"),
    (canonical.address, "2001:DB8:0:0::1", "2001:db8::1"),
    (canonical.optional_address, "", ""),
    (canonical.multicast_address, "239.1.1.1", "239.1.1.1"),
    (canonical.interface_address, "10.0.0.1/24", "10.0.0.1/24"),
    (canonical.interface_address, "FD00:0::1/64", "fd00::1/64"),
    (canonical.prefix, "10.0.0.1", "10.0.0.1/32"),
    (canonical.prefix, "fd00::", "fd00::/128"),
    (canonical.destination, "default", "default"),
    (canonical.table, "main", 254),
    (canonical.table, "0x64", 100),
    (canonical.protocol, "bgp", 186),
    (canonical.scope, "link", 253),
    (number_range, "80", "80-80"),
    (number_range, "80-443", "80-443"),
    (wireguard.key, KEY, KEY),
    (wireguard.endpoint, "[2001:DB8::1]:51820", "[2001:db8::1]:51820"),
    (sysctl.canonical_name, "net.ipv4.ip_forward", "net/ipv4/ip_forward"),
    (sysctl.canonical_name, "net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"),
    (sysctl.canonical_name, "net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"),
    (sysctl.canonical_value, True, "1"),
    (sysctl.canonical_value, "4096\t87380  6291456\n", "4096 87380 6291456"),
]
BAD: list[tuple[Check, Any, str]] = [
    (canonical.interface_name, "", "an interface name cannot be empty"),
    (canonical.interface_name, "a" * 16, f"an interface name has at most 15 bytes: '{'a' * 16}' has 16"),
    (canonical.interface_name, "ü" * 8, "an interface name has at most 15 bytes: 'üüüüüüüü' has 16"),
    (canonical.interface_name, "v%d", "an interface name has no white space, '/', ':' or '%': 'v%d'"),
    (canonical.interface_name, "a:b", "an interface name has no white space, '/', ':' or '%': 'a:b'"),
    (canonical.interface_name, "../x", "an interface name has no white space, '/', ':' or '%': '../x'"),
    (canonical.interface_name, "a b", "an interface name has no white space, '/', ':' or '%': 'a b'"),
    (canonical.interface_name, "a\u00a0b", "an interface name has no white space, '/', ':' or '%': 'a\\xa0b'"),
    (canonical.interface_name, "a\nb", "control characters are not allowed: 'a\\nb'"),
    (canonical.interface_name, "a\x00", "control characters are not allowed: 'a\\x00'"),
    *[
        (canonical.interface_name, name, f"not a valid interface name: {name!r}")
        for name in (".", "..", "-v", "eth+", "all", "default")
    ],
    (canonical.netns_name, "", "a namespace's name cannot be empty"),
    *[
        (canonical.netns_name, name, f"not a valid namespace name: {name!r}")
        for name in ("..", ".", "a/b", "-x", ".hidden", "a b", "pid:1", "n" * 256)
    ],
    (canonical.netns_name, "a\n", "control characters are not allowed: 'a\\n'"),
    (canonical.netns_ref, "/run/netns/../x", "a path to a namespace has no '..': '/run/netns/../x'"),
    (
        canonical.netns_ref,
        "lxd:web",
        "not a namespace: 'lxd:web' (use a name, a path, pid:N, docker:NAME, podman:NAME, lxc:NAME or machine:NAME)",
    ),
    (canonical.netns_ref, "pid:0", "not a process id: 'pid:0'"),
    (canonical.netns_ref, "pid:²", "not a process id: 'pid:²'"),
    (canonical.netns_ref, "docker:-f", "not a container's name: 'docker:-f'"),
    (canonical.netns_ref, "docker:a;b", "not a container's name: 'docker:a;b'"),
    (canonical.mac, "aa:bb:cc:dd:ee", "not a MAC address: 'aa:bb:cc:dd:ee'"),
    (canonical.mac, "aa:bb:cc:dd:ee:ff\n", "not a MAC address: 'aa:bb:cc:dd:ee:ff\\n'"),
    (canonical.unicast_mac, "01:00:5e:00:00:01", "not a unicast MAC address: '01:00:5e:00:00:01'"),
    (canonical.unicast_mac, "00:00:00:00:00:00", "not a unicast MAC address: '00:00:00:00:00:00'"),
    (canonical.address, "10.0.0.256", "not an IP address: '10.0.0.256'"),
    (canonical.address, "10.0.0.01", "not an IP address: '10.0.0.01'"),
    (canonical.address, "fe80::1%eth0", "name the device in its own option, not in the address: 'fe80::1%eth0'"),
    (canonical.multicast_address, "10.0.0.1", "not a multicast address: '10.0.0.1'"),
    (canonical.interface_address, "10.0.0.1", "give the prefix length too, for example '10.0.0.1/24'"),
    (canonical.interface_address, "10.0.0.1/33", "not an address with prefix length: '10.0.0.1/33'"),
    (canonical.prefix, "10.0.0.0/33", "not a prefix: '10.0.0.0/33'"),
    (canonical.prefix, "10.0.0.1/24", "not a prefix: '10.0.0.1/24' (host bits are set; did you mean 10.0.0.0/24?)"),
    (canonical.table, "mine", "not a routing table: 'mine' (use a number or one of default, main, local)"),
    (canonical.table, "0", "routing table 0 does not exist: use main"),
    (canonical.table, str(2**32), f"a routing table is between 0 and {2**32 - 1}: '{2**32}'"),
    (canonical.integer(1, 4094), 4095, "must be between 1 and 4094: 4095"),
    (number_range, "9-8", "not a range: '9-8'"),
    (number_range, "http", "not a number or a range FIRST-LAST: 'http'"),
    (wireguard.key, "c2hvcnQ=", "not a WireGuard key (32 bytes in base64)"),
    (wireguard.endpoint, "host:51820", "not ADDRESS:PORT: 'host:51820'"),
    (sysctl.canonical_name, "kernel.core_pattern", "not a sysctl below net: 'kernel.core_pattern'"),
    (sysctl.canonical_name, "net/../kernel/core_pattern", "not a sysctl below net: 'net/../kernel/core_pattern'"),
    (sysctl.canonical_name, "net.ipv4.conf.//.x", "not a sysctl below net: 'net.ipv4.conf.//.x'"),
    (sysctl.canonical_value, "1\n2", "control characters are not allowed: '1\\n2'"),
    (sysctl.canonical_value, [1], "must be a text or a number, not [1]"),
]


@pytest.mark.parametrize(("check", "value", "form"), GOOD)
def test_good(check: Check, value: Any, form: Any) -> None:
    assert check(value) == form
    if isinstance(form, str):
        assert check(form) == form, "a canonical form is its own canonical form"


@pytest.mark.parametrize(("check", "value", "said"), BAD)
def test_bad(check: Check, value: Any, said: str) -> None:
    with pytest.raises(ValueError) as problem:
        check(value)
    assert str(problem.value) == said
