# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing from a zip archive, such as Ansible sends, with each source compiled once."""

from __future__ import annotations

import sys
import zipimport


class Archive(zipimport.zipimporter):
    """zipimport compiles a module to learn its file's name, and again to run it."""

    def get_filename(self, fullname: str) -> str:
        end = "/__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{end}"


def compile_once() -> None:
    """From now on, in this process."""
    sys.path_hooks.insert(0, Archive)
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]
