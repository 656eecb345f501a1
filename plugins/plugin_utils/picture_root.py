# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a node is in its own namespace: beams, and below them links and services; the lines between; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import picture_boxes, picture_grid
from .picture_grid import CABLE, GAP, Stand
from .picture_model import Cable, Link, Node
from .picture_shapes import Box, Drawing, Slots, Wire, resized
from .picture_sort import Sorted, beam_of, inside_out

TRACK = 9.0
Point = tuple[float, float]
#: A box, and where lines may end at its edges.
Spot = tuple[Box, Slots]
#: A beam or a link, a link below it, and the kind of line that joins them.
Up = tuple[str, str, str]


@dataclass
class Build:
    """What is known while a node is drawn.

    Attributes:
        beams, items, boxes: by name, the beams; the links below them; the namespaces.
        passes: by the name of a beam, where the line from it to other nodes leaves.
    """

    node: Node
    found: Sorted
    drawing: Drawing = field(default_factory=Drawing)
    beams: dict[str, Spot] = field(default_factory=dict)
    items: dict[str, Spot] = field(default_factory=dict)
    boxes: dict[str, Spot] = field(default_factory=dict)
    passes: dict[str, Point] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """What is to stand below the beams.

    Attributes:
        ups: the lines among all that.
        passing: beams from which a line goes on to other nodes.
        joined: links that something leads to, and their boxes.
        loose: boxes of what nothing leads to.
    """

    ups: tuple[Up, ...]
    passing: tuple[str, ...]
    joined: tuple[tuple[Link, Box], ...]
    loose: tuple[Box, ...]

    @property
    def row(self) -> float:
        """The least width of the links with their lines."""
        return sum(box.width + GAP for _link, box in self.joined) + 2 * GAP * len(self.passing) - GAP


def content(node: Node, found: Sorted, passing: Sequence[str]) -> Content:
    loose = (*map(picture_boxes.single, found.loose), *map(picture_boxes.service, node.services))
    joined = tuple((link, picture_boxes.single(link)) for link in found.joined)
    return Content(tuple(_ups(found)), tuple(passing), joined, loose)


def lanes(found: Sorted, what: Content) -> int:
    """How many lines go around what stands right under the beams, on its left."""
    if not what.loose:
        return 0
    return len([up for up in what.ups if up[0] in bar_names(found)]) + len(what.passing)


def bar_names(found: Sorted) -> set[str]:
    return {group.beam.name for group in found.groups if group.beam}


def _ups(found: Sorted) -> list[Up]:
    beams = bar_names(found)
    ups = [(link.master, link.name, "port") for link in found.joined if link.master in beams]
    for cable in found.rest:
        if not cable.one[1] and not cable.other[1]:
            one, other = cable.one[2], cable.other[2]
            ups.append((other, one, cable.kind) if other in beams else (one, other, cable.kind))
    return ups


# -- beams


def beams(build: Build, stands: Sequence[Stand], y: float) -> float:
    """Draws the beams, the cables to them, and those between namespaces; returns the lower edge."""
    row = max((placed.bottom for placed, _slots in build.boxes.values()), default=y)
    for group, one in zip(build.found.groups, stands):
        if one.beam is not None and group.beam is not None:
            _bar(build, group.beam, one, one.beam.moved(one.x, y), row)
    track = row + CABLE - 10
    for cable in build.found.rest:
        if _between(build, cable, track):
            track += TRACK
    return max((box.bottom for box, _slots in build.beams.values()), default=y)


def _bar(build: Build, link: Link, one: Stand, box: Box, row: float) -> None:
    """Args: row: the lower edge of the namespaces above."""
    build.drawing.boxes.append(box)
    build.beams[link.name] = (box, Slots(box.x, box.right, taken=[one.x + foot for foot, _name, _port in one.feet]))
    for foot, name, port in one.feet:
        title = f"{port or link.name} to {name}" if name else ""
        build.drawing.wires.append(Wire("veth", ((one.x + foot, row), (one.x + foot, box.y)), title))
        build.drawing.labels += picture_grid.port_label(one.x + foot, row, port)
    if one.spine is not None:
        first = min(wire.points[0][1] for wire in one.drawing.wires if wire.kind == "rail")
        shift = row - max((inner.bottom for inner in one.drawing.boxes), default=0)
        build.drawing.wires.append(Wire("rail", ((one.x + one.spine, first + shift), (one.x + one.spine, box.y))))


def _between(build: Build, cable: Cable, track: float) -> bool:
    """A cable that does not go straight down: to another namespace, or to the beam of another group."""
    inside, outside = inside_out(cable)
    if not inside[1] or inside[1] not in build.boxes:
        return False
    start, slots = build.boxes[inside[1]]
    if outside[1]:
        if outside[1] not in build.boxes:
            return False
        goal, other = build.boxes[outside[1]]
        level, wish = goal.bottom, goal.middle - 14
    else:
        goal, other = build.beams[beam_of(cable, {link.name: link for link in build.node.links})]
        level, wish = goal.y, goal.right - 12
    a, b = slots.take(start.middle - 14), other.take(wish)
    title = f"{inside[2]} of {inside[1]} to {outside[2]}" + (f" of {outside[1]}" if outside[1] else "")
    build.drawing.wires.append(Wire("veth", ((a, start.bottom), (a, track), (b, track), (b, level)), title))
    return True


