# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task imports: all that it can need, sent along, but only what it does need, run."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
import zipimport
from pathlib import Path

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.archive import Archive
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.registry import DECLARATIONS, KINDS
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.types.registry import TYPES

ROOT = Path(__file__).parents[3]
CORE = ROOT / "plugins/module_utils/_core"
PROGRAM = """
import sys
sys.path.insert(0, {path!r})
from ansible_collections.containerland.net.plugins.module_utils._ansible import runner
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.registry import DECLARATIONS
DECLARATIONS["veth"]
print(*sorted(name.partition("._core.")[2] for name in sys.modules if "._core." in name))
"""


def test_everything_is_found_under_its_own_name() -> None:
    assert [kind.name for kind in KINDS.values()] == list(KINDS)
    assert [declaration.name for declaration in DECLARATIONS.values()] == list(DECLARATIONS)
    assert [link_type.kind for link_type in TYPES.values()] == list(TYPES)


@pytest.mark.parametrize("package", ["kinds", "kinds/types"])
def test_what_is_imported_late_is_sent_along(package: str) -> None:
    """AnsiballZ takes what it sees imported in the sources."""
    tree = ast.parse((CORE / package / "registry.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {f"{node.module}.{name.name}".replace("None.", "") for node in imports for name in node.names}
    registries = {"kinds": (KINDS, DECLARATIONS), "kinds/types": (TYPES,)}[package]
    wanted = {place.partition(":")[0] for registry in registries for place in registry._places.values()}
    assert wanted <= seen


def test_a_task_does_not_import_what_it_does_not_use() -> None:
    program = PROGRAM.format(path=str(ROOT / ".collections"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"engine", "kinds.link", "kinds.types.veth", "kernel.netlink"} <= loaded
    assert not loaded & {"kinds.ipset", "kinds.iptables_chain", "kinds.ipvs", "kinds.route", "kinds.types.vxlan"}
    assert not loaded & {"kernel.ipvs", "kernel.messages", "kernel.xtables", "guard", "ownership", "store", "info"}


def test_files_of_an_archive_have_the_names_that_zipimport_gives(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("outer/__init__.py", "")
        archive.writestr("outer/inner/__init__.py", "")
        archive.writestr("outer/inner/module.py", "this is no Python")
    for place, name in ((path, "outer"), (path / "outer", "outer.inner")):
        ours, theirs = Archive(str(place)), zipimport.zipimporter(str(place))
        assert ours.get_filename(name) == theirs.get_filename(name)
    # Nor is a source compiled for that.
    assert Archive(str(path / "outer/inner")).get_filename("outer.inner.module") == str(path / "outer/inner/module.py")
    with pytest.raises(ImportError):
        Archive(str(path)).get_filename("nothing")
