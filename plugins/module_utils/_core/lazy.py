# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is imported when it is asked for.

Ansible sends modules as source, and the node compiles in every task what that task imports: for a task of one kind,
importing all would take longer than the rest of it. AnsiballZ must find an import of each somewhere in the sources.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Callable, Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D")


class Registry(dict[str, T], Generic[T]):
    """Objects by name, as a mapping whose values are imported at first use; one that is there costs a dict's look-up.

    Args:
        package: where their modules are.
        places: name → "MODULE:NAME" of the object, or of what makes it.
        make: from what is found there to the object.
    """

    def __init__(self, package: str, places: Mapping[str, str], make: Callable[[Any], T]) -> None:
        super().__init__()
        self._package = package
        self._places = places
        self._make = make

    def __missing__(self, name: str) -> T:
        module, _colon, attribute = self._places[name].partition(":")
        found = getattr(importlib.import_module(f"{self._package}.{module}"), attribute)
        self[name] = made = self._make(found)
        return made

    def get(self, name: str, default: D = None) -> T | D:  # type: ignore[assignment]
        return self[name] if name in self._places else default

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> Any:
        return self._places.keys()

    def values(self) -> Any:
        return [self[name] for name in self._places]

    def items(self) -> Any:
        return [(name, self[name]) for name in self._places]


class Module:
    """Stands for a module.

    Args:
        beside: the `__name__` of a module of the same package; Python 3.9 does not know `__package__` yet while it
            imports from an archive, as Ansible has it do.
        name: without its package.
    """

    def __init__(self, beside: str, name: str) -> None:
        self._name = f"{beside.rpartition('.')[0]}.{name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)
