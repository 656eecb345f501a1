# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture is made of, at places in pixels; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from . import picture_text

NAME, SMALL, TINY = 13.0, 11.0, 10.0
LEADING = 1.38
PAD = 10.0
# Widest line of a text before it is broken.
MOST = 250.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Text:
    """One line; (x, y) is where its middle, or its start, stands on the line."""

    x: float
    y: float
    text: str
    size: float = SMALL
    style: str = "plain"
    anchor: str = "middle"
    turned: bool = False

    def moved(self, dx: float, dy: float) -> Text:
        return replace(self, x=self.x + dx, y=self.y + dy)

    @property
    def bold(self) -> bool:
        return self.style == "name"


@dataclass(frozen=True)
class Box:
    """A rectangle with the texts inside it. `frame`: others may stand inside."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    texts: tuple[Text, ...] = ()
    title: str = ""
    frame: bool = False

    def moved(self, dx: float, dy: float) -> Box:
        return replace(self, x=self.x + dx, y=self.y + dy, texts=tuple(text.moved(dx, dy) for text in self.texts))

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(frozen=True)
class Wire:
    """A line by its corners. `dots`: where it joins another."""

    kind: str
    points: tuple[Point, ...]
    title: str = ""
    dots: tuple[Point, ...] = ()

    def moved(self, dx: float, dy: float) -> Wire:
        def move(points: Iterable[Point]) -> tuple[Point, ...]:
            return tuple((x + dx, y + dy) for x, y in points)

        return replace(self, points=move(self.points), dots=move(self.dots))


@dataclass
class Drawing:
    """Parts, in the order they are painted: frames, wires, boxes, labels."""

    width: float = 0
    height: float = 0
    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    labels: list[Text] = field(default_factory=list)

    def add(self, other: Drawing, dx: float = 0, dy: float = 0) -> None:
        self.boxes += [box.moved(dx, dy) for box in other.boxes]
        self.wires += [wire.moved(dx, dy) for wire in other.wires]
        self.labels += [label.moved(dx, dy) for label in other.labels]


Line = tuple[str, str]


def filled(kind: str, content: Sequence[Line], title: str = "", most: float = MOST) -> Box:
    """A box at (0, 0), as large as its lines of (text, style) need."""
    rows: list[tuple[str, str, float]] = []
    for text, style in content:
        size = NAME if style == "name" else TINY if style == "quiet" else SMALL
        rows += [(line, style, size) for line in picture_text.lines(text, size, most, style == "name")]
    wide = max((picture_text.width(line, size, style == "name") for line, style, size in rows), default=0)
    box = Box(kind, 0, 0, round(wide + 2 * PAD), 0, title=title)
    y = PAD * 0.7
    texts = []
    for line, style, size in rows:
        y += size * LEADING
        texts.append(Text(box.middle, round(y - size * 0.32, 1), line, size, style))
    return replace(box, height=round(y + PAD * 0.7), texts=tuple(texts))


def resized(box: Box, width: float, height: float) -> Box:
    """The box with another size, its texts in the middle of it."""
    dx, dy = (width - box.width) / 2, (height - box.height) / 2
    texts = tuple(text.moved(dx, dy) for text in box.texts)
    return replace(box, width=width, height=height, texts=texts)


@dataclass
class Slots:
    """Places along an edge where lines may end, none too near to another."""

    left: float
    right: float
    apart: float = 9
    taken: list[float] = field(default_factory=list)

    def take(self, wish: float) -> float:
        """The free place nearest to the wish; where all are taken, the wish."""
        left, right = self.left + self.apart, self.right - self.apart
        wish = min(max(wish, left), max(left, right))
        steps = int((self.right - self.left) / self.apart) + 1
        choices = [wish, *(wish + sign * step * self.apart for step in range(1, steps) for sign in (-1, 1))]
        for place in choices:
            if left <= place <= right and all(abs(place - other) >= self.apart - 0.01 for other in self.taken):
                self.taken.append(place)
                return place
        return wish
