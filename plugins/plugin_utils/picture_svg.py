# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawing as SVG that fits light and dark pages; pure, no Ansible."""

from __future__ import annotations

import hashlib

from .picture_layout import MOST_CONTAINERS, MOST_WIDTH, layout, rails
from .picture_model import Fleet
from .picture_shapes import Box, Drawing, Text, Wire
from .picture_text import escaped

# name: (fill, line) in light, and in dark.
_COLOURS = {
    "node": (("#f8fafc", "#64748b"), ("#161d29", "#7c8ba1")),
    "root": (("#eef2f7", "#cbd5e1"), ("#1e2837", "#3b4a5f")),
    "container": (("#dbeafe", "#2563eb"), ("#17305c", "#6ea8fe")),
    "more": (("#eff6ff", "#2563eb"), ("#132544", "#6ea8fe")),
    "bridge": (("#dcfce7", "#16a34a"), ("#12391f", "#4ade80")),
    "vxlan": (("#ffedd5", "#ea580c"), ("#43220c", "#fb923c")),
    "tunnel": (("#ffedd5", "#c2410c"), ("#43220c", "#fdba74")),
    "dummy": (("#f3e8ff", "#9333ea"), ("#321a4d", "#c084fc")),
    "service": (("#fae8ff", "#c026d3"), ("#3f1549", "#e879f9")),
    "veth": (("#e0f2fe", "#0284c7"), ("#0b3247", "#38bdf8")),
    "link": (("#e2e8f0", "#475569"), ("#2b3646", "#a3b1c6")),
}
# name: (line in light, in dark, width, dashes).
_LINES = {
    "veth": ("#475569", "#a3b1c6", 1.6, ""),
    "port": ("#16a34a", "#4ade80", 1.6, ""),
    "rail": ("#16a34a", "#4ade80", 4, ""),
    "underlay": ("#475569", "#a3b1c6", 1.8, ""),
    "underlay-rail": ("#475569", "#a3b1c6", 4, ""),
    "tunnel": ("#ea580c", "#fb923c", 1.8, "6 4"),
    "tunnel-rail": ("#ea580c", "#fb923c", 2.6, "9 5"),
}
# name: (colour in light, in dark, weight).
_TEXTS = {
    "plain": ("#1f2937", "#e5e9f0", "normal"),
    "name": ("#0f172a", "#f8fafc", "bold"),
    "quiet": ("#475569", "#b6c2d3", "normal"),
    "tunnel-name": ("#c2410c", "#fb923c", "bold"),
    "underlay-name": ("#334155", "#cbd5e1", "bold"),
}
_FONT = "'DejaVu Sans', Verdana, Arial, Helvetica, sans-serif"


def picture(fleet: Fleet, title: str = "", containers: int = MOST_CONTAINERS, width: float = MOST_WIDTH) -> str:
    """The SVG of a fleet; the same for the same facts.

    Args:
        title: what the picture is called; by default, how many nodes it shows.
        containers: how many namespaces to show of each node.
        width: a row of nodes is at most that wide, in pixels.
    """
    return svg(layout(fleet, containers, width), title or _title(fleet), describe(fleet))


def describe(fleet: Fleet) -> str:
    """What can be seen, in sentences, for those who cannot see it."""
    found = []
    for node in fleet.nodes:
        names = [namespace.name for namespace in node.namespaces]
        said = f"{node.name} has {_count(len(names), 'namespace')}"
        said += f" ({', '.join(names[:8])}{', …' if len(names) > 8 else ''})" if names else ""
        bridges = [link.name for link in node.links if link.kind == "bridge"]
        said += f", {_count(len(bridges), 'bridge')} ({', '.join(bridges)})" if bridges else ""
        said += f", {_count(len(node.services), 'service')}" if node.services else ""
        found.append(said + ".")
    for rail in rails(fleet):
        hosts = ", ".join(dict.fromkeys(end[0] for end in rail.ends))
        found.append(
            f"{rail.name} ({rail.note}) connects {hosts}." if len(rail.ends) > 1 else f"{rail.name} is at {hosts}."
        )
    return " ".join(found)


