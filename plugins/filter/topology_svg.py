# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that draws networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.containerland.net.plugins.plugin_utils import picture_facts, picture_svg
from ansible_collections.containerland.net.plugins.plugin_utils.picture_model import PictureError


def topology_svg(
    results: Mapping[str, Any], name: str = "node", title: str = "", containers: int = 12, width: int = 1500
) -> str:
    """The picture of what network_info found on one host or on many."""
    limits = {}
    for option, value, least in (("containers", containers, 1), ("width", width, 100)):
        try:
            limits[option] = int(value)
        except (TypeError, ValueError):
            limits[option] = 0
        if limits[option] < least:
            raise AnsibleFilterError(f"topology_svg: {option} must be a number, {least} at least, not {value!r}")
    try:
        fleet = picture_facts.fleet(results, str(name))
        return picture_svg.picture(fleet, str(title), limits["containers"], limits["width"])
    except PictureError as problem:
        raise AnsibleFilterError(f"topology_svg: {problem}") from None
    except (TypeError, ValueError, AttributeError) as problem:
        raise AnsibleFilterError(f"topology_svg: not a result of containerland.net.network_info: {problem}") from None


class FilterModule:
    """Ansible's way in."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"topology_svg": topology_svg}
