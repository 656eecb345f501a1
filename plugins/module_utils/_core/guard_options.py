# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules whose changes can be guarded; what they do is in `guard.py`."""

from __future__ import annotations

from .fields import Field, Fields

#: Where the files of guarded changes are; there is no such directory where none is pending.
DIRECTORY = "/run/containerland.guard"
_LEAST, _MOST = 2, 600
OPTION = "confirm_timeout"


def _seconds(value: int) -> int:
    if value and not _LEAST <= value <= _MOST:
        raise ValueError(f"must be {_LEAST} to {_MOST} seconds, or 0 for no guard: {value}")
    return value


GUARD: Fields = {
    OPTION: Field(
        "int",
        (
            "Seconds, V(2) to V(600), in which the controller must reach the node again over a new connection once the "
            "change is made. If it does not, the node takes the change back, and the task fails.",
            "The state before also returns, at once, if the run or its watchdog is killed.",
            "The task ends when the change is confirmed or taken back. It cannot be combined with C(async).",
            "Without it, or with V(0), changes need no confirmation.",
        ),
        check=_seconds,
    ),
}


#: The modules that have this option.
GUARDED = ("iptables_chain", "route", "topology")


def module_fields(name: str, fields: Fields) -> Fields:
    """The options of a module: those of its elements, and its own."""
    return {**fields, **GUARD} if name in GUARDED else fields
