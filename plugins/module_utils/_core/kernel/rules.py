# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy rules (fib rules): encoded by pyroute2's fibmsg, decoded here, for every namespace has some.

Numbers of attributes are those of the kernel's linux/fib_rules.h (FRA_*).
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import Any

from . import messages, pyroute2_classes, wire

RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
FR_ACT_TO_TBL, FR_ACT_GOTO, FR_ACT_NOP = 1, 2, 3
FR_ACT_BLACKHOLE, FR_ACT_UNREACHABLE, FR_ACT_PROHIBIT = 6, 7, 8
_FIB_RULE_INVERT = 2
_NONE32 = 0xFFFFFFFF
_BODY = 16
# fib_rule_hdr: family, dst_len, src_len, tos, table, two unused, action, flags
_rule_header = struct.Struct("=BBBBBxxBI")
_ports, _users = struct.Struct("=HH"), struct.Struct("=II")


@dataclass(frozen=True)
class RuleSpec:
    """A policy rule; None and 0 are "any", prefixes are CIDR, ranges (first, last)."""

    family: int
    priority: int | None = None
    action: int = FR_ACT_TO_TBL
    table: int = 0
    source: str | None = None
    destination: str | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: int | None = None
    fwmask: int | None = None
    tos: int = 0
    invert: bool = False
    ip_proto: int | None = None
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    uid_range: tuple[int, int] | None = None
    goto: int | None = None
    suppress_prefixlength: int | None = None
    suppress_ifgroup: int | None = None
    l3mdev: bool = False
    protocol: int | None = None


def encode_rule(spec: RuleSpec) -> bytes:
    return _encode_rule(RTM_NEWRULE, wire.CREATE | wire.EXCL, spec)


def encode_rule_delete(spec: RuleSpec) -> bytes:
    """Delete the first rule with all that the spec says."""
    return _encode_rule(RTM_DELRULE, 0, spec)


def dump_rules(family: int) -> bytes:
    return wire.message(RTM_GETRULE, 0, struct.pack("=B11x", family))


def decode_rule(message: bytes) -> RuleSpec:
    """Of a whole message; equal ones, of which each namespace has the same five, are decoded once."""
    return _decode_body(message[_BODY:])


@functools.lru_cache(maxsize=1024)
def _decode_body(body: bytes) -> RuleSpec:
    family, dst_len, src_len, tos, table, action, flags = _rule_header.unpack_from(body)
    get = wire.attributes(body, _rule_header.size).get

    def number(kind: int) -> int | None:
        found = get(kind)
        return wire.to_number(found) if found is not None else None

    def pair(kind: int, layout: struct.Struct) -> tuple[int, int] | None:
        found = get(kind)
        return layout.unpack_from(found)[:2] if found is not None else None

    return RuleSpec(
        family=family,
        priority=number(6) or 0,
        action=action,
        table=number(15) or table,
        source=_prefix(get(2), src_len),
        destination=_prefix(get(1), dst_len),
        iif=_text(get(3)),
        oif=_text(get(17)),
        fwmark=number(10),
        fwmask=number(16),
        tos=tos,
        invert=bool(flags & _FIB_RULE_INVERT),
        ip_proto=number(22) or None,
        sport=pair(23, _ports),
        dport=pair(24, _ports),
        uid_range=pair(20, _users),
        goto=number(4),
        suppress_prefixlength=_unless_none32(number(14)),
        suppress_ifgroup=_unless_none32(number(13)),
        l3mdev=bool(number(19)),
        protocol=number(21),
    )


def _encode_rule(kind: int, how: int, spec: RuleSpec) -> bytes:
    fields = {
        "family": spec.family,
        "tos": spec.tos,
        "table": spec.table if spec.table < 256 else 0,
        "action": spec.action,
        "flags": _FIB_RULE_INVERT if spec.invert else 0,
    }
    pairs: list[tuple[str, Any]] = []
    for prefix, name, field in (
        (spec.source, "FRA_SRC", "src_len"),
        (spec.destination, "FRA_DST", "dst_len"),
    ):
        if prefix is not None:
            _family, _data, fields[field] = wire.cidr_bytes(prefix)
            pairs.append((name, prefix.partition("/")[0]))
    pairs += [(name, value) for name, value in _rule_values(spec) if value is not None]
    return messages.encode(_fibmsg(), kind, how, fields, pairs)


def _rule_values(spec: RuleSpec) -> list[tuple[str, Any]]:
    return [
        ("FRA_PRIORITY", spec.priority),
        ("FRA_TABLE", spec.table or None),
        ("FRA_IIFNAME", spec.iif),
        ("FRA_OIFNAME", spec.oif),
        ("FRA_FWMARK", spec.fwmark),
        ("FRA_FWMASK", spec.fwmask),
        ("FRA_IP_PROTO", spec.ip_proto),
        ("FRA_SPORT_RANGE", _colon(spec.sport)),
        ("FRA_DPORT_RANGE", _colon(spec.dport)),
        ("FRA_UID_RANGE", _colon(spec.uid_range)),
        ("FRA_GOTO", spec.goto),
        ("FRA_SUPPRESS_PREFIXLEN", spec.suppress_prefixlength),
        ("FRA_SUPPRESS_IFGROUP", spec.suppress_ifgroup),
        ("FRA_L3MDEV", 1 if spec.l3mdev else None),
        ("FRA_PROTOCOL", spec.protocol),
    ]


def _prefix(address: bytes | None, length: int) -> str | None:
    return f"{wire.to_ip(address)}/{length}" if address is not None else None


def _text(payload: bytes | None) -> str | None:
    return wire.to_text(payload) if payload is not None else None


def _colon(pair: tuple[int, int] | None) -> str | None:
    return None if pair is None else f"{pair[0]}:{pair[1]}"


def _unless_none32(value: int | None) -> int | None:
    return None if value == _NONE32 else value


def _fibmsg() -> Any:
    return pyroute2_classes.load("pyroute2.netlink.rtnl.fibmsg", "fibmsg")
