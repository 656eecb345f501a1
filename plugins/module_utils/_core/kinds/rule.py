# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routing policy rules (ip-rule(8)). A rule has nothing that could be changed: all of it is its identity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import canonical
from ..canonical import family_of, integer, interface_name, prefix, text
from ..errors import InputError
from ..fields import Field
from ..kernel import rules as codec
from ..model import Key, Resource, Stage, Step, Verb
from .base import PLACE, Declarable, Kind, Place, Wanted, present

ACTIONS = {"lookup": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8}
# In the order in which they stand in a key, after family and priority.
SELECTORS = (
    "from",
    "to",
    "iif",
    "oif",
    "fwmark",
    "fwmask",
    "tos",
    "ip_protocol",
    "source_ports",
    "destination_ports",
    "uid_range",
    "suppress_prefixlength",
    "invert",
    "action",
    "table",
)
_FAMILIES = {"ipv4": 2, "ipv6": 10}
_ACTION_NAMES = {number: name for name, number in ACTIONS.items()}
_FULL_MASK = 2**32 - 1


def number_range(value: str) -> str:
    """A number or FIRST-LAST, as FIRST-LAST."""
    first, dash, last = text(value).partition("-")
    try:
        numbers = int(first), int(last if dash else first)
    except ValueError:
        raise ValueError(f"not a number or a range FIRST-LAST: {value!r}") from None
    if not 0 <= numbers[0] <= numbers[1] <= _FULL_MASK:
        raise ValueError(f"not a range: {value!r}")
    return f"{numbers[0]}-{numbers[1]}"


def rule_key(netns: str, values: Mapping[str, Any]) -> Key:
    selectors = (f"{name}={values[name]}" for name in SELECTORS if values.get(name) not in (None, "", False))
    return Key("rule", netns, (values["family"], str(values["priority"]), *selectors))


class RuleKind(Kind):
    name = "rule"
    rank = 7
    add = Stage.RULE
    remove = Stage.REMOVE_RULE
    follows_device = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = {}
        for spec in node.rules(netns):
            if spec.action in _ACTION_NAMES and spec.goto is None and not spec.l3mdev:
                values = _values(spec)
                key = rule_key(netns, values)
                found[key] = Resource(key, values)
        return found

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        return ()

    def encode(self, step: Step, node: Any) -> bytes:
        # Of rules that differ in what one of them does not say, the kernel deletes the first: who made it helps.
        spec = _spec({"protocol": canonical.PROTOCOLS["static"], **step.resource.values})
        return codec.encode_rule_delete(spec) if step.verb is Verb.DELETE else codec.encode_rule(spec)


