# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of sets of addresses; what a set and an entry may consist of, ipset(8) decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..canonical import integer, text
from ..errors import InputError
from ..fields import Field, Fields
from ..kernel.ipset import BARE, HEADER, TEMPORARY, parse_entry
from ..model import Resource
from .base import PLACE, Declarable, Place, present
from .ipset import entry_key, set_key
from .link_options import RECREATE

_MAX_TIMEOUT = (2**32 - 1) // 2000
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:/,_-]*")
_WORD = re.compile(r"[\s\"'\\]")


def set_name(value: str) -> str:
    """A set's name that all programs understand: 31 bytes (IPSET_MAXNAMELEN), one word, no option."""
    word(value)
    if len(value.encode()) > 31:
        raise ValueError(f"a set's name has at most 31 bytes: {value!r} has {len(value.encode())}")
    if "," in value or value[0] in ":#" or value.startswith(TEMPORARY):
        raise ValueError(f"not a valid name of a set: {value!r}")
    return value


def word(value: str) -> str:
    """One word that ipset(8) reads as it is: no white space, quotes or backslashes, no option."""
    _encodable(text(value))
    if not value or value[0] == "-" or _WORD.search(value):
        raise ValueError(f"not one word without quotes, or one that begins with '-': {value!r}")
    return value


def set_type(value: str) -> str:
    """A type's name: ipset(8) says which there are."""
    if not re.fullmatch(r"[a-z0-9]+:[a-z0-9]+(,[a-z0-9]+)*", value):
        raise ValueError(f"not a type of set such as hash:ip or hash:net,port: {value!r}")
    return value


def comment_text(value: str) -> str:
    """IPSET_MAX_COMMENT_SIZE; a quotation mark would end it, and ipset(8) looks for options among comments too."""
    _encodable(text(value))
    if value.startswith("-"):
        raise ValueError(f"a comment cannot begin with '-', which ipset takes for an option: {value!r}")
    if '"' in value or len(value.encode()) > 255:
        raise ValueError(f"a comment has no quotation marks and at most 255 bytes: {value!r}")
    return value


def entry_text(value: str) -> str:
    """An entry as `ipset add` takes it: the element, then its options."""
    if _PLAIN.fullmatch(value):
        return value
    _encodable(text(value))
    value = value.strip(" ")
    bare = re.sub(r'(?<= comment )"[^"]*"(?= |\Z)', "", value)
    words = [part for part in bare.split(" ") if part]
    if not words or '"' in bare or any(part[0] == "-" for part in words) or re.search(r"[\\']", words[0]):
        raise ValueError(f"not an entry of a set (an element, then options as of 'ipset add'): {value!r}")
    return value


def _encodable(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"not valid Unicode: {value!r}") from None


_TIMEOUT = integer(0, _MAX_TIMEOUT)
ENTRY: Fields = {
    "entry": Field(
        "str",
        "The element, for example V(10.0.0.0/24) or V(10.0.0.1,tcp:80); options as of C(ipset add) may follow.",
        required=True,
        check=entry_text,
    ),
    "timeout": Field("int", "The seconds after which the kernel removes it; V(0) is never.", check=_TIMEOUT),
    "comment": Field("str", "A comment.", check=comment_text),
    "nomatch": Field("bool", "For types with networks: whether what it covers is an exception of a larger network."),
    "wildcard": Field("bool", "For V(hash:net,iface): whether the interface's name is the beginning of names."),
    "skbmark": Field("str", "The mark that C(SET --map-set) gives, for example V(0x10/0xff).", check=word),
    "skbprio": Field("str", "The priority that C(SET --map-set) gives, for example V(1:10).", check=word),
    "skbqueue": Field("int", "The queue that C(SET --map-set) gives.", check=integer(0, 65535)),
    "before": Field("str", "For V(list:set): a member that it stands before.", check=set_name),
    "after": Field("str", "For V(list:set): a member that it stands after.", check=set_name),
}


