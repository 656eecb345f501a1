# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tables of nf_tables: what one is made of, how it is read, made and removed in transactions; without nft(8).

A table is declared as data (sets, chains, rules of a few expressions) and compared with what the kernel dumps, so that
rules which others added, changed or took away are found. Numbers are those of linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import KernelError
from . import netlink
from .nft_batch import carry_out, transact
from .nftables import attribute, attributes, message, text

FAMILIES = {"ipv4": 2, "bridge": 7, "ipv6": 10}
_NFTABLES = 10
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWCHAIN, _GETCHAIN, _NEWRULE, _GETRULE = 0, 1, 2, 3, 4, 6, 7
_NEWSET, _GETSET, _NEWELEMENTS, _GETELEMENTS, _DELELEMENTS = 9, 10, 12, 13, 14
_CREATE, _APPEND = 0x400, 0x800
# Attributes of a message name the table in their first one; of elements, the set in the second.
_TABLE, _SET_OF_ELEMENTS, _ELEMENTS = 1, 2, 3
_TABLE_FLAGS = 2
_CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE = 3, 4, 5, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_RULE_CHAIN, _RULE_EXPRESSIONS = 2, 4
_SET_NAME, _SET_FLAGS, _SET_KEY_TYPE, _SET_KEY_LENGTH, _SET_ID, _SET_NOTES = 2, 3, 4, 5, 10, 13
# What nft(8) notes of a set (NFTNL_UDATA_SET_KEYBYTEORDER, 4 bytes): keys are in the order of bytes of the host.
_HOST_ORDER = b"\0\4" + struct.pack("=I", 1)
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA, _ELEMENT_KEY, _VALUE = 1, 1, 2, 1, 1
_ACCEPT = b"\0\0\0\1"
_COUNTER = "counter"
# A list's length has 16 bits.
_ELEMENTS_PER_MESSAGE = 500

#: Of each set by its name, the keys in it.
Elements = Mapping[str, "set[bytes]"]


@dataclass(frozen=True)
class Set:
    """`key_type` and `is_text` tell nft(8) how to show the keys; they mean nothing to the kernel."""

    name: str
    key_type: int
    key_length: int
    is_text: bool = False


@dataclass(frozen=True)
class Chain:
    """A base chain of type filter that accepts what its rules leave."""

    name: str
    hook: int
    priority: int


@dataclass(frozen=True)
class Expression:
    """One expression with its attributes, in the order and form in which the kernel dumps them."""

    name: str
    attributes: tuple[tuple[int, bytes], ...] = ()

    def equals(self, name: str, dumped: Mapping[int, bytes]) -> bool:
        """A counter counts; newer kernels may say more of others."""
        return self.name == name and (
            name == _COUNTER or all(dumped.get(number) == value for number, value in self.attributes)
        )


@dataclass(frozen=True)
class Rule:
    chain: str
    expressions: tuple[Expression, ...]


