# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a declaration: of one module, or of a whole topology."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Callable

from .canonical import netns_ref
from .errors import InputError
from .fields import Field, Fields, parse
from .kinds.base import Place
from .kinds.registry import DECLARATIONS
from .kinds.sysctl import SYSCTLS, declare_sysctls
from .model import Declaration

# The option of topology for each declaration. `netns` is the place everywhere, so namespaces have a list of
# another name.
LISTS = {("namespaces" if name == "netns" else name): name for name in DECLARATIONS}


def owner_name(value: str) -> str:
    """A topology's name: it is a file's name too."""

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
        raise ValueError(
            f"use letters, digits, '_', '-' and '.', at most 64, beginning with a letter or digit: {value!r}"
        )
    return value


@functools.cache
def topology_fields() -> Fields:
    """The options of a topology, which are those of all declarations: made when they are needed."""
    return {
        "name": Field(
            "str",
            "The owner: what this name declared before and declares no longer is removed, or set back to what it was.",
            required=True,
            check=owner_name,
        ),
        "state": Field(
            "str",
            "V(absent) takes away all that this owner made, and sets back all that it changed.",
            default="present",
            choices=("present", "absent"),
        ),
        "netns": Field(
            "str",
            (
                "The namespace of elements that name none of their own: by name (V(web1)), by path "
                "(V(/proc/123/ns/net)), or as V(pid:123), V(docker:NAME), V(podman:NAME), V(lxc:NAME) or "
                "V(machine:NAME).",
                "Without it, the namespace the task runs in.",
            ),
            check=netns_ref,
        ),
        "stopped": Field(
            "str",
            (
                "What to do if a container, machine or process that a namespace is named by does not run.",
                "V(refuse) fails, and changes nothing.",
                "V(leave_out) warns, and leaves out what is in there or leads there. The next run connects it, and so "
                "does C(containerland-net repair), which a timer can run.",
            ),
            default="refuse",
            choices=("refuse", "leave_out"),
        ),
        "sysctls": SYSCTLS,
        **{
            option: Field(
                "list",
                f"Elements with the options of M(containerland.net.{name}).",
                elements="dict",
                fields=DECLARATIONS[name].fields,
                module=f"containerland.net.{name}",
            )
            for option, name in LISTS.items()
        },
    }


Canonical = Callable[[str], str]


def declare_one(name: str, options: Mapping[str, Any], canonical: Canonical) -> Declaration:
    """The declaration of a single-object module.

    Raises:
        InputError: with the option's path.
    """
    declarable = DECLARATIONS[name]
    place = Place(Declaration(), "", canonical)
    declarable.declare(parse(declarable.fields, options), "", place)
    return place.declaration


def declare_topology(options: Mapping[str, Any], canonical: Canonical) -> Declaration:
    """The declaration of a topology.

    Raises:
        InputError: with the option's path.
    """
    parsed = parse(topology_fields(), options)
    place = Place(Declaration(), parsed.get("netns", ""), canonical)
    if parsed["state"] == "absent":
        extra = next((name for name in (*LISTS, "sysctls") if parsed.get(name)), None)
        if extra is not None:
            raise InputError(extra, "means nothing with state: absent, which takes away all that this owner made")
        return place.declaration
    for option, name in LISTS.items():
        for number, element in enumerate(parsed.get(option, ())):
            place.path = f"{option}[{number}]"
            DECLARATIONS[name].declare(element, place.path, place)
    declare_sysctls(parsed.get("sysctls", {}), place.netns, "sysctls", place)
    return place.declaration
