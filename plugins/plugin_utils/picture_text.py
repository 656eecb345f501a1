# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of a picture: made harmless, measured, broken into lines; pure, no Ansible."""

from __future__ import annotations

import unicodedata
from xml.sax.saxutils import escape as _escape

# Widths of printable ASCII in thousandths of the size, those of DejaVu Sans, which is wider than Arial and Helvetica.
_ASCII = (
    "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 "
    "636 636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 "
    "603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 "
    "634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838 "
)
_WIDTHS = {chr(32 + place): int(width) for place, width in enumerate(_ASCII.split())}
_BOLD = 1.16
_MOST_MARKS = 2
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def harmless(text: str) -> str:
    """The text without what could not be drawn, would turn the writing direction, or would leave its line."""
    shown = ""
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if category.startswith("C") or category in ("Zl", "Zp") or marks > _MOST_MARKS:
            shown += REPLACEMENT
        else:
            shown += " " if category == "Zs" else character
    return shown


def escaped(text: str) -> str:
    """The text for XML, in elements and in attributes."""
    return _escape(harmless(text), {'"': "&quot;", "'": "&#39;"})


def width(text: str, size: float, bold: bool = False) -> float:
    """An upper bound of how wide the text is drawn, in pixels."""
    total = sum(_WIDTHS.get(character) or _other(character) for character in harmless(text))
    return total * size / 1000 * (_BOLD if bold else 1)


def _other(character: str) -> int:
    if unicodedata.category(character).startswith("M"):
        return 300
    return 1350 if unicodedata.east_asian_width(character) in "WF" else 1100


def lines(text: str, size: float, most: float, bold: bool = False) -> list[str]:
    """The text in lines of at most that many pixels; broken at a space where there is one, anywhere else."""
    found: list[str] = []
    line = ""
    for character in harmless(text):
        if line and width(line + character, size, bold) > most:
            head, space, tail = line.rpartition(" ")
            if space and head:
                found.append(head)
                line = tail
            else:
                found.append(line)
                line = ""
        line += character
    return [*found, line]
