# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node as a drawing: namespaces above, the node's own namespace below; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from . import picture_grid, picture_root, picture_text
from .picture_grid import CABLE, GAP, Stand
from .picture_model import Cable, End, Node
from .picture_root import TRACK, Build
from .picture_shapes import NAME, SMALL, Box, Drawing, Slots, Text
from .picture_sort import sort

_EDGE = 14.0
_HEAD = 34.0
_LINE = 20.0
_STRIP = 24.0
_LEAST = 220.0


@dataclass
class Drawn:
    """A node with its upper left corner at (0, 0), and where on its lower edge lines to other nodes leave."""

    drawing: Drawing
    exits: dict[End, tuple[float, float]] = field(default_factory=dict)


def draw(node: Node, cables: Sequence[Cable], exits: Collection[End], most: int, height: float = 0) -> Drawn:
    """The node, at least that high: what is missing is put above its namespaces."""
    found = sort(node, cables, exits, most)
    build = Build(node, found)
    passing = [group.beam.name for group in found.groups if group.beam and (node.name, "", group.beam.name) in exits]
    what = picture_root.content(node, found, passing)
    left = _EDGE + _STRIP + picture_root.lanes(found, what) * TRACK
    heading = picture_text.lines(node.name, NAME + 2, 420, True)
    stands = [picture_grid.stand(group, found) for group in found.groups]
    least = [*(box.width for box in what.loose), *(picture_text.width(line, NAME + 2, True) for line in heading)]
    inner = max(_together(stands), what.row, *least, _LEAST)
    spare = (inner - _together(stands)) / max(1, len(stands))
    stands = [picture_grid.stand(group, found, one.width + spare) for group, one in zip(found.groups, stands)]
    region = _containers(build, stands, left, inner, _HEAD + (len(heading) - 1) * _LINE) + 12
    y = picture_root.beams(build, stands, region + 14)
    y = max(picture_root.below(build, what, left, inner, y) + 12, region + 120)
    missing = max(0.0, height - (y + _EDGE))
    frames = _frames(node, heading, (left + inner + 2 * _EDGE, y + _EDGE + missing), region + missing)
    frames.add(build.drawing, 0, missing)
    return Drawn(frames, {end: (x, bottom + missing) for end, (x, bottom) in _exits(build).items() if end in exits})


def _together(stands: Sequence[Stand]) -> float:
    """The width of them side by side."""
    return sum(one.width + 2 * GAP for one in stands) - 2 * GAP


def _frames(node: Node, heading: Sequence[str], size: tuple[float, float], region: float) -> Drawing:
    """The frame of the node, and in it that of its own namespace, which begins at `region`."""
    wide, high = size
    texts = tuple(Text(wide / 2, 23 + _LINE * number, line, NAME + 2, "name") for number, line in enumerate(heading))
    label = Text(_EDGE + 16, (region + high - _EDGE) / 2, "root namespace", SMALL, "quiet", turned=True)
    inner = (_EDGE, region, wide - 2 * _EDGE, high - _EDGE - region)
    frames = Drawing(wide, high)
    frames.boxes.append(Box("node", 0, 0, wide, high, texts, f"node {node.name}", True))
    frames.boxes.append(Box("root", *inner, (label,), f"root namespace of {node.name}", True))
    return frames


def _exits(build: Build) -> dict[End, tuple[float, float]]:
    """By link, where a line from it to other nodes leaves."""
    found = {name: (box.middle, box.bottom) for name, (box, _slots) in {**build.beams, **build.items}.items()}
    return {(build.node.name, "", name): place for name, place in {**found, **build.passes}.items()}


def _containers(build: Build, stands: Sequence[Stand], left: float, inner: float, top: float) -> float:
    """Places the grids side by side, their last rows at one height.

    Returns:
        Where the beams begin: there is a track for each cable that does not go straight down; `beams` draws them.
    """
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
    crossing = [cable for cable in build.found.rest if cable.one[1] or cable.other[1]]
    return top + high + (CABLE - 12 if stands and high else 0) + TRACK * len(crossing)