@dataclass(frozen=True)
class Table:
    """What a table is to consist of, but for the elements of its sets."""

    family: str
    name: str
    sets: tuple[Set, ...]
    chains: tuple[Chain, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Found:
    """A table as the kernel dumps it."""

    active: bool
    sets: Mapping[str, tuple[int, int]]
    chains: Mapping[str, tuple[int, int, bytes, str]]
    rules: Sequence[tuple[str, Sequence[tuple[str, Mapping[int, bytes]]]]]
    elements: Elements = field(default_factory=dict)

    def is_intact(self, table: Table) -> bool:
        """Whether it does what `table` says: nothing missing, changed or added, and not dormant."""
        return (
            self.active
            and self.sets == {part.name: (part.key_length, 0) for part in table.sets}
            and self.chains == {part.name: (part.hook, part.priority, _ACCEPT, "filter") for part in table.chains}
            and len(self.rules) == len(table.rules)
            and all(_same_rule(wanted, *have) for wanted, have in zip(table.rules, self.rules))
        )


def _same_rule(wanted: Rule, chain: str, expressions: Sequence[tuple[str, Mapping[int, bytes]]]) -> bool:
    return (
        wanted.chain == chain
        and len(wanted.expressions) == len(expressions)
        and all(mine.equals(*theirs) for mine, theirs in zip(wanted.expressions, expressions))
    )


# -- reading


def names(asked: netlink.Socket, family: str) -> list[str]:
    """The tables of a family; none where the kernel does not have it."""
    try:
        replies = asked.dump(message(_NFTABLES, _GETTABLE, FAMILIES[family]))
    except KernelError:
        return []
    return [_string(attributes(reply)[_TABLE]) for reply in replies]


def read(asked: netlink.Socket, family: str, name: str) -> Found | None:
    """A table with all that is in it; None if there is none."""
    number, named = FAMILIES[family], text(_TABLE, name)
    try:
        tables = asked.query(message(_NFTABLES, _GETTABLE, number, named))
    except KernelError as problem:
        # Another process may read only with CAP_NET_ADMIN; a kernel without the family has no table in it.
        if problem.errno in (errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM):
            return None
        raise
    flags = attributes(tables[0]).get(_TABLE_FLAGS, b"\0\0\0\0")

    def dump(command: int, more: bytes = b"") -> Iterator[Mapping[int, bytes]]:
        for reply in asked.dump(message(_NFTABLES, command, number, named + more)):
            found = attributes(reply)
            if _string(found.get(_TABLE, b"")) == name:
                yield found

    sets = {_string(found[_SET_NAME]): found for found in dump(_GETSET)}
    return Found(
        active=not any(flags),
        sets={key: (_number(found[_SET_KEY_LENGTH]), _number(found.get(_SET_FLAGS))) for key, found in sets.items()},
        chains={_string(found[_CHAIN_NAME]): _chain(found) for found in dump(_GETCHAIN)},
        rules=[(_string(f[_RULE_CHAIN]), list(_expressions(f.get(_RULE_EXPRESSIONS, b"")))) for f in dump(_GETRULE)],
        elements={key: set(_keys(dump(_GETELEMENTS, text(_SET_OF_ELEMENTS, key)))) for key in sets},
    )


def _chain(found: Mapping[int, bytes]) -> tuple[int, int, bytes, str]:
    hook = _nested(found.get(_CHAIN_HOOK, b""))
    priority = struct.unpack("!i", hook.get(_HOOK_PRIORITY, bytes(4)))[0]
    kind = _string(found.get(_CHAIN_TYPE, b""))
    return _number(hook.get(_HOOK_NUMBER), -1), priority, found.get(_CHAIN_POLICY, b""), kind


def _expressions(listed: bytes) -> Iterator[tuple[str, Mapping[int, bytes]]]:
    for _kind, value in _parts(listed):
        found = _nested(value)
        yield _string(found[_EXPRESSION_NAME]), _nested(found.get(_EXPRESSION_DATA, b""))


def _keys(replies: Iterable[Mapping[int, bytes]]) -> Iterator[bytes]:
    for found in replies:
        for _kind, value in _parts(found.get(_ELEMENTS, b"")):
            yield _nested(_nested(value).get(_ELEMENT_KEY, b"")).get(_VALUE, b"")


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, number = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield number & 0x3FFF, data[at + 4 : at + length]
        at += length + 3 & ~3


def _nested(data: bytes) -> dict[int, bytes]:
    return dict(_parts(data))


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _number(value: bytes | None, absent: int = 0) -> int:
    return absent if value is None else int.from_bytes(value, "big")


# -- changing


def rehearse(fd: int | None, table: Table) -> None:
    """Has the kernel try a table out and throw it away: a transaction without an end, as `nft --check` sends it.

    Raises:
        KernelError: it cannot have such a table.
    """
    transact(fd, [*_made(table)], end=False)


def replace(fd: int | None, table: Table, elements: Elements, gone: Iterable[tuple[str, str]] = ()) -> None:
    """Makes a table with these elements, in place of those named (family, name); in one transaction if it fits.

    Raises:
        KernelError: the kernel refused; what fitted the earlier transactions is there then.
    """
    removals = [_removal(*old) for old in gone]
    carry_out(fd, [*removals, *_made(table)], _element_messages(table, elements, _NEWELEMENTS))


def change(fd: int | None, table: Table, added: Elements, removed: Elements) -> None:
    """Adds elements and removes others."""
    # What guards a name goes before what the name is allowed, and comes after it.
    gone = reversed([*_element_messages(table, removed, _DELELEMENTS)])
    carry_out(fd, [*gone], _element_messages(table, added, _NEWELEMENTS))


def remove(fd: int | None, tables: Iterable[tuple[str, str]]) -> None:
    """Removes these tables (family, name) with all that is in them."""
    requests = [_removal(*old) for old in tables]
    if requests:
        transact(fd, requests)


def _removal(family: str, name: str) -> bytes:
    return message(_NFTABLES, _DELTABLE, FAMILIES[family], text(_TABLE, name))


def _made(table: Table) -> Iterator[bytes]:
    number, named = FAMILIES[table.family], text(_TABLE, table.name)
    yield message(_NFTABLES, _NEWTABLE, number, named, _CREATE)
    for identity, part in enumerate(table.sets, 1):
        numbers = ((_SET_FLAGS, 0), (_SET_KEY_TYPE, part.key_type), (_SET_KEY_LENGTH, part.key_length))
        said = b"".join(big(which, value) for which, value in (*numbers, (_SET_ID, identity)))
        said += attribute(_SET_NOTES, _HOST_ORDER) if part.is_text else b""
        yield message(_NFTABLES, _NEWSET, number, named + text(_SET_NAME, part.name) + said, _CREATE)
    for chain in table.chains:
        hook = big(_HOOK_NUMBER, chain.hook) + attribute(_HOOK_PRIORITY, struct.pack("!i", chain.priority))
        said = attribute(_CHAIN_HOOK, hook) + attribute(_CHAIN_POLICY, _ACCEPT) + text(_CHAIN_TYPE, "filter")
        yield message(_NFTABLES, _NEWCHAIN, number, named + text(_CHAIN_NAME, chain.name) + said, _CREATE)
    for rule in table.rules:
        listed = b"".join(attribute(_LIST_ELEMENT, _expression(part)) for part in rule.expressions)
        said = text(_RULE_CHAIN, rule.chain) + attribute(_RULE_EXPRESSIONS, listed)
        yield message(_NFTABLES, _NEWRULE, number, named + said, _CREATE | _APPEND)


def _expression(part: Expression) -> bytes:
    data = b"".join(attribute(number, value) for number, value in part.attributes)
    return text(_EXPRESSION_NAME, part.name) + attribute(_EXPRESSION_DATA, data)


def _element_messages(table: Table, elements: Elements, command: int) -> Iterator[bytes]:
    for part in table.sets:
        keys = sorted(elements.get(part.name, ()))
        for start in range(0, len(keys), _ELEMENTS_PER_MESSAGE):
            listed = b"".join(
                attribute(_LIST_ELEMENT, attribute(_ELEMENT_KEY, attribute(_VALUE, key)))
                for key in keys[start : start + _ELEMENTS_PER_MESSAGE]
            )
            said = text(_TABLE, table.name) + text(_SET_OF_ELEMENTS, part.name) + attribute(_ELEMENTS, listed)
            yield message(_NFTABLES, command, FAMILIES[table.family], said, _CREATE if command == _NEWELEMENTS else 0)


def big(number: int, value: int) -> bytes:
    """An attribute of 32 bits, in the order of bytes of the network, as nf_tables wants it."""
    return attribute(number, struct.pack("!I", value))
