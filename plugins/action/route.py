# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of route: see guarded.py. A redirection in meta/runtime.yml would mix up module_defaults."""

from __future__ import annotations

from ansible_collections.containerland.net.plugins.plugin_utils.guarded import ActionModule

__all__ = ["ActionModule"]
