#!/usr/bin/env python3
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of the lab, as an inventory: as many as LAB_NODES says, 3 if it says nothing.

Node k is `nodek` and has the address 192.0.2.(10+k). Ansible runs this program, there is no need to.
"""

from __future__ import annotations

import json
import os
import sys

MOST = 200  # so that the last number of an address stays below 255


def inventory(count: int) -> dict[str, object]:
    """Return the group `nodes` with `count` hosts, in the form that Ansible expects."""
    addresses = {f"node{k}": {"ansible_host": f"192.0.2.{10 + k}"} for k in range(1, count + 1)}
    return {"nodes": {"hosts": list(addresses)}, "_meta": {"hostvars": addresses}}


def main() -> None:
    said = os.environ.get("LAB_NODES") or "3"
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= MOST:
        sys.exit(f"LAB_NODES: not a number of nodes from 1 to {MOST}: {said!r}")
    print(json.dumps(inventory(int(said)), indent=2))


if __name__ == "__main__":
    main()
