# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single classes of pyroute2, without the rest of it: the package imports all that it has, which takes 0.2 s.

Under the package's name stands an empty one with the same path while the modules that we need are imported. Nobody
else sees it: what is in sys.modules of pyroute2 before is there afterwards.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..errors import MissingError

_PACKAGE = "pyroute2"
_ours: dict[str, ModuleType] = {}


@functools.cache
def load(module: str, name: str) -> Any:
    """A class by its module's and its own name.

    Raises:
        MissingError: pyroute2 is not installed, or lacks it.
    """
    try:
        try:
            with _bare_package():
                return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            # A version whose modules need more of the package.
            return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise MissingError("this needs the Python library pyroute2 on the node (0.7.2 or newer)") from None


@contextmanager
def _bare_package() -> Iterator[None]:
    others = _taken_out()
    try:
        if not _ours:
            _ours[_PACKAGE] = _empty_package()
        sys.modules.update(_ours)
        yield
        _ours.update(_present())
    finally:
        _taken_out()
        sys.modules.update(others)


def _empty_package() -> ModuleType:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(_PACKAGE)
    package = ModuleType(_PACKAGE)
    package.__path__ = list(spec.submodule_search_locations)
    return package


def _present() -> dict[str, ModuleType]:
    return {name: found for name, found in sys.modules.items() if name.partition(".")[0] == _PACKAGE}


def _taken_out() -> dict[str, ModuleType]:
    found = _present()
    for name in found:
        del sys.modules[name]
    return found
