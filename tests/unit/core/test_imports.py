# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the core may import: it runs at boot, without Ansible, and loads pyroute2 only for what needs it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CORE = ROOT / "plugins" / "module_utils" / "_core"
FILES = sorted(CORE.rglob("*.py"))
PROGRAM = """
import importlib, sys
sys.path.insert(0, {path!r})
for name in {names!r}:
    importlib.import_module("ansible_collections.containerland.net.plugins.module_utils." + name)
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(*sorted(loaded & {{"ansible", "pyroute2", "netaddr", "yaml", "jinja2"}}))
"""


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_imports_the_standard_library_only(path: Path) -> None:
    assert imported(path) <= set(sys.stdlib_module_names)


def test_importing_the_core_loads_neither_ansible_nor_pyroute2() -> None:
    names = [str(path.relative_to(CORE.parent).with_suffix("")).replace("/", ".") for path in FILES]
    names = [name for name in names if not name.endswith("__init__")]
    assert "_core.engine" in names and "_core.kinds.types.vxlan" in names
    program = PROGRAM.format(path=str(ROOT / ".collections"), names=names)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_class_of_pyroute2_is_loaded_without_the_package() -> None:
    """Which others that share the interpreter can import afterwards, and could before."""
    program = f"""
import sys
sys.path.insert(0, {str(ROOT / ".collections")!r})
if sys.argv[1:]:
    import pyroute2
before = {{name: found for name, found in sys.modules.items() if name.startswith("pyroute2")}}
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.pyroute2_classes import load
first = load("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg")
second = load("pyroute2.netlink.rtnl.fibmsg", "fibmsg")
assert first.__mro__[-3:] == second.__mro__[-3:]
assert before == {{name: found for name, found in sys.modules.items() if name.startswith("pyroute2")}}
from pyroute2 import IPRoute
print(IPRoute.__name__)
"""
    for arguments in ([], ["before"]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "IPRoute\n"), done.stderr
