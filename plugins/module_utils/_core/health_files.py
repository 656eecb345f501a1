# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which services a node watches, and which of their servers fail: the files that tell it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from . import state_file
from .balance import elements
from .declare import owner_name
from .errors import StoreError

CONFIGURATION = f"{state_file.DIRECTORY}/health"
STATE = "/run/containerland.health"
FORMAT = state_file.Format(1)

Service = Mapping[str, Any]
Failing = Mapping[str, Collection[str]]


def names() -> list[str]:
    """Under which names services are watched."""
    return state_file.owners(CONFIGURATION)


def lists_of(name: str) -> dict[str, list[Any]]:
    """What is declared of the services that are watched under a name, without the servers that fail.

    Raises:
        StoreError: the file cannot be used.
    """
    try:
        return topology_lists(saved(name), failing_of(name))
    except (KeyError, TypeError, AttributeError):
        raise state_file.damaged(os.path.join(CONFIGURATION, f"{name}.json")) from None


def failing_of(name: str) -> Failing:
    """Service → its servers that fail, of the services that are watched under a name."""
    return read_failing(os.path.join(STATE, f"{name}.json"))


def save(name: str, services: Sequence[Service]) -> None:
    """What is to be watched from now on; no services leave no file.

    Raises:
        StoreError: the file cannot be read or written.
    """
    path = os.path.join(CONFIGURATION, f"{owner_name(name)}.json")
    if services == saved(name):
        return
    if services:
        state_file.write(path, json.dumps({"version": FORMAT.version, "services": services}).encode())
    else:
        state_file.unlink(path, directories=2)


def forget(name: str) -> None:
    """Takes away who fails, with the directory if nobody else is watched."""
    for file in (f"{name}.json", f"{name}.json.new"):
        with suppress(OSError):
            os.unlink(os.path.join(STATE, file))
    with suppress(OSError):
        os.rmdir(STATE)


def saved(name: str) -> list[Service]:
    """What is watched; nothing if there is no file.

    Raises:
        StoreError: it is damaged, of a newer version, or unreadable.
    """
    try:
        path = os.path.join(CONFIGURATION, f"{owner_name(name)}.json")
    except ValueError as problem:
        raise StoreError(
            f"'{name}.json' in {CONFIGURATION} has no name that services can be watched under: {problem}"
        ) from None
    try:
        return list(state_file.read(path, FORMAT)["services"])
    except FileNotFoundError:
        return []
    except (KeyError, TypeError):
        raise state_file.damaged(path) from None


def read_failing(path: str) -> Failing:
    """Who failed last; nobody if that is not known."""
    try:
        with open(path, encoding="utf-8") as file:
            return {
                str(name): [str(server) for server in servers] for name, servers in json.load(file)["failing"].items()
            }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def topology_lists(services: Sequence[Service], failing: Failing) -> dict[str, list[Any]]:
    """Lists of a topology."""
    lists: dict[str, list[Any]] = {}
    for service in services:
        for name, made in elements(service, failing.get(service["name"], ())).items():
            lists.setdefault(name, []).extend(made)
    return lists
