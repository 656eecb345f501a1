# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel lets this process do (capabilities(7)), asked before anything changes."""

from __future__ import annotations

from ..errors import MissingError

# Their numbers, from linux/capability.h.
NUMBERS = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}


def has(name: str) -> bool:
    """Whether the process has a capability. The namespaces that it is about may still belong to somebody else."""
    with open("/proc/thread-self/status", encoding="ascii", errors="replace") as status:
        effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    return bool(effective >> NUMBERS[name] & 1)


def require(name: str, purpose: str) -> None:
    """Raises MissingError, which says what the capability would be for, unless the process has it."""
    if not has(name):
        raise MissingError(f"{purpose} needs {name} on the node: run the task with become: true")
