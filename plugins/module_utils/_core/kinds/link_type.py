# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes one type of link differ from another: a table of options and the kernel's attributes for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ..canonical import family_of
from ..fields import Field, Fields

Named = Mapping[str, Any]


def _same(value: Any) -> Any:
    return value


def _plain(_option: str, value: Any) -> Any:
    return value


def _equal(_option: str, desired: Any, observed: Any) -> bool:
    return bool(desired == observed)


@dataclass(frozen=True)
class Attribute:
    """How one option is written in IFLA_INFO_DATA.

    Attributes:
        nla: the attribute's name in the kernel's if_link.h.
        nla6: the attribute's name for an IPv6 value, where there are two.
        encode, decode: option's canonical value ↔ what pyroute2 takes and gives.
        device: the value is a link's name, the kernel's is its index.
        words: the words that stand for numbers, for this type of link.
        more: attributes that go with it, with their values; None for the same value.
    """

    nla: str
    nla6: str = ""
    encode: Callable[[Any], Any] = _same
    decode: Callable[[Any], Any] = _same
    device: bool = False
    words: Mapping[str, int] | None = None
    more: Mapping[str, int | None] = field(default_factory=dict)


def flag(nla: str) -> Attribute:
    """A boolean in a u8."""
    return Attribute(nla, encode=int, decode=bool)


def address(nla: str, nla6: str) -> Attribute:
    return Attribute(nla, nla6, decode=_known_address)


def _known_address(value: str) -> str:
    return "" if value in ("0.0.0.0", "::") else value


def choice(nla: str, numbers: Mapping[str, int]) -> Attribute:
    """A word for a number."""
    words = {number: word for word, number in numbers.items()}
    return Attribute(nla, encode=numbers.__getitem__, decode=lambda n: words.get(n, str(n)), words=numbers)


@dataclass(frozen=True)
class LinkType:
    """One type of link.

    Attributes:
        kind: the kernel's name for it (IFLA_INFO_KIND).
        doc: one sentence for the reference.
        fields: its own options.
        attributes: option → attribute; an option without one is handled by `configure`.
        parent: whether it sits on another link (IFLA_LINK).
        whole: a change must repeat all attributes, for the kernel takes a missing one as 0 (ip_tunnel's changelink).
        required: options without which it cannot be made.
        configure: sends what rtnetlink does not take: (node, netns, name, values) → None.
        inspect: reads that back: (node, netns, name) → values.
        canonical: (option, value) → the form of a parsed option that is compared, where `check` cannot make it.
        same: (option, wanted, observed) → whether there is nothing to do.
    """

    kind: str
    doc: str = ""
    fields: Fields = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    parent: bool = False
    whole: bool = False
    required: tuple[str, ...] = ()
    configure: Callable[[Any, str, str, Named], None] | None = None
    inspect: Callable[[Any, str, str], dict[str, Any]] | None = None
    canonical: Callable[[str, Any], Any] = _plain
    same: Callable[[str, Any, Any], bool] = _equal

    def immutable(self, names: Iterable[str]) -> tuple[str, ...]:
        fixed = {name for name, own in self.fields.items() if own.recreate} | {
            "parent",
            "parent_netns",
            "peer",
        }
        return tuple(name for name in names if name in fixed)

    def own(self, values: Named) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in self.fields}

    def to_info(self, values: Named, index: Callable[[str], int]) -> list[list[Any]]:
        """The values as [attribute, value] pairs for IFLA_INFO_DATA; `index` resolves a link's name."""
        pairs: list[list[Any]] = []
        for name, value in values.items():
            attribute = self.attributes.get(name)
            if attribute is None or value is None:
                continue
            if attribute.device:
                pairs.append([attribute.nla, index(value) if value else 0])
                continue
            if value == "":
                continue
            six = attribute.nla6 and family_of(value) == 6
            pairs.append([attribute.nla6 if six else attribute.nla, attribute.encode(value)])
            pairs += [[nla, value if fixed is None else fixed] for nla, fixed in attribute.more.items()]
        return pairs

    def from_info(self, info: Mapping[str, Any], name_of: Callable[[int], str]) -> dict[str, Any]:
        """The values of all options that have an attribute, from a decoded IFLA_INFO_DATA."""
        values: dict[str, Any] = {}
        for name, attribute in self.attributes.items():
            raw = info.get(attribute.nla)
            if raw is None and attribute.nla6:
                raw = info.get(attribute.nla6)
            if raw is None:
                values[name] = absent_value(self.fields[name])
            elif attribute.device:
                values[name] = name_of(raw) if raw else ""
            else:
                values[name] = attribute.decode(raw)
        return values


def absent_value(option: Field) -> Any:
    """What an attribute stands for that the kernel leaves out because it is not set."""
    if option.type == "bool":
        return False
    return "" if option.type == "str" else None
