# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of inventory variables, which may be texts where numbers are meant; each refused with its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .fleet_model import FleetError
from .netaddr_names import AddrFormatError, IPAddress


def number(value: Any, where: str, least: int = 1, most: int = 65535) -> int:
    """A whole number within limits, those of a port by default, or FleetError."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise FleetError(where, f"must be a number from {least} to {most}, not {value!r}")
    return int(text)


def address_of(value: Any, where: str) -> IPAddress:
    """An IP address, or FleetError."""
    text = str(value)
    try:
        # netaddr takes "5" for 0.0.0.5.
        return IPAddress(text if "." in text or ":" in text else "")
    except (AddrFormatError, ValueError, TypeError):
        raise FleetError(where, f"not an IP address: {value!r}") from None


def check_options(item: Mapping[str, Any], known: Sequence[str], path: str) -> None:
    """Refuses what is no option (FleetError)."""
    for key in item:
        if key not in known:
            raise FleetError(f"{path}.{key}", f"there is no such option; there are {', '.join(known)}")
