# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember what the nodes look like before the role comes."""

from __future__ import annotations

from labtest import snapshot


def test_nodes_are_there() -> None:
    assert len(snapshot.save()) > 1