def _pair(value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    first, _dash, last = value.partition("-")
    return int(first), int(last)


def _dashed(pair: tuple[int, int] | None) -> str | None:
    return None if pair is None else f"{pair[0]}-{pair[1]}"


def _spec(values: Mapping[str, Any]) -> codec.RuleSpec:
    return codec.RuleSpec(
        family=_FAMILIES[values["family"]],
        priority=values["priority"],
        action=ACTIONS[values.get("action", "lookup")],
        table=values.get("table") or 0,
        source=values.get("from"),
        destination=values.get("to"),
        iif=values.get("iif"),
        oif=values.get("oif"),
        fwmark=values.get("fwmark"),
        fwmask=values.get("fwmask"),
        tos=values.get("tos") or 0,
        invert=bool(values.get("invert")),
        ip_proto=values.get("ip_protocol"),
        sport=_pair(values.get("source_ports")),
        dport=_pair(values.get("destination_ports")),
        uid_range=_pair(values.get("uid_range")),
        suppress_prefixlength=values.get("suppress_prefixlength"),
        protocol=values.get("protocol"),
    )


def _values(spec: codec.RuleSpec) -> dict[str, Any]:
    # The kernel tells the mask of mark 0, and not the mark (fib_nl_fill_rule).
    marked = spec.fwmask is not None
    values = {
        "family": "ipv6" if spec.family == _FAMILIES["ipv6"] else "ipv4",
        "priority": spec.priority or 0,
        "action": _ACTION_NAMES[spec.action],
        "table": spec.table or None,
        "from": spec.source,
        "to": spec.destination,
        "iif": spec.iif,
        "oif": spec.oif,
        "fwmark": (spec.fwmark or 0) if marked else None,
        "fwmask": spec.fwmask if marked else None,
        "tos": spec.tos or None,
        "invert": spec.invert,
        "ip_protocol": spec.ip_proto,
        "source_ports": _dashed(spec.sport),
        "destination_ports": _dashed(spec.dport),
        "uid_range": _dashed(spec.uid_range),
        "suppress_prefixlength": spec.suppress_prefixlength,
        "protocol": spec.protocol or 0,
    }
    return {name: value for name, value in values.items() if value is not None}


class RuleDeclaration(Declarable):
    name = "rule"
    fields = {
        "priority": Field(
            "int",
            "Rules are tried by rising priority. Required, for the kernel's own choice depends on what is there.",
            required=True,
            check=integer(0, _FULL_MASK),
        ),
        "family": Field(
            "str",
            "The IP version. If nothing is said, that of O(from) or O(to), else V(ipv4).",
            choices=("ipv4", "ipv6"),
        ),
        "from": Field("str", "The source prefix.", check=prefix),
        "to": Field("str", "The destination prefix.", check=prefix),
        "iif": Field("str", "The link that the packet came in by; V(lo) for the node's own.", check=interface_name),
        "oif": Field("str", "The link that the sending socket is bound to.", check=interface_name),
        "fwmark": Field("int", "The packet's mark.", check=integer(0, _FULL_MASK)),
        "fwmask": Field(
            "int", "The bits of the mark that count; all if nothing is said.", check=integer(1, _FULL_MASK)
        ),
        "tos": Field("int", "The packet's TOS.", check=integer(0, 255)),
        "ip_protocol": Field("int", "The transport protocol's number, for example 6 for TCP.", check=integer(1, 255)),
        "source_ports": Field("str", "The source port, or a range V(FIRST-LAST).", check=number_range),
        "destination_ports": Field("str", "The destination port, or a range V(FIRST-LAST).", check=number_range),
        "uid_range": Field("str", "The user of the sending socket, or a range V(FIRST-LAST).", check=number_range),
        "suppress_prefixlength": Field(
            "int", "Ignore what the table says if its prefix is this long or shorter.", check=integer(0, 128)
        ),
        "invert": Field("bool", "Whether the rule is for packets that do not match.", default=False),
        "action": Field("str", "What to do.", default="lookup", choices=tuple(ACTIONS)),
        "table": Field(
            "str",
            "For O(action=lookup), which needs it: the routing table, a number or V(main), V(local), V(default).",
            check=canonical.table,
        ),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        dot = f"{path}." if path else ""
        families = {family_of(options[name]) for name in ("from", "to") if name in options}
        if "family" in options:
            families.add({"ipv4": 4, "ipv6": 6}[options["family"]])
        if len(families) > 1:
            raise InputError(f"{dot}to", "from, to and family are not of one IP version")
        if (options["action"] == "lookup") != ("table" in options):
            raise InputError(f"{dot}table", "is required for the action lookup, and only for that")
        if "fwmask" in options and "fwmark" not in options:
            raise InputError(f"{dot}fwmark", "is required with fwmask")
        values = {name: options[name] for name in SELECTORS if name in options}
        values["family"] = "ipv6" if families == {6} else "ipv4"
        values["priority"] = options["priority"]
        if "fwmark" in values:
            values.setdefault("fwmask", _FULL_MASK)
        for name in ("from", "to"):
            if values.get(name, "").endswith("/0"):
                del values[name]
        place.add(Resource(rule_key(place.at(options), values), values, path), present(options))