def _title(fleet: Fleet) -> str:
    if len(fleet.nodes) == 1:
        return f"The network of {fleet.nodes[0].name}"
    return f"The network of {_count(len(fleet.nodes), 'node')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def svg(drawing: Drawing, title: str, description: str) -> str:
    """The drawing as a document that stands alone or within a page."""
    wide, high = _number(drawing.width), _number(drawing.height)
    frames = [_box(box) for box in drawing.boxes if box.frame]
    boxes = [_box(box) for box in drawing.boxes if not box.frame]
    order = sorted(drawing.wires, key=lambda wire: list(_LINES).index(wire.kind))
    body = [*frames, *map(_wire, order), *boxes, *(_text(label, "cn-label ") for label in drawing.labels)]
    # Several pictures may stand in one page.
    mark = hashlib.sha256("".join([title, description, *body]).encode()).hexdigest()[:8]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="cn-picture" viewBox="0 0 {wide} {high}" width="{wide}" '
            f'height="{high}" role="img" aria-labelledby="cn-t-{mark} cn-d-{mark}">',
            f'<title id="cn-t-{mark}">{escaped(title)}</title>',
            f'<desc id="cn-d-{mark}">{escaped(description)}</desc>',
            f"<style>{_style()}</style>",
            f'<rect class="cn-paper" width="{wide}" height="{high}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _box(box: Box) -> str:
    radius = 10 if box.kind == "node" else 7
    said = f"<title>{escaped(box.title)}</title>" if box.title else ""
    frame = " cn-frame" if box.frame else ""
    return (
        f'<g class="cn-box cn-{box.kind}{frame}">{said}<rect x="{_number(box.x)}" y="{_number(box.y)}" '
        f'width="{_number(box.width)}" height="{_number(box.height)}" rx="{radius}"/>'
        f"{''.join(map(_text, box.texts))}</g>"
    )


def _wire(wire: Wire) -> str:
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in wire.points)
    said = f"<title>{escaped(wire.title)}</title>" if wire.title else ""
    dots = "".join(f'<circle cx="{_number(x)}" cy="{_number(y)}" r="4.5"/>' for x, y in wire.dots)
    return f'<g class="cn-wire cn-w-{wire.kind}">{said}<polyline points="{points}"/>{dots}</g>'


def _text(text: Text, label: str = "") -> str:
    x, y = _number(text.x), _number(text.y)
    turned = f' transform="rotate(-90 {x} {y})"' if text.turned else ""
    return (
        f'<text class="{label}cn-t-{text.style}" x="{x}" y="{y}" font-size="{_number(text.size)}" '
        f'text-anchor="{text.anchor}"{turned}>{escaped(text.text)}</text>'
    )


def _number(value: float) -> str:
    """At most one digit after the point, none if it is 0: the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")


def _style() -> str:
    """Classes of our own only, for the page around has its own style."""
    return (
        f".cn-picture{{font-family:{_FONT}}}.cn-picture rect{{stroke-width:1.5}}"
        ".cn-picture .cn-paper{stroke:none}.cn-picture polyline{fill:none;stroke-linejoin:round}"
        ".cn-picture .cn-more rect{stroke-dasharray:4 3}"
        ".cn-picture text{white-space:pre;unicode-bidi:isolate}"
        + "".join(
            f".cn-w-{name} polyline{{stroke-width:{_number(wide)}{f';stroke-dasharray:{dashes}' if dashes else ''}}}"
            for name, (_light, _dark, wide, dashes) in _LINES.items()
        )
        + "".join(f".cn-t-{name}{{font-weight:{weight}}}" for name, (_l, _d, weight) in _TEXTS.items())
        + _theme(0)
        + f"@media (prefers-color-scheme:dark){{{_theme(1)}}}"
    )


def _theme(which: int) -> str:
    paper = ("#ffffff", "#0d1320")[which]
    return (
        f".cn-picture .cn-paper{{fill:{paper}}}"
        + "".join(f".cn-{n} rect{{fill:{c[which][0]};stroke:{c[which][1]}}}" for n, c in _COLOURS.items())
        + "".join(
            f".cn-w-{n} polyline{{stroke:{c[which]}}}.cn-w-{n} circle{{fill:{c[which]}}}" for n, c in _LINES.items()
        )
        + "".join(f".cn-t-{n}{{fill:{c[which]}}}" for n, c in _TEXTS.items())
    )
