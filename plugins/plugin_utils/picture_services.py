# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and published ports, as IPVS and rules of iptables tell them; pure, no Ansible."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .picture_model import Service

Element = Mapping[str, Any]


def services(topology: Mapping[str, Sequence[Element]], names: Mapping[str, str]) -> tuple[Service, ...]:
    """Those of a node's own namespace, ports that it publishes among them; the same servers are told once.

    Args:
        topology: of network_info.
        names: who has an address, where that is known.
    """
    rows = [*_of_ipvs(topology.get("ipvs_service", [])), *_of_iptables(topology.get("iptables_chain", []))]
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for title, endpoint, servers in rows:
        endpoints = merged.setdefault((title, servers), [])
        if endpoint not in endpoints:
            endpoints.append(endpoint)
    return tuple(
        Service(title, tuple(endpoints), tuple(_named(one, names) for one in servers))
        for (title, servers), endpoints in merged.items()
    )


def _named(server: str, names: Mapping[str, str]) -> str:
    """`10.244.1.2:80 web1@node1`."""
    endpoint, _space, weight = server.partition(" ")
    address = endpoint[1:].partition("]")[0] if endpoint.startswith("[") else endpoint.partition(":")[0]
    return " ".join(part for part in (endpoint, names.get(address, ""), weight) if part)


def _of_ipvs(elements: Sequence[Element]) -> list[tuple[str, str, tuple[str, ...]]]:
    found = []
    for element in elements:
        if element.get("netns"):
            continue
        protocol = str(element.get("protocol") or "")
        at = f"{protocol} {_at(element)}".strip() if not element.get("fwmark") else f"mark {element['fwmark']}"
        servers = []
        for server in element.get("servers") or []:
            weight = server.get("weight", 1)
            servers.append(_at(server) + ("" if weight == 1 else f" weight {weight}"))
        found.append((f"service, IPVS {element.get('scheduler') or ''}".strip(), at, tuple(servers)))
    return found


def _at(element: Element) -> str:
    address, port = str(element.get("address") or "?"), element.get("port")
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _of_iptables(elements: Sequence[Element]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Rules for a port that translate the destination, or lead to a chain that does."""
    chains = {}
    for element in elements:
        if element.get("table") == "nat" and not element.get("netns"):
            key = (str(element.get("ip_version") or "ipv4"), str(element.get("chain")))
            chains[key] = [_options(str(rule)) for rule in element.get("rules") or []]
    found = []
    for (version, _chain), rules in chains.items():
        for rule in rules:
            if "--dport" not in rule:
                continue
            target = rule.get("-j", "")
            leads_on = target == "DNAT"
            ends = [rule] if leads_on else chains.get((version, target), [])
            servers = tuple(end["--to-destination"] for end in ends if "--to-destination" in end)
            if servers:
                address = rule.get("-d", "").partition("/")[0]
                address = f"[{address}]" if ":" in address else address
                where = f"{address}:{rule['--dport']}" if address else f"port {rule['--dport']}"
                title = "published" if leads_on else "service"
                name = rule.get("--comment", "")
                found.append((f"{title} {name}".strip(), f"{rule.get('-p', '')} {where}".strip(), servers))
    return found


def _options(rule: str) -> dict[str, str]:
    """Each option of a rule with the word after it."""
    try:
        words = shlex.split(rule)
    except ValueError:
        return {}
    return {word: after for word, after in zip(words, words[1:]) if word.startswith("-")}
