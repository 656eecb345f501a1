# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that nobody should give, for every option of every module, as its documentation names them."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.integration.support.run import CHECKOUT

TEXTS: list[Any] = [
    *(
        "",
        " ",
        ".",
        "..",
        "../../run/x",
        "/",
        "a/b",
        "a b",
        "a:b",
        "a\nb",
        "a\tb",
        "\x00",
        "a\x1b[31mb",
        "-x",
        "--",
        "+",
        "eth+",
    ),
    *(
        "v%d",
        "%s%n",
        "$(touch /run/owned)",
        "`touch /run/owned`",
        "; touch /run/owned",
        "'",
        '"',
        "\\",
        "{{ 1 }}",
        "#",
        "*",
    ),
    *(
        "ü" * 8,
        "ü" * 200,
        "x" * 16,
        "x" * 300,
        "x" * 70000,
        "all",
        "default",
        "none",
        "true",
        "nowhere",
        "lo",
        "fo0",
        "fbr",
    ),
    *("pid:0", "pid:99999999999999999999", "docker:-x", "/proc/self/ns/mnt", "/dev/zero", "/run/../etc", "\ud800"),
]
NUMBERS: list[Any] = [
    -1,
    0,
    1,
    255,
    65535,
    65536,
    2**31,
    2**32,
    2**63,
    2**64,
    -(2**63) - 1,
    10**40,
    1.5,
    "1e9",
    "0x10",
    "٣",
]
SHAPES: list[Any] = [
    [],
    {},
    [[]],
    [{}],
    [None],
    {"": ""},
    {"a": {"b": [1]}},
    ["a", {"b": 1}],
    True,
    [[[[["x"]]]]],
    {"name": {}},
]
ADDRESSES: list[Any] = [
    *(
        "10.0.0.1",
        "10.0.0.1/24",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "256.1.1.1",
        "0.0.0.0/0",
        "fd00::1",
        "fd00::1/64",
        "fd00::/129",
    ),
    *(
        "::",
        "::ffff:10.0.0.1",
        "fe80::1%lo",
        "224.0.0.1",
        "127.0.0.1",
        "255.255.255.255",
        "1",
        "10.0.0.1:80",
        "[fd00::1]:80",
    ),
    *("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:0g", "default", "10.0.0.1-10.0.0.9"),
]
VALUES = [*TEXTS, *NUMBERS, *SHAPES, *ADDRESSES]

#: Options that do something, so that one wrong one more is all that is wrong.
BASES: dict[str, dict[str, Any]] = {
    "bridge": {"name": "br1"},
    "confirm": {"action": "look"},
    "fdb": {"mac": "02:00:00:00:00:09", "device": "fvx", "destination": "203.0.113.9"},
    "ipset": {"name": "s1", "type": "hash:ip", "entries": ["10.0.0.1"]},
    "iptables_chain": {"chain": "SHOP", "rules": ["-s 10.0.0.0/8 -j ACCEPT"]},
    "ipvs_info": {},
    "ipvs_service": {"address": "10.9.0.1", "port": 80},
    "link": {"name": "mv0", "kind": "macvlan", "parent": "fbr"},
    "neighbor": {"address": "203.0.113.8", "device": "fbr", "mac": "02:00:00:00:00:08"},
    "netns": {"name": "n1"},
    "netns_commands": {"name": "t", "supervisor": "loop"},
    "netns_hosts": {"name": "t", "node": True},
    "network_info": {"kinds": ["route"]},
    "node_program": {"path": "/run/program"},
    "reachability": {"targets": ["127.0.0.1"], "timeout": 0.05, "attempts": 1},
    "route": {"dest": "10.0.0.0/8", "gateway": "203.0.113.2"},
    "rule": {"priority": 50, "from": "10.0.0.0/8", "table": "main"},
    "service_health": {"name": "t"},
    "topology": {"name": "t"},
    "veth": {"name": "v0", "peer": {"name": "v1"}},
    "vxlan": {"name": "vx0", "vni": 7, "local": "203.0.113.1"},
}
_ELEMENTS: dict[str, dict[str, Any]] = {
    "commands": {"name": "one", "netns": "foreign", "command": ["true"]},
    "entries": {"address": "10.0.0.1", "names": ["a"]},
    "jumps": {"from": "INPUT"},
    "nexthops": {"gateway": "203.0.113.2"},
    "peers": {"underlay": "203.0.113.7"},
    "servers": {"address": "10.0.0.5", "port": 80},
    "sources": {"name": "a"},
    "vlans": {"vid": 5},
}


@dataclass(frozen=True)
class Try:
    """One call; `options` is what is hostile in it, by path."""

    module: str
    given: dict[str, Any]
    options: tuple[str, ...]


@cache
def documented(module: str) -> dict[str, Any]:
    text = (CHECKOUT / "plugins" / "modules" / f"{module}.py").read_text()
    found = re.search(r'DOCUMENTATION = r"""(.*?)"""', text, re.DOTALL)
    assert found is not None
    options: dict[str, Any] = yaml.safe_load(found[1])["options"]
    return options


def paths(module: str) -> list[tuple[str, ...]]:
    """The paths of all options: of dictionaries and of lists' elements too, and of the elements of a topology."""
    return list(_paths(documented(module), (), module))


def _paths(options: dict[str, Any], above: tuple[str, ...], module: str) -> Iterator[tuple[str, ...]]:
    for name, option in options.items():
        path = (*above, name)
        yield path
        yield from _paths(option.get("suboptions", {}), path, module)
        if module == "topology" and not above and option.get("elements") == "dict":
            yield from _paths(documented("netns" if name == "namespaces" else name), path, "")


def with_value(module: str, base: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The base with that value at the path."""
    given = copy.deepcopy(base)
    place: Any = given
    options = documented(module)
    for name in path[:-1]:
        option = options[name]
        if module == "topology" and place is given and option.get("elements") == "dict":
            one = "netns" if name == "namespaces" else name
            element, options = copy.deepcopy(BASES[one]), documented(one)
        else:
            element, options = copy.deepcopy(_ELEMENTS.get(name, {})), option["suboptions"]
        if option["type"] == "list":
            place[name] = [element]
            place = element
        else:
            place = place.setdefault(name, element)
            if not isinstance(place, dict):
                return given
    place[path[-1]] = value
    return given


def tries(module: str, count: int, seed: int) -> Iterator[Try]:
    """Half of them with one wrong option, half with several, which may contradict each other."""
    chance = random.Random(f"{module} {seed}")
    all_paths = paths(module)
    for number in range(count):
        # Every option has its turn.
        chosen = [all_paths[number % len(all_paths)]]
        chosen += chance.sample(all_paths, min(len(all_paths), chance.choice((0, 0, 0, 1, 2))))
        given = BASES[module]
        for path in chosen:
            given = with_value(module, given, path, _value(chance, documented(module), path))
        yield Try(module, given, tuple(".".join(path) for path in chosen))


def _value(chance: random.Random, options: dict[str, Any], path: tuple[str, ...]) -> Any:
    value = chance.choice(VALUES)
    option = options.get(path[0], {}) if len(path) == 1 else {}
    if option.get("choices") and chance.random() < 0.3:
        return chance.choice(option["choices"])
    if (option.get("type") == "list" or chance.random() < 0.2) and chance.random() < 0.6:
        return [value, value] if chance.random() < 0.3 else [value]
    return value