# -- below them


@dataclass
class _Tracks:
    """Where lines run: each has a track right under the beams, one above the links, and a lane at the left edge.

    Attributes:
        around: something stands right under the beams, so that lines go around it.
    """

    first: float
    second: float
    lane: float
    around: bool

    def next(self, *, lane: bool) -> None:
        self.first += TRACK
        self.second += TRACK
        self.lane -= TRACK if lane else 0

    def way(self, start: Point, end: Point) -> tuple[Point, ...]:
        """From a beam down."""
        a, b = start[0], end[0]
        if not self.around:
            return (start, (a, self.first), (b, self.first), end)
        return (start, (a, self.first), (self.lane, self.first), (self.lane, self.second), (b, self.second), end)


def below(build: Build, what: Content, left: float, inner: float, y: float) -> float:
    """Places what stands under the beams, with its lines; returns the lower edge."""
    room = TRACK * (len(what.ups) + len(what.passing))
    first = y + GAP / 2 + 2
    y = _columns(build, what.loose, left, inner, y + GAP + room)
    second = y - GAP / 2 + 2
    y += room if what.loose else 0
    high = picture_boxes.tallest([box for _link, box in what.joined])
    x, gap = _row(build, what, (left, inner, y), high)
    tracks = _Tracks(first, second, left - TRACK, bool(what.loose))
    for up in what.ups:
        if _join(build, up, tracks):
            tracks.next(lane=up[0] in build.beams)
    for name in what.passing:
        end = x + GAP
        beam, slots = build.beams[name]
        build.passes[name] = (end, y + high)
        way = tracks.way((slots.take(end), beam.bottom), build.passes[name])
        build.drawing.wires.append(Wire("underlay", way, name))
        tracks.next(lane=True)
        x += 2 * GAP + gap
    return y + high if what.joined or what.passing else y - GAP


def _row(build: Build, what: Content, place: tuple[float, float, float], high: float) -> tuple[float, float]:
    """The links that something leads to, side by side; returns where the row goes on, and the gap in it."""
    left, inner, y = place
    order = {child: number for number, (_parent, child, _kind) in enumerate(what.ups)}
    count = len(what.joined) + len(what.passing)
    gap = (inner - what.row - GAP + GAP * len(what.joined)) / count if count else 0
    x = left + gap / 2
    for link, box in sorted(
        what.joined,
        key=lambda one: (one[0].name not in order, order.get(one[0].name, 0), one[0].kind != "vxlan"),
    ):
        placed = resized(box, box.width, high).moved(x, y)
        build.drawing.boxes.append(placed)
        build.items[link.name] = (placed, Slots(placed.x, placed.right))
        x += placed.width + gap
    return x, gap


def _join(build: Build, up: Up, tracks: _Tracks) -> bool:
    """A line between two links of the node: from a beam down, or over the tops of two boxes of one row."""
    parent, child, kind = up
    above = build.beams.get(parent) or build.items.get(parent)
    under = build.items.get(child) or build.beams.get(child)
    if above is None or under is None:
        return False
    (upper, upper_slots), (lower, lower_slots) = above, under
    b = lower_slots.take(lower.middle)
    points: tuple[Point, ...]
    if parent not in build.beams:
        a = upper_slots.take(upper.middle)
        track = tracks.second if tracks.around else tracks.first
        points = ((a, upper.y), (a, track), (b, track), (b, lower.y))
    elif child in build.beams:
        a = upper_slots.take(upper.middle)
        points = ((a, upper.bottom), (a, tracks.first), (b, tracks.first), (b, lower.bottom))
    else:
        points = tracks.way((upper_slots.take(b), upper.bottom), (b, lower.y))
    title = f"{child} on {parent}" if kind == "port" else f"{parent} to {child}"
    build.drawing.wires.append(Wire("port" if kind == "port" else "veth", points, title))
    return True


def _columns(build: Build, boxes: Sequence[Box], left: float, inner: float, y: float) -> float:
    """Boxes in columns of one width, each under the shortest of them; the last of each is drawn out to one height."""
    if not boxes:
        return y
    number = min(len(boxes), max(1, int((inner + GAP) / (max(box.width for box in boxes) + GAP))))
    wide = (inner - GAP * (number - 1)) / number
    columns: list[list[Box]] = [[] for _turn in range(number)]
    heights = [0.0] * number
    for box in sorted(boxes, key=lambda box: -box.height):
        shortest = heights.index(min(heights))
        columns[shortest].append(box)
        heights[shortest] += box.height + GAP
    for place, column in enumerate(columns):
        top = y
        for box in column:
            high = box.height + (max(heights) - heights[place] if box is column[-1] else 0)
            build.drawing.boxes.append(resized(box, wide, high).moved(left + place * (wide + GAP), top))
            top += high + GAP
    return y + max(heights)
