# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's argument_spec, made from the fields of the kinds."""

from __future__ import annotations

from typing import Any

from .._core.fields import Field, Fields


def argument_spec(fields: Fields) -> dict[str, Any]:
    """What AnsibleModule takes."""
    return {name: _option(name, field) for name, field in fields.items()}


def _option(name: str, field: Field) -> dict[str, Any]:
    option: dict[str, Any] = {"type": field.type}
    if field.elements:
        option["elements"] = field.elements
    if field.required:
        option["required"] = True
    if field.default is not None:
        option["default"] = field.default
    if field.choices:
        option["choices"] = list(field.choices)
    if field.fields is not None and field.elements != "raw" and field.module is None:
        option["options"] = argument_spec(field.fields)
    if field.secret or "key" in name:
        option["no_log"] = field.secret
    return option
