# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iptables(8) of the node: which backend it is, what its tables hold, and changes as one transaction.

Rules are text, in the form in which iptables-save prints them after ``-A CHAIN ``.
"""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..errors import KernelError, MissingError
from . import netns, nftables, privileges, programs

FAMILIES = {"ipv4": "iptables", "ipv6": "ip6tables"}
NFT, LEGACY = "nft", "legacy"
BACKENDS = (NFT, LEGACY)
_ALL = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_LOCAL = ("INPUT", "FORWARD", "OUTPUT")
#: The chains that packets enter by themselves, in the order in which tables are filled.
BUILTIN: Mapping[str, tuple[str, ...]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": _ALL,
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": _LOCAL,
    "security": _LOCAL,
}
#: How long a transaction waits for another program that changes the tables, in seconds.
LOCK_WAIT = 30
_LOCK = "/run/xtables.lock"
_INCOMPATIBLE = re.compile(r"^# Table `(\S+)' is incompatible", re.MULTILINE)
_LINE = re.compile(r"(?:^line |occurred at line: |: line )(\d+)", re.MULTILINE)
_PROGRAM = re.compile(r"^\S*ip6?tables\S*( v\S+( \(\S+\))?)?: ")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
# What says where, or how to get help, but not why.
_NOISE = re.compile(r"Error occurred at line|Try `|# Warning|line \d+ failed$|.*Error occurred at line")


@dataclass(frozen=True)
class Chain:
    """A chain as iptables-save shows it.

    Attributes:
        policy: ACCEPT or DROP; '' for a chain that is not built in.
        rules: their texts.
        counters: "PACKETS:BYTES" of each.
    """

    policy: str = ""
    rules: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()


Tables = dict[str, dict[str, Chain]]


@dataclass(frozen=True)
class Place:
    """Which tables.

    Attributes:
        fd: the network namespace; None for the one that the process is in.
        family: ipv4 or ipv6.
        backend: nft, legacy, or '' for the one that the node's own iptables has.
    """

    fd: int | None
    family: str
    backend: str = ""

    @property
    def actual(self) -> str:
        return self.backend or default_backend(self.family)


class Refused(Exception):
    """iptables-restore did not take its input; nothing of the table in question was changed.

    Args:
        line: which, from 1; None if it did not say.
        words: why, in iptables' own words.
    """

    def __init__(self, line: int | None, words: str) -> None:
        super().__init__(words)
        self.line = line
        self.words = words


def default_backend(family: str = "ipv4") -> str:
    """nft or legacy, as the node's own iptables is.

    Raises:
        MissingError: there is no iptables.
    """
    return _backend_of(programs.find(FAMILIES[family]))


def is_default(backend: str, family: str) -> bool:
    """Whether a backend is that of the node's own iptables; False if there is none."""
    try:
        return default_backend(family) == backend
    except MissingError:
        return False


@functools.cache
def _backend_of(path: str) -> str:
    # Debian, Fedora and Alpine have one program for all names; asking others for their version takes a process.
    for backend in BACKENDS:
        if os.path.basename(os.path.realpath(path)) == f"xtables-{backend}-multi":
            return backend
    return NFT if "nf_tables" in programs.run(None, [path, "-V"]).stdout else LEGACY


def program(place: Place, suffix: str = "") -> str:
    """The name of iptables, or of its companion (-save, -restore), for a family and backend.

    Raises:
        MissingError: the node has none for that backend.
    """
    name = FAMILIES[place.family]
    if place.backend:
        particular = f"{name}-{place.backend}{suffix}"
        try:
            programs.find(particular)
            return particular
        except MissingError:
            if default_backend(place.family) != place.backend:
                raise
    return name + suffix


def run(
    place: Place, suffix: str, arguments: Iterable[str], stdin: str = "", lock: str = "", wait: float = 0
) -> programs.Finished:
    """Runs a program of iptables.

    Args:
        lock: the file to lock instead of the node's own (legacy, since 1.8.7).
        wait: seconds that it may wait for the lock.
    """
    env = {name: value for name, value in os.environ.items() if name.startswith("XTABLES_")}
    if lock:
        env["XTABLES_LOCKFILE"] = lock
    return programs.run(place.fd, [program(place, suffix), *arguments], stdin, timeout=120 + wait, env=env)


def read(place: Place) -> tuple[Tables, frozenset[str]]:
    """What there is, and the names of the tables that iptables cannot show.

    Raises:
        MissingError: no program, no privilege, or no such tables in this kernel.
    """
    done = run(place, "-save", ["-c"])
    if done.returncode:
        _explain_privilege(place, done.stderr)
        hint = "; set backend: legacy, if that is what this kernel has" if "initialize nft" in done.stderr else ""
        raise MissingError(f"cannot read the rules of {program(place)}: {words_of(done.stderr)}{hint}")
    return parse(done.stdout), frozenset(_INCOMPATIBLE.findall(done.stdout + done.stderr))


