# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes in rows, and the networks and tunnels between them as rails below each row; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import picture_text
from .picture_model import End, Fleet, Tunnel
from .picture_node import draw
from .picture_shapes import SMALL, TINY, Drawing, Text, Wire

MOST_CONTAINERS = 12
MOST_WIDTH = 1500.0
_MARGIN = 16.0
_BETWEEN = 28.0
_RAIL = 38.0
_TRUNK = 8.0


@dataclass(frozen=True)
class Rail:
    """A network or a tunnel that links of nodes are in."""

    kind: str
    name: str
    note: str
    ends: tuple[End, ...]


def rails(fleet: Fleet) -> list[Rail]:
    """Tunnels first: they lie over the networks that carry them."""
    found = [_rail(tunnel) for tunnel in fleet.tunnels]
    found += [Rail("underlay", prefix, "underlay", ends) for prefix, ends in fleet.networks]
    own = [Rail(r.kind, r.name, r.note, tuple(end for end in r.ends if not end[1])) for r in found]
    return [rail for rail in own if rail.ends]


def _rail(tunnel: Tunnel) -> Rail:
    note = f"UDP {tunnel.port}"
    if tunnel.strangers:
        note += f", {tunnel.strangers} more peer{'s' if tunnel.strangers > 1 else ''}"
    return Rail("tunnel", f"VXLAN {tunnel.vni}", note, tunnel.ends)


def layout(fleet: Fleet, containers: int = MOST_CONTAINERS, width: float = MOST_WIDTH) -> Drawing:
    """Everything at its place.

    Args:
        containers: how many namespaces to show of each node.
        width: a row of nodes is at most that wide, in pixels; it has one at least.
    """
    lines = rails(fleet)
    exits = {end for rail in lines for end in rail.ends}
    drawn = [draw(node, fleet.cables, exits, containers) for node in fleet.nodes]
    gutter = max((_label_width(rail) for rail in lines), default=0)
    left = _MARGIN + gutter + (14 if lines else 0)
    start = left + _TRUNK * len(lines) + (10 if lines else 0)
    rows = _rows([one.drawing.width for one in drawn], width - start)
    picture = Drawing(width=start + _MARGIN)
    trunks: dict[int, list[float]] = {}
    y = _MARGIN
    for row in rows:
        high = max(drawn[number].drawing.height for number in row)
        x = start
        exits_here: dict[End, tuple[float, float]] = {}
        for number in row:
            node = draw(fleet.nodes[number], fleet.cables, exits, containers, high)
            picture.add(node.drawing, x, y)
            exits_here.update({end: (x + place[0], y + place[1]) for end, place in node.exits.items()})
            x += node.drawing.width + _BETWEEN
        picture.width = max(picture.width, x - _BETWEEN + _MARGIN)
        y += high + _BETWEEN
        furthest = max((place[0] for place in exits_here.values()), default=0)
        for number, rail in enumerate(lines):
            places = [exits_here[end] for end in rail.ends if end in exits_here]
            if places:
                _draw_rail(picture, rail, places, (left + _TRUNK * number, furthest + 14), y, left - 10)
                trunks.setdefault(number, []).append(y)
                y += _RAIL
        y += _BETWEEN / 2
    for number, ys in trunks.items():
        if len(ys) > 1:
            x = left + _TRUNK * number
            picture.wires.append(Wire(f"{lines[number].kind}-rail", ((x, ys[0]), (x, ys[-1])), lines[number].name))
    picture.height = max(y - _BETWEEN / 2 - (14 if lines else _BETWEEN) + _MARGIN, 2 * _MARGIN)
    return picture


def _draw_rail(
    picture: Drawing, rail: Rail, places: Sequence[tuple[float, float]], xs: tuple[float, float], y: float, label: float
) -> None:
    """One rail of one row of nodes: a line down from each link to it."""
    picture.wires.append(Wire(f"{rail.kind}-rail", ((xs[0], y), (xs[1], y)), rail.name))
    for at, bottom in places:
        picture.wires.append(Wire(rail.kind, ((at, bottom), (at, y)), rail.name, ((at, y),)))
    picture.labels.append(Text(label, y, rail.name, SMALL, f"{rail.kind}-name", "end"))
    picture.labels.append(Text(label, y + 13, rail.note, TINY, "quiet", "end"))


def _label_width(rail: Rail) -> float:
    return max(picture_text.width(rail.name, SMALL, True), picture_text.width(rail.note, TINY))


def _rows(widths: Sequence[float], most: float) -> list[list[int]]:
    """Numbers of nodes by row: as many rows as needed, with as many nodes in each as in the others."""
    rows: list[list[int]] = []
    room = 0.0
    for number, width in enumerate(widths):
        if not rows or room + _BETWEEN + width > most:
            rows.append([])
            room = -_BETWEEN
        rows[-1].append(number)
        room += _BETWEEN + width
    each = -(-len(widths) // len(rows)) if rows else 0
    even = [list(range(start, min(start + each, len(widths)))) for start in range(0, len(widths), each or 1)]
    fits = all(sum(widths[n] + _BETWEEN for n in row) - _BETWEEN <= max(most, widths[row[0]]) for row in even)
    return even if fits else rows
