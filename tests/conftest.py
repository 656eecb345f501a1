# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for all tests."""

from __future__ import annotations

# Tests marked `other_kernel` go to a second kernel where this one cannot run them.
pytest_plugins = ["tests.other_kernel.plugin"]
