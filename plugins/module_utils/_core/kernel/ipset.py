# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's sets of addresses, through the node's own ipset(8).

Only that program knows every type of set and the form in which it prints an entry; `ipset restore` takes any number
of changes in one process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import MissingError
from . import programs

# Reserved for what this collection makes and takes away again within a run.
TEMPORARY = "cl_tmp_"
INTEGERS = ("hashsize", "maxelem", "netmask", "size", "timeout")
FLAGS = ("counters", "comment", "skbinfo", "forceadd")
#: What a set is made with, in the order in which it is written; '' and False stand for "not set".
HEADER = ("type", "family", "range", *INTEGERS[:3], "bitmask", "markmask", *INTEGERS[3:], *FLAGS)
ENTRY_FLAGS = ("nomatch", "wildcard")
_ENTRY_TEXTS = ("skbmark", "skbprio", "skbqueue")
_WITH_VALUE = frozenset({"timeout", "comment", "packets", "bytes", "before", "after", *_ENTRY_TEXTS})
#: What an entry has if nothing is said.
PLAIN: Mapping[str, Any] = {
    "timeout": "",
    "comment": "",
    **dict.fromkeys(ENTRY_FLAGS, False),
    **dict.fromkeys(_ENTRY_TEXTS, ""),
    "extra": (),
}
#: The values of a declared entry without options; the very object, so that it is told at a glance.
BARE: Mapping[str, Any] = dict.fromkeys(ENTRY_FLAGS, False)
# Each option of an entry, and the option that its set must have been made with.
_WRITTEN = (
    ("timeout", "timeout"),
    ("packets", "counters"),
    ("bytes", "counters"),
    ("comment", "comment"),
    *((name, "skbinfo") for name in _ENTRY_TEXTS),
    *((name, "") for name in ENTRY_FLAGS),
    ("before", ""),
    ("after", ""),
)
# Words of a header that differ from set to set without meaning anything.
_VOLATILE = ("initval",)
# As ipset(8) splits a line: other white space and ends of lines may be in a comment.
_WORD = re.compile(r'"[^"]*"|\S+', re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")
_ERROR = re.compile(r"^ipset v\S+: (?:Error in line (\d+): )?(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Header:
    """A set without its entries.

    Attributes:
        values: HEADER's names → what the set was made with.
        more: other words of its creation, which a copy gets too.
        references: how many rules and lists refer to it.
        count: how many entries it has.
    """

    values: Mapping[str, Any]
    more: tuple[str, ...] = ()
    references: int = 0
    count: int = 0


class Refused(Exception):
    """ipset did not take its input.

    Args:
        line: which, from 0; None if it did not say.
        words: why.
    """

    def __init__(self, line: int | None, words: str) -> None:
        super().__init__(words)
        self.line = line
        self.words = words


def headers(fd: int | None) -> dict[str, Header]:
    """All sets of a namespace, without their entries.

    Raises:
        MissingError: no program, no privilege, or no sets in this kernel.
    """
    try:
        output = _ask(fd, ["list", "-terse"])
    except Refused as problem:
        said = f"ipset says: {problem.words}"
        raise MissingError(f"this kernel has no sets of addresses: load the module ip_set ({said})") from None
    found: dict[str, Header] = {}
    for block in output.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n"))
        if "Name" in lines:
            values, more = _header(lines["Type"], lines.get("Header", "").split())
            references, count = int(lines.get("References", 0)), int(lines.get("Number of entries", 0))
            found[lines["Name"]] = Header(values, more, references, count)
    return found


def entries(fd: int | None, name: str) -> list[str]:
    """The entries of a set, as they would be added again; none if there is no such set."""
    start = f"add {name} "
    try:
        lines = _ask(fd, ["save", name]).split("\n")
    except Refused as problem:
        if "does not exist" in problem.words:
            return []
        raise
    return [line[len(start) :] for line in lines if line.startswith(start)]


def restore(fd: int | None, lines: Sequence[str]) -> None:
    """Carries out commands in order, in one process; adding what is there and deleting what is not are no errors.

    Raises:
        Refused: at the first that fails; those before it were carried out.
        MissingError: no program, no privilege, or no sets in this kernel.
    """
    if lines:
        _ask(fd, ["-exist", "restore"], "".join(f"{line}\n" for line in lines))


def _ask(fd: int | None, arguments: list[str], stdin: str = "") -> str:
    done = programs.run(fd, ["ipset", *arguments], stdin)
    if done.returncode == 0:
        return done.stdout
    said = _ERROR.search(done.stderr)
    line, words = said.groups() if said else (None, done.stderr.strip().partition("\n")[0])
    words = words.replace("`", "'").rstrip(".")
    if "Operation not permitted" in words:
        raise MissingError("sets of addresses (ipset) need root (CAP_NET_ADMIN) on the node: use become: true")
    raise Refused(int(line) - 1 if line else None, words)


def _header(kind: str, words: Iterable[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    values: dict[str, Any] = {name: False if name in FLAGS else "" for name in HEADER}
    values["type"] = kind
    more: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in FLAGS:
            values[word] = True
            continue
        value = next(rest, "")
        if word in values:
            values[word] = int(value) if word in INTEGERS else value
        elif word not in _VOLATILE:
            more += [word, value]
    return values, tuple(more)


def create(name: str, values: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """The command that makes a set."""
    words = ["create", name, str(values["type"])]
    for option in HEADER[1:]:
        value = values.get(option, "")
        if not unset(value):
            words += [option] if value is True else [option, str(value)]
    return " ".join([*words, *more])


def unset(value: Any) -> bool:
    """Whether an option is not there; 0 is a time-out that never ends."""
    return value is False or value == ""


def parse_entry(line: str) -> tuple[str, dict[str, Any]]:
    """Element and options of an entry, as `ipset save` prints it or a person writes it.

    Raises:
        ValueError: an option lacks its value.
    """
    element, space, rest = line.partition(" ")
    if not space:
        return element, {}
    options: dict[str, Any] = {}
    extra: list[str] = []
    words = iter(_WORD.findall(rest))
    for word in words:
        if word in _WITH_VALUE:
            value = next(words, None)
            if value is None:
                raise ValueError(f"'{word}' needs a value")
            value = value.strip('"')
            number = word in ("timeout", "packets", "bytes") and _DECIMAL.fullmatch(value)
            options[word] = int(value) if number else value
        elif word in ENTRY_FLAGS:
            options[word] = True
        else:
            extra.append(word)
    if extra:
        options["extra"] = tuple(extra)
    return element, options


def write_entry(element: str, values: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """The entry as a person would write it; without what a set of this header cannot keep."""
    if values is BARE:
        return element
    words = [element]
    for name, needs in _WRITTEN:
        value = values.get(name, "")
        if unset(value) or (header is not None and needs and unset(header.get(needs, ""))):
            continue
        if value is True:
            words.append(name)
        else:
            words += [name, f'"{value}"' if name == "comment" else str(value)]
    return " ".join([*words, *values.get("extra", ())])
