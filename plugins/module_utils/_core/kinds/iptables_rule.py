# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as people write them, in the notation of iptables-restore(8); nothing in them can become another command.

A newline in the input of iptables-restore would begin another rule, and some options (-t, -D, -F) are not of a rule.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..kernel.xtables import FAMILIES

#: Options of which the next word is any text.
_TEXTS = frozenset({"--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string", "--genre", "--label"})
#: Options of iptables(8) that are about more than one rule, or about the program.
_FOREIGN_LONG = (
    *("append", "check", "delete", "delete-chain", "exact", "flush", "help", "insert", "line-numbers", "list"),
    *("list-rules", "modprobe", "new-chain", "numeric", "policy", "rename-chain", "replace", "set-counters", "table"),
    *("verbose", "version", "wait", "wait-interval", "zero"),
)
_FOREIGN_SHORT = frozenset("AbcCDEFhILMnNPRStvVwWxXZ")
# Options of matches that are also the beginning of such an option.
_EXACT = frozenset({"--set", "--pol", "--new"})
_WITH_VALUE = frozenset("psdiojgm")
_FLAGS = frozenset("f46")
_VERSIONS = {"-4": "ipv4", "--ipv4": "ipv4", "-6": "ipv6", "--ipv6": "ipv6"}
_NAMES = frozenset({"-m", "--match", "-j", "--jump", "-g", "--goto"})
# Unlike in a shell, \' within "…" is a quote: iptables-save writes it so.
_WORD = re.compile(
    r"""(?P<space>\s+)|(?P<bare>[^\s"'\\]+)|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|\\(?P<escaped>.)""",
    re.ASCII,
)
_ESCAPED = re.compile(r"""\\(["'\\$`])""")
# Lines of which every word that is no option stays as it is.
_SIMPLE = re.compile(r"[!#-&(-\[\]-~]+(?: [!#-&(-\[\]-~]+)*\Z")
_OPTIONS = re.compile(r"(?:^|(?<= ))-[^ ]*")
_PATHS = re.compile(r"(?:^| )(?:-[mjg]|--match|--jump|--goto) [^ ]*/")
_PLAIN = re.compile(r"[^\s\"'\\]+\Z", re.ASCII)
# What iptables-save does not put in quotes (xtables_save_string).
_MARKS = re.compile(r"([\"'\\])")
_UNQUOTED = re.compile(r"[A-Za-z0-9_-]+\Z")
_TARGET = re.compile(r"(?:^| )(?:-[jg]|--jump|--goto) ([^ ]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ALL = frozenset(FAMILIES)
VERDICTS = frozenset({"ACCEPT", "DROP", "RETURN", "QUEUE"})
# No message repeats more characters of what was given.
_MOST = 200


def short(value: str) -> str:
    """A text as a message repeats it."""
    return value if len(value) <= _MOST else f"{value[:_MOST]}…"


def _text(value: str) -> str:
    """A line that can be handed to a program.

    Raises:
        ValueError: with the end of the message.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"not a text that UTF-8 can express: {short(value)!r}") from None
    if _CONTROL.search(value):
        raise ValueError(f"control characters are not allowed: {short(value)!r}")
    return value


def chain_name(value: str) -> str:
    """The name of a chain: 28 bytes of what neither iptables nor a shell takes for something else."""
    _text(value)
    if not value:
        raise ValueError("the name of a chain cannot be empty")
    if len(value.encode()) > 28:
        raise ValueError(f"the name of a chain has at most 28 bytes: {short(value)!r} has {len(value.encode())}")
    if value[0] in "-!#*:[" or re.search(r"[\s\"'\\,`$/]", value):
        raise ValueError(f"not a usable name for a chain: {value!r}")
    if value in VERDICTS:
        raise ValueError(f"{value} is a verdict, not a chain")
    return value


def split(line: str) -> list[tuple[str, bool]]:
    """The words of a rule, and whether any of a word was quoted; as a shell splits them.

    Raises:
        ValueError: a quote is not closed.
    """
    if not any(mark in line for mark in "\"'\\"):
        return [(word, False) for word in line.split(" ") if word]
    found: list[tuple[str, bool]] = []
    word: str | None = None
    quoted = False
    at = 0
    while at < len(line):
        part = _WORD.match(line, at)
        if part is None:
            raise ValueError(f"a quote is not closed: {short(line)!r}")
        at = part.end()
        if part["space"] is not None:
            if word is not None:
                found.append((word, quoted))
            word, quoted = None, False
            continue
        quoted = quoted or part["bare"] is None
        word = (word or "") + _content(part)
    if word is not None:
        found.append((word, quoted))
    return found


def _content(part: re.Match[str]) -> str:
    if part["double"] is not None:
        return _ESCAPED.sub(r"\1", part["double"])
    return part["bare"] or part["single"] or part["escaped"] or ""


def quote(word: str) -> str:
    """A word in the notation of iptables-restore, and of iptables-save."""
    return '"' + _MARKS.sub(r"\\\1", word) + '"'


def from_line(line: str, chain: str = "") -> tuple[frozenset[str], str]:
    """The families that a rule is for, and its text.

    Args:
        line: what follows ``iptables -A CHAIN``; a leading ``-A CHAIN`` of the own chain is dropped.

    Raises:
        ValueError: with the end of the message.
    """
    if _SIMPLE.match(line) and _stay(*_OPTIONS.findall(line)) and not _PATHS.search(line):
        return _ALL, line
    words = split(_text(line))
    if len(words) > 1 and words[0][0] in ("-A", "--append"):
        if words[1][0] != chain:
            raise ValueError(f"is for the chain '{short(words[1][0])}', not for this one: {short(line)!r}")
        words = words[2:]
    return from_words(words)


def from_words(words: Sequence[tuple[str, bool]]) -> tuple[frozenset[str], str]:
    """As `from_line`, of words."""
    families = _ALL
    done: list[str] = []
    before = ""
    for word, quoted in words:
        if before in _TEXTS:
            done.append(quote(word) if quoted or not _UNQUOTED.match(word) else word)
            before = ""
        elif word[:1] != "-":
            if before in _NAMES and "/" in word:
                raise ValueError(f"'{short(word)}' is not the name of a match, a target or a chain")
            done.append(quote(word) if quoted else word)
            before = ""
        elif word in _VERSIONS:
            families &= {_VERSIONS[word]}
        else:
            name, value = _option(word)
            done.append(name)
            before = name
            if value is not None:
                if name in _NAMES and "/" in value:
                    raise ValueError(f"'{short(value)}' is not the name of a match, a target or a chain")
                done.append(quote(value) if quoted else value)
                before = ""
    return families, " ".join(done)


@functools.lru_cache(maxsize=1000)
def _option(word: str) -> tuple[str, str | None]:
    """An option of a rule, and its value where they are one word.

    Raises:
        ValueError: iptables would take it for more than a part of a rule.
    """
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if name == "--" or (name not in _EXACT and any(f"--{known}".startswith(name) for known in _FOREIGN_LONG)):
            raise ValueError(f"'{short(name)}' is not an option of a rule")
        return name, (value if equals else None)
    letter = word[1:2]
    if letter in _FOREIGN_SHORT or (letter in _FLAGS and len(word) > 2):
        raise ValueError(f"'{short(word)}' is not an option of a rule")
    if letter in _WITH_VALUE and len(word) > 2:
        return word[:2], word[2:]
    return word, None


@functools.lru_cache(maxsize=1000)
def _stay(*options: str) -> bool:
    """Whether `from_words` has nothing to do for any of these."""
    try:
        return all(_option(word) == (word, None) and word not in _TEXTS and word not in _VERSIONS for word in options)
    except ValueError:
        return False


def unwritable(rules: Iterable[str]) -> str:
    """A rule that iptables-restore cannot write: iptables itself takes line breaks in a comment. '' for none."""
    rules = tuple(rules)
    return next((rule for rule in rules if _CONTROL.search(rule)), "") if _CONTROL.search(" ".join(rules)) else ""


def target_of(rule: str) -> str:
    """The target of a canonical rule; '' if it has none."""
    if '"' not in rule:
        _before, jump, after = rule.partition(" -j ")
        if jump:
            return after.partition(" ")[0]
    found = _TARGET.search(_QUOTED.sub('""', rule) if '"' in rule else rule)
    return found.group(1) if found else ""


def from_options(options: Mapping[str, Any]) -> tuple[frozenset[str], str]:
    """As `from_line`, of the options of ansible.builtin.iptables."""
    families = {"ipv4": {"ipv4"}, "ipv6": {"ipv6"}}.get(options.get("ip_version", ""), set(FAMILIES))
    icmp = "--icmpv6-type" if options.get("ip_version") == "ipv6" else "--icmp-type"
    words = [*_matches(options, icmp), *_target(options)]
    for word in words:
        _text(word)
    own, rule = from_words([(word, not _PLAIN.match(word)) for word in words])
    return own & families, rule


def _matches(options: Mapping[str, Any], icmp: str) -> Iterator[str]:
    loaded = list(options.get("match", ()))
    yield from _flag(options, "protocol", "-p")
    yield from _flag(options, "source", "-s")
    yield from _flag(options, "destination", "-d")
    yield from _flag(options, "in_interface", "-i")
    yield from _flag(options, "out_interface", "-o")
    if options.get("fragment"):
        yield "-f"
    for name in loaded:
        yield from ("-m", name)
    flags = options.get("tcp_flags")
    if flags:
        yield from ("--tcp-flags", ",".join(flags["flags"]), ",".join(flags["flags_set"]))
    syn = options.get("syn", "ignore")
    if syn != "ignore":
        yield from ("--syn",) if syn == "match" else ("!", "--syn")
    yield from _flag(options, "source_port", "--source-port")
    yield from _flag(options, "destination_port", "--destination-port")
    yield from _flag(options, "icmp_type", icmp)
    for name, needed in _LOADED.items():
        instead = "state" if name == "conntrack" else name
        if any(options.get(option) is not None for option, _unused in needed) and not {name, instead} & {*loaded}:
            yield from ("-m", name)
    for needed in _LOADED.values():
        for option, flag in needed:
            flag = "--state" if option == "ctstate" and "state" in loaded else flag
            yield from _flag(options, option, flag)
            if option == "match_set" and options.get("match_set"):
                yield options.get("match_set_flags", "src")


# The match that each of these options needs, which is loaded where it is not named.
_LOADED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "multiport": (("destination_ports", "--dports"),),
    "conntrack": (("ctstate", "--ctstate"),),
    "iprange": (("src_range", "--src-range"), ("dst_range", "--dst-range")),
    "set": (("match_set", "--match-set"),),
    "limit": (("limit", "--limit"), ("limit_burst", "--limit-burst")),
    "owner": (("uid_owner", "--uid-owner"), ("gid_owner", "--gid-owner")),
    "comment": (("comment", "--comment"),),
}


def _target(options: Mapping[str, Any]) -> Iterator[str]:
    jump = options.get("jump")
    if jump is None:
        jump = next((target for option, target in _IMPLIED if options.get(option) is not None), None)
    if jump is not None:
        yield from ("-j", jump)
    for option, flag in _TARGET_OPTIONS:
        yield from _flag(options, option, flag)
    yield from _flag(options, "goto", "-g")


_IMPLIED = (
    ("reject_with", "REJECT"),
    ("set_dscp_mark", "DSCP"),
    ("set_dscp_mark_class", "DSCP"),
    ("log_prefix", "LOG"),
)
_TARGET_OPTIONS = (
    ("gateway", "--gateway"),
    ("log_prefix", "--log-prefix"),
    ("log_level", "--log-level"),
    ("to_destination", "--to-destination"),
    ("to_source", "--to-source"),
    ("to_ports", "--to-ports"),
    ("set_dscp_mark", "--set-dscp"),
    ("set_dscp_mark_class", "--set-dscp-class"),
    ("reject_with", "--reject-with"),
)


def _flag(options: Mapping[str, Any], name: str, flag: str) -> Iterable[str]:
    value = options.get(name)
    if value is None or value == []:
        return
    value = ",".join(value) if isinstance(value, list) else str(value)
    if value.startswith("!") and flag not in _TEXTS:
        yield "!"
        value = value[1:].strip()
    yield flag
    yield value
