# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node as a drawing: namespaces above, the node's own namespace below; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from . import picture_boxes, picture_grid, picture_text
from .picture_grid import CABLE, GAP, Stand
from .picture_model import Cable, End, Node
from .picture_shapes import NAME, SMALL, Box, Drawing, Slots, Text, Wire, resized
from .picture_sort import Sorted, bar_of, inside_out, sort

_EDGE = 14.0
_HEAD = 34.0
_STRIP = 24.0
_TRACK = 9.0
_LEAST = 220.0


@dataclass
class Drawn:
    """A node with its upper left corner at (0, 0), and where on its lower edge lines to other nodes leave."""

    drawing: Drawing
    exits: dict[End, tuple[float, float]] = field(default_factory=dict)


@dataclass
class _Build:
    """What is known while a node is drawn."""

    node: Node
    found: Sorted
    drawing: Drawing = field(default_factory=Drawing)
    bars: dict[str, tuple[Box, Slots]] = field(default_factory=dict)
    items: dict[str, tuple[Box, Slots]] = field(default_factory=dict)
    boxes: dict[str, tuple[Box, Slots]] = field(default_factory=dict)


def draw(node: Node, cables: Sequence[Cable], exits: Collection[End], most: int, height: float = 0) -> Drawn:
    """The node, at least that high: what is missing is put above its namespaces."""
    found = sort(node, cables, exits, most)
    build = _Build(node, found)
    stands = [picture_grid.stand(group, found) for group in found.groups]
    passing = [name for group in found.groups if (name := _exit_of(group.bar, node, exits))]
    ups = _ups(build)
    singles = {link.name: picture_boxes.single(link) for link in found.joined}
    loose = [*map(picture_boxes.single, found.loose), *map(picture_boxes.service, node.services)]
    lanes = len([up for up in ups if up[0] in _bar_names(found)]) + len(passing) if loose else 0
    left = _EDGE + _STRIP + lanes * _TRACK
    row = sum(box.width + GAP for box in singles.values()) + 2 * GAP * len(passing) - GAP
    heading = picture_text.lines(node.name, NAME + 2, 420, True)
    inner = max(
        sum(one.width + 2 * GAP for one in stands) - 2 * GAP,
        row,
        max((box.width for box in loose), default=0),
        max(picture_text.width(line, NAME + 2, True) for line in heading),
        _LEAST,
    )
    spare = (inner - sum(one.width + 2 * GAP for one in stands) + 2 * GAP) / max(1, len(stands))
    stands = [picture_grid.stand(group, found, one.width + spare) for group, one in zip(found.groups, stands)]
    width = left + inner + 2 * _EDGE
    top = _HEAD + (len(heading) - 1) * 20
    y = _containers(build, stands, left, inner, top)
    y = _others(build, y) + 12
    region = y
    y = _bars(build, stands, left, inner, y + 14)
    y = _below(build, ups, passing, loose, list(singles.values()), (left, inner, y))
    y = max(y + 12, region + 120)
    missing = max(0.0, height - (y + _EDGE))
    frames = Drawing(width, y + _EDGE + missing)
    texts = tuple(Text(width / 2, 23 + 20 * number, line, NAME + 2, "name") for number, line in enumerate(heading))
    frames.boxes.append(Box("node", 0, 0, width, y + _EDGE + missing, texts, f"node {node.name}", True))
    label = Text(_EDGE + 16, region + missing + (y - region) / 2, "root namespace", SMALL, "quiet", turned=True)
    frames.boxes.append(
        Box(
            "root",
            _EDGE,
            region + missing,
            width - 2 * _EDGE,
            y - region,
            (label,),
            f"root namespace of {node.name}",
            True,
        )
    )
    frames.add(build.drawing, 0, missing)
    drawn = Drawn(frames)
    for link, (box, _slots) in {**build.bars, **build.items}.items():
        end = (node.name, "", link)
        if end in exits:
            place = build.boxes.get(f"pass {link}")
            shape = place[0] if place else box
            drawn.exits[end] = (shape.middle, shape.bottom + missing)
    return drawn


def _exit_of(bar: object, node: Node, exits: Collection[End]) -> str:
    name = getattr(bar, "name", "")
    return name if (node.name, "", name) in exits else ""


