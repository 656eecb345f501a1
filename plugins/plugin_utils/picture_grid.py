# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the namespaces of a node stand: a grid over each beam, with a rail of the beam under each row; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import picture_boxes, picture_text
from .picture_shapes import TINY, Box, Drawing, Text, Wire, resized
from .picture_sort import Group, Sorted, inside_out

GAP = 14.0
# From a container down to what it hangs on; its port's name stands beside it.
CABLE = 30.0
_SPINE = 18.0
_ROW = 4


@dataclass
class Stand:
    """A group of namespaces with the places of what is in it, its last row at the bottom of the drawing.

    `feet`: by namespace, the box and the place at its lower edge from where its cable leaves; those of the last row
    go on to the beam.
    """

    drawing: Drawing
    boxes: dict[str, Box]
    feet: list[tuple[float, str, str]]
    spine: float | None
    beam: Box | None
    width: float
    x: float = 0.0


def stand(group: Group, found: Sorted, least: float = 0) -> Stand:
    """The grid of a group, as wide as its beam and as `least`."""
    beam = picture_boxes.beam(group.beam) if group.beam else None
    cells = [(one.name, picture_boxes.container(one)) for one in (*group.members, *group.others)]
    tail = len(group.others)
    if group.hidden:
        cells.append(("", picture_boxes.more(group.hidden)))
        tail += 1
    ports = {name: _port(name, found) for name, _box in cells if name}
    wide = max((max(box.width, 2 * _label(ports.get(name, ""))) for name, box in cells), default=0)
    high = picture_boxes.tallest(box for _name, box in cells)
    rows = _rows(len(cells), tail)
    columns = max((len(row) for row in rows), default=0)
    indent = _SPINE if len(rows) > 1 and beam else 0.0
    total = indent + columns * (wide + GAP) - GAP if columns else 0.0
    least = max(least, beam.width if beam else 0)
    if least > total:
        if columns:
            wide += (least - total) / columns
        total = least
    made = Stand(Drawing(), {}, [], None, beam, total)
    if beam and indent:
        made.spine = 5.0
    y = 0.0
    for number, row in enumerate(rows):
        last = number == len(rows) - 1
        xs = [indent + column * (wide + GAP) for column in range(len(row))]
        for x, cell in zip(xs, row):
            name, box = cells[cell]
            box = resized(box, wide, high).moved(x, y)
            made.drawing.boxes.append(box)
            if name:
                made.boxes[name] = box
            if beam and last:
                made.feet.append((box.middle, name, ports.get(name, "")))
            elif beam:
                title = f"{ports.get(name) or beam.title.rpartition(' ')[2]} to {name}"
                made.drawing.wires.append(
                    Wire("veth", ((box.middle, box.bottom), (box.middle, box.bottom + CABLE)), title)
                )
                made.drawing.labels += port_label(box.middle, box.bottom, ports.get(name, ""))
        if beam and not last:
            rail = y + high + CABLE
            made.drawing.wires.append(Wire("rail", ((5.0, rail), (xs[-1] + wide / 2 + 8, rail)), f"{beam.title}"))
        y += high + (0 if last else CABLE + GAP)
    made.drawing.width, made.drawing.height = total, y
    if beam:
        made.beam = resized(beam, total, beam.height)
    return made


def port_label(x: float, y: float, port: str) -> list[Text]:
    """The name of a port beside the cable that comes down at (x, y)."""
    return [Text(x + 5, y + 13, port, TINY, "quiet", "start")] if port else []


def _label(port: str) -> float:
    return picture_text.width(port, TINY) + 9 if port else 0


def _port(name: str, found: Sorted) -> str:
    """The node's end of the cable by which a namespace hangs on a bridge, where that is a link of its own."""
    cable = found.home.get(name)
    if cable is None or cable.kind != "veth":
        return ""
    outer = inside_out(cable)[1][2]
    beams = {group.beam.name for group in found.groups if group.beam}
    return "" if outer in beams else outer


def _rows(count: int, tail: int) -> list[list[int]]:
    """Numbers of cells by row; the last `tail` of them stand in the last row, from where cables go anywhere."""
    if count <= _ROW:
        return [list(range(count))] if count else []
    columns = max(_ROW, math.ceil(math.sqrt(count * 1.5)))
    rest = count % columns or columns
    last = max(rest, tail)
    upper = list(range(count - last))
    rows = [upper[start : start + columns] for start in range(0, len(upper), columns)]
    return [*rows, list(range(count - last, count))]
