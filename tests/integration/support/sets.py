# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ipset(8) itself says of the sets."""

from __future__ import annotations

import re
import subprocess

from tests.integration.support.kernel import sh

# The seed of the hash, and time that runs.
_RESTLESS = re.compile(r" initval \S+|(?<= timeout)(?= [1-9]) \d+(?= |$)")


def sets(netns: str = "") -> dict[str, list[str]]:
    """Each set's header and entries, in an order that does not depend on the hash; lists keep theirs."""
    output = sh(f"{f'ip netns exec {netns} ' if netns else ''}ipset save")
    found: dict[str, list[str]] = {}
    for line in output.split("\n")[:-1]:
        command, name, rest = line.split(" ", 2)
        rest = _RESTLESS.sub("", rest).strip()
        if command == "create":
            found[name] = [re.sub(r" hashsize \d+", "", rest)]
        else:
            found[name].append(rest)
    return {
        n: lines if lines[0].startswith("list:set") else [lines[0], *sorted(lines[1:])] for n, lines in found.items()
    }


def supported(kind: str) -> bool:
    """Whether the kernel has this type: asked with the least that it needs."""
    more = {"bitmap:port": "range 1-2"}.get(kind, "range 10.0.0.0/30" if kind.startswith("bitmap") else "")
    made = subprocess.run(f"ipset create probe {kind} {more} && ipset destroy probe", shell=True, check=False)
    return made.returncode == 0
