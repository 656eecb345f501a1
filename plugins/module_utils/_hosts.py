# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of lines in the hosts files of a node and of its namespaces (/etc/netns/NAME/hosts, see ip-netns(8)).

A block stands between two lines that name its owner. What others have in a file stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ._core.errors import ContainerlandError

NODE = "/etc/hosts"
NAMESPACES = "/etc/netns"
# Such a file stands instead of the node's, so it must tell what everybody relies on.
_LOOPBACK = ("127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback")


def lines_of(entries: Sequence[Mapping[str, object]]) -> list[str]:
    """A line per address."""
    found = []
    for entry in entries:
        names = entry["names"]
        if not isinstance(names, list):
            raise TypeError(f"names must be a list, not {names!r}")
        found.append(" ".join([str(entry["address"]), *map(str, names)]))
    return found


def path_of(namespace: str) -> str:
    """The hosts file of a namespace."""
    return os.path.join(NAMESPACES, namespace, "hosts")


def wanted(owner: str, lines: Sequence[str], namespaces: Sequence[str], node: bool) -> dict[str, str | None]:
    """What each file is to hold, by path; None = the file is to go.

    Files with a block of this owner that are not to have one any more are among them.
    """
    blocks: dict[str, list[str]] = {path_of(name): [*lines] for name in namespaces}
    if node and lines:
        blocks[NODE] = [*lines]
    found: dict[str, str | None] = {}
    for path in sorted({*blocks, *_present()}):
        before = read(path)
        others = _without(owner, before or "")
        if path in blocks:
            loopback = [] if others.strip() or path == NODE else _LOOPBACK
            found[path] = others + _block(owner, [*loopback, *blocks[path]])
        elif before is not None and _marks(owner)[0] in before.splitlines():
            found[path] = others if others.strip() or path == NODE else None
    return found


def read(path: str) -> str | None:
    """What a file holds; None = there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise ContainerlandError(f"cannot read '{path}': {problem.strerror}") from None


def write(path: str, content: str | None) -> None:
    """Make a file hold that. In place: who has it mounted elsewhere is to see what changes."""
    try:
        if content is None:
            os.unlink(path)
            _remove_empty(os.path.dirname(path))
            return
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        data = content.encode("utf-8", "surrogateescape")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            file.truncate()
    except OSError as problem:
        raise ContainerlandError(f"cannot write '{path}': {problem.strerror}") from None


def _present() -> list[str]:
    """All hosts files that there are."""
    try:
        names = os.listdir(NAMESPACES)
    except OSError:
        names = []
    return [path for path in (NODE, *map(path_of, names)) if os.path.isfile(path)]


def _remove_empty(directory: str) -> None:
    for path in (directory, NAMESPACES):
        try:
            os.rmdir(path)
        except OSError:  # others have something in it
            return


def _marks(owner: str) -> tuple[str, str]:
    return f"# BEGIN containerland.net {owner}", f"# END containerland.net {owner}"


def _block(owner: str, lines: Sequence[str]) -> str:
    begin, end = _marks(owner)
    return "\n".join([begin, *lines, end, ""])


def _without(owner: str, content: str) -> str:
    """The content without the owner's block."""
    begin, end = _marks(owner)
    kept: list[str] = []
    inside = False
    for line in content.splitlines(keepends=True):
        if line.strip() == begin:
            inside = True
        elif inside and line.strip() == end:
            inside = False
        elif not inside:
            kept.append(line)
    text = "".join(kept)
    return text if not text or text.endswith("\n") else text + "\n"