def _bar_names(found: Sorted) -> set[str]:
    return {group.bar.name for group in found.groups if group.bar}


def _ups(build: _Build) -> list[tuple[str, str, str]]:
    """What lines join in the node's own namespace: a bar or link, a link below, and the kind of line."""
    bars = _bar_names(build.found)
    found = [(link.master, link.name, "port") for link in build.found.joined if link.master in bars]
    for cable in build.found.rest:
        if not cable.one[1] and not cable.other[1]:
            one, other = cable.one[2], cable.other[2]
            found.append((other, one, cable.kind) if other in bars else (one, other, cable.kind))
    return found


def _containers(build: _Build, stands: list[Stand], left: float, inner: float, top: float) -> float:
    """Places the grids side by side, their last rows at one height, and the cables of these down to the bars."""
    high = max((one.drawing.height for one in stands), default=0)
    total = sum(one.width for one in stands)
    gap = (inner - total) / len(stands) if stands else 0
    x = left + gap / 2
    for one in stands:
        down = top + high - one.drawing.height
        build.drawing.add(one.drawing, x, down)
        for name, box in one.boxes.items():
            placed = box.moved(x, down)
            build.boxes[name] = (placed, Slots(placed.x, placed.right, taken=[placed.middle]))
        one.x = x
        x += one.width + gap
    return top + high + (CABLE - 12 if stands and high else 0)


def _others(build: _Build, y: float) -> float:
    """Makes room for a track for each cable that does not go straight down; `_bars` draws them."""
    return y + _TRACK * len([cable for cable in build.found.rest if cable.one[1] or cable.other[1]])


def _bars(build: _Build, stands: list[Stand], left: float, inner: float, y: float) -> float:
    """Draws the bars, the cables to them, and those between namespaces."""
    bottom = y
    links = {link.name: link for link in build.node.links}
    for group, one in zip(build.found.groups, stands):
        if one.bar is None or group.bar is None:
            continue
        x = one.x
        box = one.bar.moved(x, y)
        build.drawing.boxes.append(box)
        feet = [x + foot for foot, _name, _port in one.feet]
        build.bars[group.bar.name] = (box, Slots(box.x, box.right, taken=feet))
        row = max((placed.bottom for placed, _ in build.boxes.values()), default=y)
        for foot, name, port in one.feet:
            title = f"{port or group.bar.name} to {name}" if name else ""
            build.drawing.wires.append(Wire("veth", ((x + foot, row), (x + foot, y)), title))
            build.drawing.labels += picture_grid.port_label(x + foot, row, port)
        if one.spine is not None:
            first = min(wire.points[0][1] for wire in one.drawing.wires if wire.kind == "rail")
            shift = row - _last_bottom(one)
            build.drawing.wires.append(Wire("rail", ((x + one.spine, first + shift), (x + one.spine, y))))
        bottom = max(bottom, box.bottom)
    track = max((placed.bottom for placed, _ in build.boxes.values()), default=y) + CABLE - 10
    for cable in build.found.rest:
        inside, outside = inside_out(cable)
        if not inside[1] or inside[1] not in build.boxes:
            continue
        start, slots = build.boxes[inside[1]]
        if outside[1]:
            if outside[1] not in build.boxes:
                continue
            goal, other = build.boxes[outside[1]]
            level = goal.bottom
        else:
            goal, other = build.bars[bar_of(cable, links)]
            level = goal.y
        a = slots.take(start.middle - 14)
        b = other.take(goal.right - 12 if not outside[1] else goal.middle - 14)
        title = f"{inside[2]} of {inside[1]} to {outside[2]}" + (f" of {outside[1]}" if outside[1] else "")
        build.drawing.wires.append(Wire("veth", ((a, start.bottom), (a, track), (b, track), (b, level)), title))
        track += _TRACK
    return bottom


def _last_bottom(one: Stand) -> float:
    return max((box.bottom for box in one.drawing.boxes), default=0)


