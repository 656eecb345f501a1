# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a node's network, by other readers than the collection's own."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from tests.integration.support.filters import filters
from tests.integration.support.kernel import inside, namespaces, sh, snapshot
from tests.integration.support.sets import sets

# What runs or counts by itself, is made anew with each link, or may be written but not read; and what WireGuard turns
# off for good as soon as a link of its goes up (wg_open in drivers/net/wireguard/device.c).
_RESTLESS = re.compile(
    r"/(nf_conntrack_count|nf_conntrack_buckets|nf_conntrack_max|stable_secret|flush|unres_qlen.*|"
    r"nf_log.*|conf/all/send_redirects|tcp_available.*|tcp_allowed.*|fib_sync_mem)$"
)


def everything(*, programs: bool = True, all_sysctls: bool = True) -> dict[str, Any]:
    """Links, addresses, routes, rules, neighbours, FDB, files, sysctls; rules of both backends, sets, IPVS.

    Args:
        all_sysctls: or but a few.
        programs: with the last three, which programs read, in this namespace.
    """
    found = snapshot(numbers=False)
    found["files"] = {name: _decoded(text) for name, text in found["files"].items()}
    found["namespaces and what was to become one"] = sorted(os.listdir("/run/netns")) if namespaces() else []
    for name in ("", *namespaces()) if all_sysctls else ():
        found[f"sysctls '{name}'"] = inside(name, sysctls)
    if programs:
        found["filters"] = {
            program: re.sub(r"\[\d+:\d+\]", "", saved).splitlines() for program, saved in filters().items()
        }
        found["nft"] = nft()
        found["sets"] = sets()
        if os.path.exists("/proc/net/ip_vs"):
            found["ipvs"] = sorted(sh("ipvsadm --save --numeric").splitlines())
    return found


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def nft() -> list[str]:
    """What nft(8) shows, in an order that does not depend on when it was made, without chains that do nothing."""
    shown = sh("nft -s list ruleset 2>/dev/null || true")
    useful = re.sub(r"\tchain \w+ \{\n\t\ttype [^\n]* policy accept;\n\t\}\n", "", shown)
    return sorted(line for line in useful.splitlines() if line)


def sysctls() -> dict[str, str]:
    """All of the network's that can be read, but for neighbours' timers."""
    found: dict[str, str] = {}
    # Only by this path is it that of the namespace that the thread is in, whichever /proc is mounted.
    _read_below(b"/proc/thread-self/root/proc/sys/net", found)
    return found


def _read_below(directory: bytes, found: dict[str, str]) -> None:
    for entry in os.scandir(directory):
        if entry.is_dir():
            if entry.name != b"neigh":
                _read_below(entry.path, found)
        elif not _RESTLESS.search(entry.path.decode()):
            try:
                file = os.open(entry.path, os.O_RDONLY)
            except OSError:
                continue
            try:
                found[entry.path.decode().partition("/proc/sys/")[2]] = os.read(file, 4096).decode(errors="replace")
            except OSError:
                continue
            finally:
                os.close(file)
