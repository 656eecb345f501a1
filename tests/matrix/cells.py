# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to test with: the environments that scripts/lib/matrix.sh has made below .cache/matrix."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "matrix"
#: All cells, or the two corners of the oldest and the newest.
ALL = bool(os.environ.get("CONTAINERLAND_MATRIX"))


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        names: of its directories, which are versions: of Python and pyroute2, or of ansible-core.
        path: where it is.
    """

    names: tuple[str, ...]
    path: Path

    def __str__(self) -> str:
        return "-".join(self.names)

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def versions(self, *packages: str) -> dict[str, str]:
        """Python's and the packages' own words."""
        code = "import sys, platform; from importlib.metadata import version\nprint(platform.python_version())\n"
        code += "for name in sys.argv[1:]: print(version(name))"
        done = subprocess.run(
            [str(self.python), "-c", code, *packages], capture_output=True, text=True, check=True, cwd="/"
        )
        return dict(zip(("python", *packages), done.stdout.split()))


def _environments(directory: str, pattern: str) -> list[Environment]:
    root = CACHE / directory
    stamps = root.glob(f"{pattern}/.made-of")
    found = [Environment(path.parent.relative_to(root).parts, path.parent) for path in stamps]
    return sorted(found, key=lambda each: [version(name) for name in each.names])


def nodes() -> list[Environment]:
    """By Python, then by pyroute2."""
    return _environments("nodes", "*/*")


def corners() -> list[Environment]:
    """All that is oldest, and all that is newest."""
    found = nodes()
    return list(dict.fromkeys([*found[:1], *found[-1:]]))


def chosen() -> list[Environment]:
    return nodes() if ALL else corners()


def controllers() -> list[Environment]:
    return _environments("controllers", "*")


def pytest_of(node: Environment) -> Environment:
    """What runs tests with its Python."""
    return Environment(node.names[:1], CACHE / "pytest" / node.names[0])


def packages_of(environment: Environment) -> Path:
    (found,) = environment.path.glob("lib/python*/site-packages")
    return found


def clean(**more: str) -> Mapping[str, str]:
    """The environment of this process without what belongs to its own Python."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST"))
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "ANSIBLE_NOCOLOR": "1", **more}
