# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is on a host and is not ours: what must be the same at any moment of our work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.faults.state import everything
from tests.integration.support.kernel import same, sh

#: How links, chains, tables, namespaces and files of the playbook and of the topologies here are called.
LINKS = re.compile(r"(ctl0|c-.+|vxlan\d+|svc0|ours\d*)$")
NAMES = re.compile(r"\bCTL-|\bOURS\b")
NAMESPACES = re.compile(r"web\d?$")
FILES = re.compile(r"/(var/lib|run)/containerland\b")
_ACCEPT = re.compile(r":\S+ ACCEPT\b")
_SYSCTL = re.compile(r"net/\w+/conf/([^/]+)/")
#: What the roles `host` and `services` set on the node itself, as they document.
_DECLARED = re.compile(
    r"net/ipv4/(ip_forward|conf/all/(rp_filter|accept_redirects|send_redirects)|conf/eth0/arp_(ignore|announce))$"
)
#: A table of nft(8) that is ours; and those of iptables-nft, whose rules iptables-save tells.
_TABLES = re.compile(r"table (bridge containerland|ip6? containerland-.+|(ip|ip6) (raw|mangle|nat|filter|security))$")


def whole() -> dict[str, Any]:
    """Everything, ours too."""
    return {**everything(), "tables": tables()}


def theirs(found: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same without what is ours, by its name. Tells nft's tables by themselves, each as it is shown."""
    found = dict(found or whole())
    found.pop("nft")
    found["files"] = {name: content for name, content in found["files"].items() if not FILES.match(name)}
    for name in ("namespaces", "namespaces and what was to become one"):
        found[name] = [entry for entry in found[name] if not NAMESPACES.match(entry)]
    for name in [name for name in found if re.match(r"(netns|sysctls) '", name)]:
        if NAMESPACES.match(name.split("'")[1]):
            del found[name]
    own = found["netns ''"]
    found["netns ''"] = {
        part: [entry for entry in entries if not _ours(entry)] for part, entries in own.items() if part != "sysctls"
    }
    found["sysctls ''"] = {name: value for name, value in found["sysctls ''"].items() if not _our_sysctl(name)}
    found["filters"] = {program: list(_rules(lines)) for program, lines in found["filters"].items()}
    found["sets"] = {name: entries for name, entries in found["sets"].items() if not NAMES.search(name)}
    return found


def _ours(entry: dict[str, Any]) -> bool:
    return bool(LINKS.match(str(entry.get("name", entry.get("link", entry.get("attribute 4", ""))))))


def _our_sysctl(name: str) -> bool:
    found = _SYSCTL.match(name)
    return bool(_DECLARED.match(name) or (found and LINKS.match(found[1])))


def _rules(saved: list[str]) -> Iterator[str]:
    """Each line with its table, but for those that say nothing: a table that nobody uses may be there or not."""
    table = ""
    for line in saved:
        if line.startswith("*"):
            table = line
        elif line != "COMMIT" and not _ACCEPT.match(line) and not NAMES.search(line):
            yield f"{table} {line}"


def tables() -> dict[str, str]:
    """nft's tables, rules in their order, as nft(8) shows them."""
    listed = [line for line in sh("nft list tables 2>/dev/null || true").splitlines() if not _TABLES.match(line)]
    return {table: sh(f"nft -s list {table}") for table in listed}


def unchanged(before: dict[str, Any], when: str) -> None:
    """Fails if what is others' differs from what it was."""
    same(theirs(), before, f"{when}: what is others' has changed")


def nothing_left() -> None:
    """Fails if anything has one of our names; firewalld knows our bridge."""
    ours = r"\bCTL-\S+|\bOURS\b|'ctl0'|conf/ctl0|\bc-web\d|vxlan4096|containerland[\w/-]*"
    found = re.findall(ours, repr(whole()))
    assert not found, sorted(set(found))
