# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One canonical form for every kind of value, so that comparing is `==`.

Each function takes what a person wrote (or the kernel said), returns the canonical form, and raises ValueError
with the end of a sentence that begins with the option's path.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Any

NETNS_PREFIXES = ("pid", "docker", "podman", "lxc", "machine")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def text(value: str) -> str:
    """A line of text without control characters."""
    if _UNSAFE.search(value):
        raise ValueError(f"control characters are not allowed: {value!r}")
    return value


def interface_name(value: str) -> str:
    """The kernel's rules (dev_valid_name), and refusal of what it or iptables would silently change.

    The kernel expands '%d', iptables takes a trailing '+' as a wildcard, programs take a leading '-' as an option,
    'all' and 'default' would shadow sysctl directories.
    """
    text(value)
    if not value:
        raise ValueError("an interface name cannot be empty")
    if len(value.encode()) > 15:
        raise ValueError(f"an interface name has at most 15 bytes: {value!r} has {len(value.encode())}")
    if value in (".", "..", "all", "default") or value[0] == "-" or value[-1] == "+":
        raise ValueError(f"not a valid interface name: {value!r}")
    if re.search(r"[\s/:%]", value):
        raise ValueError(f"an interface name has no white space, '/', ':' or '%': {value!r}")
    return value


def optional_interface(value: str) -> str:
    """An interface name, or '' for none."""
    return interface_name(value) if value else ""


def netns_name(value: str) -> str:
    """The name of a namespace under /run/netns: one plain path component."""
    text(value)
    if not value:
        raise ValueError("a namespace's name cannot be empty")
    if len(value.encode()) > 255 or value in (".", "..") or value[0] in "-." or re.search(r"[\s/:]", value):
        raise ValueError(f"not a valid namespace name: {value!r}")
    return value


def is_name(ref: str) -> bool:
    """Whether a canonical reference to a namespace is a plain name under /run/netns."""
    return bool(ref) and not ref.startswith("/") and ":" not in ref


def netns_ref(value: str) -> str:
    """A namespace by name, by absolute path, or by who is in it (pid:N, docker:NAME …); '' is the current one."""
    text(value)
    if value == "":
        return ""
    if value.startswith("/"):
        if ".." in value.split("/"):
            raise ValueError(f"a path to a namespace has no '..': {value!r}")
        name = re.fullmatch(r"(?:/var)?/run/netns/([^/]+)", value)
        return netns_name(name.group(1)) if name else value
    scheme, colon, rest = value.partition(":")
    if not colon:
        return netns_name(value)
    if scheme not in NETNS_PREFIXES:
        known = "a name, a path, pid:N, docker:NAME, podman:NAME, lxc:NAME or machine:NAME"
        raise ValueError(f"not a namespace: {value!r} (use {known})")
    if scheme == "pid":
        if not rest.isascii() or not rest.isdigit() or int(rest) == 0:
            raise ValueError(f"not a process id: {value!r}")
        return f"pid:{int(rest)}"
    if not _CONTAINER.match(rest):
        raise ValueError(f"not a container's name: {value!r}")
    return value


def mac(value: str) -> str:
    """A MAC address as aa:bb:cc:dd:ee:ff."""
    form = value.lower().replace("-", ":")
    if not _MAC.match(form):
        raise ValueError(f"not a MAC address: {value!r}")
    return form


def unicast_mac(value: str) -> str:
    """A MAC address that a device can have (not a group address, not all zeros)."""
    form = mac(value)
    if int(form[:2], 16) & 1 or form == "00:00:00:00:00:00":
        raise ValueError(f"not a unicast MAC address: {value!r}")
    return form


def address(value: str) -> str:
    """An IPv4 or IPv6 address without prefix length."""
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        raise ValueError(f"not an IP address: {value!r}") from None
    return _as_printed(parsed)


def _as_printed(parsed: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As the kernel's addresses are: Python writes the dotted forms of IPv6 otherwise, by its version."""
    if getattr(parsed, "scope_id", None):
        raise ValueError(f"name the device in its own option, not in the address: {str(parsed)!r}")
    return socket.inet_ntop(socket.AF_INET if parsed.version == 4 else socket.AF_INET6, parsed.packed)


def optional_address(value: str) -> str:
    """An address, or '' for none."""
    return address(value) if value else ""


def multicast_address(value: str) -> str:
    """A multicast group's address."""
    form = address(value)
    if not ipaddress.ip_address(form).is_multicast:
        raise ValueError(f"not a multicast address: {value!r}")
    return form


def interface_address(value: str) -> str:
    """An address with its prefix length: 10.0.0.1/24."""
    if "/" not in value:
        raise ValueError(f"give the prefix length too, for example {value + '/24'!r}")
    try:
        found = ipaddress.ip_interface(value)
    except ValueError:
        raise ValueError(f"not an address with prefix length: {value!r}") from None
    return f"{_as_printed(found.ip)}/{found.network.prefixlen}"


def prefix(value: str) -> str:
    """A network prefix; host bits must be zero, a bare address is its /32 or /128."""
    try:
        found = ipaddress.ip_network(value)
    except ValueError as problem:
        hint = ""
        if "host bits" in str(problem):
            hint = f" (host bits are set; did you mean {ipaddress.ip_network(value, strict=False)}?)"
        raise ValueError(f"not a prefix: {value!r}{hint}") from None
    return f"{_as_printed(found.network_address)}/{found.prefixlen}"


def destination(value: str) -> str:
    """A route's destination: a prefix, or 'default'."""
    return value if value == "default" else prefix(value)


def family_of(value: str) -> int:
    """4 or 6, for a canonical address or prefix."""
    return 6 if ":" in value else 4


def integer(low: int, high: int) -> Any:
    """A check that an int lies within low..high."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}: {value}")
        return value

    return check


TABLES = {"default": 253, "main": 254, "local": 255}
PROTOCOLS = {"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16, "bgp": 186, "ospf": 188}
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}


def _number(value: str, names: dict[str, int], high: int, what: str) -> int:
    if value in names:
        return names[value]
    try:
        number = int(str(value), 0)
    except ValueError:
        raise ValueError(f"not a {what}: {value!r} (use a number or one of {', '.join(names)})") from None
    if not 0 <= number <= high:
        raise ValueError(f"a {what} is between 0 and {high}: {value!r}")
    return number


def table(value: str) -> int:
    """A routing table's number; main, local and default by name (iproute2's rt_tables are the node's own matter)."""
    number = _number(value, TABLES, 2**32 - 1, "routing table")
    if number == 0:
        raise ValueError("routing table 0 does not exist: use main")
    return number


def protocol(value: str) -> int:
    """A route's origin (rtnetlink(7), rtm_protocol)."""
    return _number(value, PROTOCOLS, 255, "routing protocol")


def scope(value: str) -> int:
    """An address's or route's scope."""
    return _number(value, SCOPES, 255, "scope")


def named(number: int, names: dict[str, int]) -> str:
    """The name that people use for the number, or the number as text."""
    return next((name for name, value in names.items() if value == number), str(number))
