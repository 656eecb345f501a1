# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as one file that the node can run without Ansible: a zip archive of Python, as of zipapp."""

from __future__ import annotations

import importlib
import importlib.util
import io
import pkgutil
import shlex
import zipfile
from collections.abc import Iterator

from ._core import program

#: What the engine is called inside.
PACKAGE = "containerland_core"
_MAIN = f"import sys\n\nfrom {PACKAGE}.program import main\n\nsys.exit(main())\n"
# Not "#!PYTHON", which takes no blanks in the path, and only 127 bytes on older kernels (execve(2)). -I: neither the
# environment nor the directory that it is called in chooses what is imported.
_START = '#!/bin/sh\nexec {} -I "$0" "$@"\n'


def archive(interpreter: str) -> bytes:
    """The program, to be run by this Python: the same sources give the same bytes."""
    buffer = io.BytesIO()
    buffer.write(_START.format(shlex.quote(interpreter)).encode())
    # Not compressed, for that depends on the version of zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, text in sorted({**dict(_sources()), "__main__.py": _MAIN}.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            file.writestr(entry, text)
    return buffer.getvalue()


def _sources() -> Iterator[tuple[str, str]]:
    """The files of the engine as they are here: in an archive too while Ansible runs a module, in a directory else.

    Ansible sends along what is imported; so what the program imports is there.
    """
    package = importlib.import_module(program.__name__.rpartition(".")[0])
    yield f"{PACKAGE}/__init__.py", ""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        inside = found.name[len(package.__name__) + 1 :].replace(".", "/")
        yield f"{PACKAGE}/{inside}{'/__init__' if found.ispkg else ''}.py", _source(found.name)


def _source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise AssertionError(f"{name} is here and cannot be found")
    text: str | None = spec.loader.get_source(name)  # type: ignore[attr-defined]
    return text or ""