class IpsetDeclaration(Declarable):
    name = "ipset"
    fields = {
        "name": Field("str", "The set's name, 31 bytes at most.", required=True, check=set_name),
        "type": Field(
            "str",
            (
                "The type, for example V(hash:ip), V(hash:net), V(hash:ip,port), V(bitmap:port) or V(list:set); all "
                "that the node's ipset(8) knows. Required to create it; without it, the set must be there.",
                "It cannot be changed in place; see O(recreate).",
            ),
            check=set_type,
        ),
        "family": Field(
            "str",
            "The IP version of a C(hash) type; V(inet), which is IPv4, if nothing is said. "
            "It cannot be changed in place; see O(recreate).",
            choices=("inet", "inet6"),
        ),
        "entries": Field(
            "list",
            (
                "What is in it: as C(ipset add) takes it (V(10.0.0.1), V(10.0.0.0/24 nomatch), "
                'V(10.0.0.1,tcp:80 timeout 60 comment "web")), or as a dictionary. Ranges and names of services are '
                "what the node's ipset(8) makes of them.",
                "A time-out counts down; it is renewed when the rest is longer than declared, or the entry is gone.",
            ),
            elements="raw",
            fields=ENTRY,
            shorthand="entry",
        ),
        "exact_entries": Field("bool", "Whether entries that are not listed are removed.", default=False),
        "timeout": Field("int", "The time-out of entries that have none of their own, in seconds.", check=_TIMEOUT),
        "counters": Field("bool", "Whether entries count packets and bytes."),
        "comment": Field("bool", "Whether entries can have comments."),
        "skbinfo": Field("bool", "Whether entries can have a mark, priority and queue for C(SET --map-set)."),
        "forceadd": Field("bool", "Whether a full set makes room by dropping an entry at random."),
        "hashsize": Field("int", "The first size of the hash table, which grows by itself.", check=integer(1, 2**31)),
        "maxelem": Field("int", "How many entries it can have; 65536 if nothing is said.", check=integer(1, 2**32 - 1)),
        "range": Field("str", "For C(bitmap) types, which need it: the addresses or ports it can have.", check=word),
        "netmask": Field("int", "The prefix length that addresses are cut to.", check=integer(1, 128)),
        "bitmask": Field("str", "The mask that addresses are cut with.", check=word),
        "markmask": Field("str", "For V(hash:ip,mark): the bits of the mark that count.", check=word),
        "size": Field("int", "For V(list:set): how many sets it can have.", check=integer(1, 65536)),
        **RECREATE,
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns, name = place.at(options), options["name"]
        values = {option: options[option] for option in HEADER if option in options}
        partial = "type" not in values
        whole = Resource(set_key(netns, name), values, path, partial, bool(options.get("recreate")))
        place.add(whole, present(options))
        if not present(options):
            return
        known: dict[str, Mapping[str, Any]] = {}
        for number, entry in enumerate(options.get("entries", ())):
            where = f"{path}.entries[{number}]" if path else f"entries[{number}]"
            element, own = _entry(entry, where)
            if known.get(element) == own:
                continue
            known[element] = own
            place.add(Resource(entry_key(netns, name, element), own, where))
        place.exact(options, "exact_entries", "ipset_entry", netns, name)


def _entry(options: Mapping[str, Any], path: str) -> tuple[str, Mapping[str, Any]]:
    """Element and values; those in the text and those of the dictionary must not contradict each other."""
    written = options["entry"]
    if len(options) == 1 and " " not in written:
        return written, BARE
    try:
        element, said = parse_entry(written)
        _check_text(said)
    except ValueError as problem:
        raise InputError(path, str(problem)) from None
    own = {name: str(value) if name == "skbqueue" else value for name, value in options.items() if name != "entry"}
    for name, value in own.items():
        if said.get(name, value) != value:
            raise InputError(f"{path}.{name}", f"is {value!r} here, but {said[name]!r} in the entry's text")
    return element, {**BARE, **said, **own}


def _check_text(said: Mapping[str, Any]) -> None:
    """What ipset(8) would read in another way than it is meant."""
    comment_text(said.get("comment", ""))
    if not isinstance(said.get("timeout", 0), int):
        raise ValueError(f"timeout is a number of seconds, in decimal: {said['timeout']!r}")
    for name in ("before", "after"):
        if name in said:
            set_name(said[name])