def _below(
    build: _Build,
    ups: list[tuple[str, str, str]],
    passing: list[str],
    loose: list[Box],
    singles: list[Box],
    place: tuple[float, float, float],
) -> float:
    """Places what stands under the bars: links that nothing leads to, services, and links that something leads to."""
    left, inner, y = place
    room = _TRACK * len(ups) + _TRACK * len(passing)
    y += GAP + room
    first = y - room - GAP / 2 + 2
    y = _columns(build, loose, left, inner, y)
    second = y - GAP / 2 + 2
    if loose and room:
        y += room
    order = {child: number for number, (_parent, child, _kind) in enumerate(ups)}
    kinds = {link.name: link.kind for link in build.found.joined}
    names = sorted(
        [link.name for link in build.found.joined],
        key=lambda name: (0 if name in order else 1, order.get(name, 0), kinds[name] != "vxlan"),
    )
    by_name = {link.name: box for link, box in zip(build.found.joined, singles)}
    high = picture_boxes.tallest(singles)
    total = sum(box.width for box in singles) + 2 * GAP * len(passing)
    count = len(names) + len(passing)
    gap = (inner - total) / count if count else 0
    x = left + gap / 2
    for name in names:
        box = resized(by_name[name], by_name[name].width, high).moved(x, y)
        build.drawing.boxes.append(box)
        build.items[name] = (box, Slots(box.x, box.right))
        x += box.width + gap
    lane = left - _TRACK
    step = 0
    for parent, child, kind in ups:
        if child not in build.items and child not in build.bars:
            continue
        above = build.bars.get(parent) or build.items.get(parent)
        under = build.items.get(child) or build.bars[child]
        if above is None:
            continue
        _join(
            build,
            kind,
            (parent, above),
            (child, under),
            (first + step * _TRACK, second + step * _TRACK, lane, bool(loose)),
        )
        lane -= _TRACK if parent in build.bars else 0
        step += 1
    for name in passing:
        bar, slots = build.bars[name]
        end = x + GAP
        a = slots.take(end)
        build.boxes[f"pass {name}"] = (Box("pass", end, y, 0, high), Slots(end, end))
        one, two = first + step * _TRACK, second + step * _TRACK
        way = ((a, bar.bottom), (a, one), (end, one), (end, y + high))
        around = ((a, bar.bottom), (a, one), (lane, one), (lane, two), (end, two), (end, y + high))
        build.drawing.wires.append(Wire("underlay", around if loose else way, name))
        lane -= _TRACK
        step += 1
        x += 2 * GAP + gap
    return y + high if count else y - GAP


def _join(
    build: _Build,
    kind: str,
    above: tuple[str, tuple[Box, Slots]],
    under: tuple[str, tuple[Box, Slots]],
    tracks: tuple[float, float, float, bool],
) -> None:
    """A line between two links of the node: from a bar down, or over the tops of two boxes of one row."""
    first, second, lane, around = tracks
    (parent, (upper, upper_slots)), (child, (lower, lower_slots)) = above, under
    title = f"{child} on {parent}" if kind == "port" else f"{parent} to {child}"
    b = lower_slots.take(lower.middle)
    points: tuple[tuple[float, float], ...]
    if parent not in build.bars:
        a = upper_slots.take(upper.middle)
        track = second if around else first
        points = ((a, upper.y), (a, track), (b, track), (b, lower.y))
    elif child in build.bars:
        a = upper_slots.take(upper.middle)
        points = ((a, upper.bottom), (a, first), (b, first), (b, lower.bottom))
    else:
        a = upper_slots.take(b)
        if around:
            points = ((a, upper.bottom), (a, first), (lane, first), (lane, second), (b, second), (b, lower.y))
        else:
            points = ((a, upper.bottom), (a, first), (b, first), (b, lower.y))
    build.drawing.wires.append(Wire("port" if kind == "port" else "veth", points, title))


def _columns(build: _Build, boxes: list[Box], left: float, inner: float, y: float) -> float:
    """Boxes in columns of one width, each under the shortest of them; the last of each is drawn out to one height."""
    if not boxes:
        return y
    number = min(len(boxes), max(1, int((inner + GAP) / (max(box.width for box in boxes) + GAP))))
    wide = (inner - GAP * (number - 1)) / number
    columns: list[list[Box]] = [[] for _ in range(number)]
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