def parse(saved: str) -> Tables:
    """The tables in the output of iptables-save, with or without counters."""
    tables: Tables = {}
    policies: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    counters: dict[str, list[str]] = {}
    texts: list[str] = []
    counts: list[str] = []
    last = ""
    for line in _rejoined(saved) if '"' in saved else saved.split("\n"):
        first = line[:1]
        if line.startswith("-A ") or (first == "[" and "] -A " in line):
            head, _mark, rest = line.partition("-A ")
            name, _space, text = rest.partition(" ")
            if name != last:
                texts, counts = rules.setdefault(name, []), counters.setdefault(name, [])
                last = name
            texts.append(text)
            counts.append(head[1:-2] if head else "0:0")
        elif first == ":":
            name, policy = line[1:].split(" ")[:2]
            policies[name] = "" if policy == "-" else policy
        elif first == "*":
            tables[line[1:]] = {}
            policies, rules, counters, last = {}, {}, {}, ""
        elif line == "COMMIT":
            tables[next(reversed(tables))] = {
                name: Chain(policy, tuple(rules.get(name, ())), tuple(counters.get(name, ())))
                for name, policy in policies.items()
            }
    return tables


def _rejoined(saved: str) -> Iterator[str]:
    """The lines; a rule within whose quotes somebody put line breaks is one."""
    begun = ""
    for line in saved.split("\n"):
        whole = f"{begun}\n{line}" if begun else line
        begun = ""
        if '"' in whole and whole[0] in "[-" and _ESCAPED.sub("", whole).count('"') % 2:
            begun = whole
        else:
            yield whole


def restore(place: Place, text: str, *, flush: bool = False, lock: str = "", wait: int | None = None) -> None:
    """Carries out the lines of iptables-restore(8); each table entirely or not at all.

    Args:
        flush: everything else in the tables that are named goes.

    Raises:
        Refused: with the line.
        KernelError: EBUSY, another program holds the lock.
        MissingError: a privilege is missing.
    """
    wait = LOCK_WAIT if wait is None else wait
    arguments = ["--counters"] if flush else ["--noflush", "--counters"]
    # iptables-nft-restore knows the option and ignores it, for nothing needs the lock there.
    done = run(place, "-restore", [*arguments, "-w", str(wait)], text, lock, wait)
    if done.returncode == 0:
        return
    if "xtables lock" in done.stderr:
        path = os.environ.get("XTABLES_LOCKFILE", _LOCK)
        words = f"another program has held the lock {path} for {wait} s, so nothing was changed"
        raise KernelError(errno.EBUSY, words=words)
    _explain_privilege(place, done.stderr)
    found = _LINE.findall(done.stderr)
    raise Refused(int(found[0]) if found else None, words_of(done.stderr))


def _explain_privilege(place: Place, stderr: str) -> None:
    """Where raw sockets (raw(7)) are asked for and not permitted, the programs say something else.

    Raises:
        MissingError: that is what has failed.
    """
    if place.actual == LEGACY:
        privileges.require("CAP_NET_RAW", "iptables-legacy")
    elif "socket to ipset" in stderr:
        privileges.require("CAP_NET_RAW", "a rule that refers to a set")
    if "you must be root" in stderr:
        privileges.require("CAP_NET_ADMIN", "iptables")


def words_of(stderr: str) -> str:
    """Why, in one line: without the program's name, and without hints to its help."""
    lines = [_PROGRAM.sub("", line).strip() for line in stderr.split("\n")]
    kept = [line for line in dict.fromkeys(lines) if line and not _NOISE.match(line)]
    return "; ".join(re.sub(r"^line \d+: ", "", line).replace("`", "'").rstrip(".") for line in kept[:3])


def others(place: Place) -> tuple[str, Tables]:
    """The other backend, and those of its tables that hold something; no program is started where there are none."""
    other = Place(place.fd, place.family, LEGACY if place.actual == NFT else NFT)
    if other.backend == NFT:
        names = {chain.table for chain in nftables.chains(place.fd, place.family)} & set(BUILTIN)
    else:
        names = set(_legacy_tables(place.fd, place.family))
    try:
        tables = read(other)[0] if names else {}
    except MissingError:
        tables = {}
    used = {t: chains for t, chains in tables.items() if any(c.rules or c.policy == "DROP" for c in chains.values())}
    return other.backend, used


def _legacy_tables(fd: int | None, family: str) -> list[str]:
    path = f"/proc/thread-self/net/{'ip' if family == 'ipv4' else 'ip6'}_tables_names"
    try:
        return _lines(path) if fd is None else netns.run_in(fd, _lines, path)
    except OSError:
        return []


def _lines(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:
        return file.read().split()


def clear_empty(place: Place, tables: Iterable[str]) -> None:
    """Under nft, takes away tables that hold nothing and do nothing any more."""
    if place.actual == NFT:
        nftables.remove_empty(place.fd, place.family, set(tables) & set(BUILTIN))
