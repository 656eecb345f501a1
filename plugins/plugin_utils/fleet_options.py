# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a fleet plan, by name, with the variables that speak for them; needs nothing but Python."""

from __future__ import annotations

from typing import Any

DEFAULT_GROUP = "nodes"
# Each option, and the variable that speaks for it where the task does not.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "group": ("containers_group", {"type": "str"}),
    "prefix": ("containers_prefix", {"type": "str", "default": "10.244.0.0/16"}),
    "prefix6": ("containers_prefix6", {"type": "str", "default": ""}),
    "node_length": ("containers_node_length", {"type": "int", "default": 24}),
    "node_length6": ("containers_node_length6", {"type": "int", "default": 64}),
    "network": (
        "containers_network",
        {"type": "str", "default": "overlay", "choices": ["none", "routed", "overlay"]},
    ),
    "style": ("overlay_style", {"type": "str", "default": "l3", "choices": ["l3", "l2"]}),
    "vni": ("overlay_vni", {"type": "int", "default": 4096}),
    "collisions": (
        "containers_collisions",
        {"type": "str", "default": "refuse", "choices": ["refuse", "probe"]},
    ),
    "services": ("services_list", {"type": "list", "elements": "dict", "default": []}),
    "services_prefix": ("services_prefix", {"type": "str", "default": "10.96.0.0/16"}),
    "services_prefix6": ("services_prefix6", {"type": "str", "default": ""}),
    "services_drained": ("services_drained", {"type": "list", "elements": "str", "default": []}),
}
