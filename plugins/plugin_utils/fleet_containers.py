# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address of its node's subnet a container gets: a pure function of its own name.

A *seat* is a host number in the node's subnet; the same number serves IPv4 and IPv6. The seat of ``web7`` is
(hash of the stem ``web`` + 7) modulo the number of seats, so numbered replicas sit side by side and never collide
with each other, and a list that all nodes share gives the same host number on every node.

No function of a name alone can avoid all collisions, and any rule that moves one of two colliding containers moves
it back when the other one leaves. So by default a collision is refused with the pin that settles it for good
(``address``: a host number or an address). What is guaranteed: *an accepted plan never changes an address when
other containers or nodes come or go.*

With ``collisions: probe`` (lists that programs write) colliding containers take the next free seat in the order of
the list instead. Guaranteed then: appending moves nobody; removing or reordering moves only containers that were
not on their own seat, which the plan reports in `notes`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .fleet_model import FleetError, Subnet
from .fleet_subnets import number_of
from .netaddr_names import AddrFormatError, IPAddress

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
FIRST_SEAT = 2  # 0 is the VTEP, 1 the bridge
MAX_SEATS = 2**31  # an IPv6 subnet has more; nobody needs them
LINK_NAME_BYTES = 15


def host_interface(container: str) -> str:
    """Name of a container's link on the node: ``c-<name>`` where that fits 15 bytes, else shortened with a hash."""
    name = f"c-{container}"
    if len(name.encode()) <= LINK_NAME_BYTES:
        return name
    return f"c-{container[:6]}-{hashlib.sha256(container.encode()).hexdigest()[:6]}"


def home_seat(name: str, count: int) -> int:
    """The seat that a name stands for among `count` seats."""
    stem, digits = re.fullmatch(r"(.*?)(\d{0,9})", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return FIRST_SEAT + (number_of(stem) + int(digits or 0)) % count


def check_names(node: str, containers: Sequence[Mapping[str, Any]]) -> None:
    """Refuses unusable and duplicate names, and links whose names would be the same."""
    links: dict[str, str] = {}
    for index, container in enumerate(containers):
        where = f"{node}: containers_list[{index}].name"
        name = container.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            problem = "must be at most 63 letters, digits, '-', '_' or '.', and begin with a letter or digit"
            raise FleetError(where, f"{problem}, not {name!r}")
        link = host_interface(name)
        if links.get(link) == name:
            raise FleetError(where, f"there is already a container '{name}' on this node")
        if link in links:
            raise FleetError(where, f"'{name}' and '{links[link]}' would share the link '{link}'; rename one")
        links[link] = name


def assign_seats(
    node: str, containers: Sequence[Mapping[str, Any]], subnet: Subnet, collisions: str
) -> tuple[dict[str, int], list[str]]:
    """The seats of a node's containers by name, and notes about those that are not on their own.

    Raises:
        FleetError: a pin is wrong or taken twice, the subnet is full, or (refuse) two containers collide.
    """
    count = min(subnet.network.size - 3, MAX_SEATS)
    if len(containers) > count:
        problem = f"{len(containers)} containers do not fit into {subnet.network}, which has {count} addresses"
        raise FleetError(f"{node}: containers_list", f"{problem} for them; give the node a larger containers_subnet")
    taken = _pinned_seats(node, containers, subnet)
    seats = {name: seat for seat, name in taken.items()}
    clashes: list[tuple[str, str, int]] = []
    # All natural seats first, so that a proposed pin is free for good.
    waiting: list[str] = []
    for name in (str(c["name"]) for c in containers if c.get("address") is None):
        home = home_seat(name, count)
        if collisions == "probe":
            _sit(name, home, count, taken, seats, clashes)
        elif home in taken:
            waiting.append(name)
        else:
            taken[home] = name
            seats[name] = home
    for name in waiting:
        _sit(name, home_seat(name, count), count, taken, seats, clashes)
    notes = [_clash(node, clash, subnet, seats[clash[0]]) for clash in clashes]
    if notes and collisions == "refuse":
        pins = ", ".join(f"{{name: {name}, address: {seats[name]}}}" for name, _other, _home in clashes)
        pairs = ", ".join(f"'{name}' and '{other}' on {subnet.host(home)}" for name, other, home in clashes)
        problem = f"containers fall on the same address ({pairs}); pin them in the list, for example {pins}"
        raise FleetError(f"{node}: containers_list", problem)
    return seats, notes


def _sit(
    name: str,
    home: int,
    count: int,
    taken: dict[int, str],
    seats: dict[str, int],
    clashes: list[tuple[str, str, int]],
) -> None:
    seat = home
    while seat in taken:
        seat = FIRST_SEAT + (seat - FIRST_SEAT + 1) % count
    if seat != home:
        clashes.append((name, taken[home], home))
    taken[seat] = name
    seats[name] = seat


def _clash(node: str, clash: tuple[str, str, int], subnet: Subnet, seat: int) -> str:
    name, other, home = clash
    return (
        f"{node}: container '{name}' has {subnet.host(seat)}, because '{other}' has its own {subnet.host(home)}; "
        f"pin it (address: {seat}) to keep that when '{other}' leaves"
    )


def _pinned_seats(node: str, containers: Sequence[Mapping[str, Any]], subnet: Subnet) -> dict[int, str]:
    taken: dict[int, str] = {}
    for index, container in enumerate(containers):
        if container.get("address") is None:
            continue
        where = f"{node}: containers_list[{index}].address"
        seat = _pinned_seat(container["address"], where, subnet)
        if seat in taken:
            raise FleetError(where, f"{subnet.host(seat)} is already pinned for container '{taken[seat]}'")
        taken[seat] = str(container["name"])
    return taken


def _pinned_seat(pin: Any, where: str, subnet: Subnet) -> int:
    text = str(pin).split("/", maxsplit=1)[0]
    if text.isascii() and text.isdigit():
        seat = int(text)
    else:
        try:
            seat = int(IPAddress(text, subnet.network.version)) - int(subnet.network.first)
        except (AddrFormatError, ValueError, TypeError):
            problem = f"neither an IPv{subnet.network.version} address nor a host number in {subnet.network}: {pin!r}"
            raise FleetError(where, problem) from None
    if not 0 <= seat < subnet.network.size:
        raise FleetError(where, f"{pin} is not in this node's subnet {subnet.network}")
    if not FIRST_SEAT <= seat < subnet.network.size - 1:
        use = {0: "the node's overlay address", 1: "the node's bridge"}.get(seat, "the broadcast address")
        raise FleetError(where, f"{subnet.host(seat)} is {use}")
    return seat
