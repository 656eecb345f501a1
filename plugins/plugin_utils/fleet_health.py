# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the servers of a service are asked whether they are well: what ``health`` may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .fleet_model import FleetError
from .fleet_values import check_options, number

TYPES = ("tcp", "http")
PATH = re.compile(r"/[!-~]*")
# Option → least, most, and what it is if nothing is said.
NUMBERS = {"interval": (1, 3600, 2), "timeout": (1, 60, 1), "rise": (1, 100, 2), "fall": (1, 100, 3)}
OPTIONS = ("type", "path", "port", *NUMBERS)


def health_of(said: Any, protocol: str, where: str) -> dict[str, Any]:
    """A check as _core/health.py takes it.

    Args:
        said: as the user wrote it; nothing is no check.
        protocol: of the service.
        where: its path.

    Raises:
        FleetError: an option is wrong, by its path.
    """
    if said in (None, "", {}):
        return {}
    if not isinstance(said, Mapping):
        raise FleetError(where, f"must be a dictionary, such as {{type: http, path: /healthz}}, not {said!r}")
    check_options(said, OPTIONS, where)
    kind = str(said.get("type") or TYPES[0])
    if kind not in TYPES:
        raise FleetError(f"{where}.type", f"must be one of {', '.join(TYPES)}, not {kind!r}")
    path = str(said.get("path") or "/")
    if not PATH.fullmatch(path):
        raise FleetError(f"{where}.path", f"must begin with '/' and have no blanks, not {path!r}")
    if said.get("path") and kind != "http":
        raise FleetError(f"{where}.path", "is for type: http")
    port = number(said["port"], f"{where}.port", 1, 65535) if said.get("port") else 0
    if not port and protocol != "tcp":
        problem = f"is needed: whether a {protocol} server is well is asked by TCP, at a port that answers"
        raise FleetError(f"{where}.port", problem)
    numbers = {
        name: usual if said.get(name) is None else number(said[name], f"{where}.{name}", least, most)
        for name, (least, most, usual) in NUMBERS.items()
    }
    return {"type": kind, "path": path, "port": port, **numbers}
