# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is on a machine, by scripts/lib/snapshot and a few questions more; and what differs."""

from __future__ import annotations

import base64
import difflib
import re
from concurrent.futures import ThreadPoolExecutor

from fleet.machines import Machine
from other_kernel.guest import CHECKOUT

Snapshot = list[str]

#: Modules that the packet filter and the balancer load stay loaded, and bring sysctls of their own; so they are
#: loaded before the first look. (Whoever unloads a module of somebody else's breaks more than that.)
MODULES = ("nf_conntrack", "nf_nat", "ip_vs")
# What the script does not show: what was written for systemd and for the next boot, and what this collection runs.
_MORE = """
find /etc/systemd /usr/local /run/containerland* /etc/sysctl.d /etc/modules-load.d 2>/dev/null | sed 's/^/file /'
find /etc/systemd /etc/sysctl.d /etc/modules-load.d -type f -exec sha256sum {} + | sed 's/^/content /'
systemctl list-units --all --plain --no-legend 'containerland*' | sed 's/^/unit /'
true
"""
#: Not looked at: processes of the connection that asks; the directory of names, which ip-netns(8) leaves as well.
_NOT_OURS = re.compile(r"^process (sshd: |sudo )|^file /run/netns$")


def take(machines: dict[str, Machine]) -> dict[str, Snapshot]:
    """The state of all machines now."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return dict(zip(machines, pool.map(of, machines.values())))


def of(machine: Machine) -> Snapshot:
    """The state of one machine now."""
    said = machine.sh(f"modprobe -a {' '.join(MODULES)}\n{_script()}\n{_MORE}")
    return sorted(line for line in said.splitlines() if not _NOT_OURS.match(line))


def _script() -> str:
    """The script and the file that it reads, to be run where the checkout is not: neither is left behind."""
    directory = CHECKOUT / "scripts" / "lib"
    snapshot = (directory / "snapshot").read_text(encoding="utf-8")
    alone = re.sub(r'^\. .*common\.sh"$', "set -euo pipefail", snapshot, flags=re.MULTILINE)
    assert alone != snapshot
    return f"echo {base64.b64encode(alone.encode()).decode()} | base64 -d | bash -s node"


def difference(before: Snapshot, now: Snapshot) -> str:
    return "\n".join(difflib.unified_diff(before, now, "before", "now", n=0, lineterm=""))
