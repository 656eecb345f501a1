# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: types, defaults, unset; and bad input, named by the option's path."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_one, declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError
from ansible_collections.containerland.net.plugins.module_utils._core.fields import Field, parse, secrets

FIELDS = {
    "name": Field("str", "", required=True),
    "count": Field("int", "", default=7),
    "on": Field("bool", ""),
    "words": Field("list", "", elements="str"),
    "kind": Field("str", "", choices=("a", "b")),
    "inner": Field("dict", "", fields={"key": Field("str", "", secret=True), "size": Field("int", "")}),
    "ports": Field("list", "", elements="raw", shorthand="name", fields={"name": Field("str", "")}),
    "free": Field("dict", ""),
}


def test_what_was_set() -> None:
    given = {"name": 5, "on": "yes", "words": "a, b", "ports": ["p", {"name": "q"}], "kind": None, "free": {"x": [1]}}
    assert parse(FIELDS, given) == {
        "name": "5",
        "count": 7,
        "on": True,
        "words": ["a", "b"],
        "ports": [{"name": "p"}, {"name": "q"}],
        "free": {"x": [1]},
    }


def test_empty_text_is_an_empty_list() -> None:
    assert parse(FIELDS, {"name": "x", "words": ""})["words"] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "name: is required"),
        ({"name": "x", "size": 1}, f"size: no such option (there are {', '.join(sorted(FIELDS))})"),
        ({"name": ["x"]}, "name: must be a text, not ['x']"),
        ({"name": "x", "count": "seven"}, "count: must be a whole number, not 'seven'"),
        ({"name": "x", "count": True}, "count: must be a whole number, not True"),
        ({"name": "x", "count": 1.5}, "count: must be a whole number, not 1.5"),
        ({"name": "x", "on": "maybe"}, "on: must be true or false, not 'maybe'"),
        ({"name": "x", "kind": "c"}, "kind: must be one of a, b: 'c'"),
        ({"name": "x", "words": {"a": 1}}, "words: must be a list, not {'a': 1}"),
        ({"name": "x", "ports": {"name": "p"}}, "ports: must be a list: begin each element with '- '"),
        ({"name": "x", "ports": ["p", {"nam": "q"}]}, "ports[1].nam: no such option (there are name)"),
        ({"name": "x", "inner": {"size": "big"}}, "inner.size: must be a whole number, not 'big'"),
        ({"name": "x", "inner": "big"}, "inner: must be a dictionary, not 'big'"),
    ],
)
def test_bad_options(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as problem:
        parse(FIELDS, given)
    assert str(problem.value) == said


def test_secrets_are_found_at_any_depth() -> None:
    assert list(secrets(FIELDS, {"name": "x", "inner": {"key": "s1"}})) == ["s1"]
    wrapped = {"list": Field("list", "", elements="dict", fields=FIELDS)}
    assert list(secrets(wrapped, {"list": [{"inner": {"key": "s1"}}, {"inner": {"key": "s2"}}]})) == ["s1", "s2"]


PAIR = {"name": "v0", "peer": {"name": "v1"}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"name": "../x"},
            "name: use letters, digits, '_', '-' and '.', at most 64, beginning with a letter or digit: '../x'",
        ),
        (
            {"veth": [PAIR, {"name": "v%d"}]},
            "veth[1].name: an interface name has no white space, '/', ':' or '%': 'v%d'",
        ),
        (
            {"veth": [{**PAIR, "peer": {"name": "v1", "addresses": ["10.0.0.1/24", "x/1"]}}]},
            "veth[0].peer.addresses[1]: not an address with prefix length: 'x/1'",
        ),
        ({"veth": [{"name": "v0", "peer": {"name": "v0"}}]}, "veth[0].peer.name: both ends have the same name"),
        ({"veth": [PAIR, PAIR]}, "veth[1]: the same object is declared twice (see veth[0])"),
        ({"veth": [PAIR, {"name": "v0", "state": "absent"}]}, "veth[1]: is both present and absent (see veth[0])"),
        (
            {"veth": [PAIR], "bridge": [{"name": "a", "ports": ["v0"]}, {"name": "b", "ports": ["v0"]}]},
            "bridge[1].ports[0]: master is 'b' here, but 'a' in bridge[0].ports[0]",
        ),
        ({"route": [{"dest": "10.0.0.0/33"}]}, "route[0].dest: not a prefix: '10.0.0.0/33'"),
        (
            {"route": [{"dest": "10.0.0.0/8"}]},
            "route[0].gateway: gateway or device is required for a route that leads somewhere",
        ),
        (
            {"route": [{"dest": "fd00::/8", "gateway": "10.0.0.1"}]},
            "route[0].gateway: an IPv6 route has no IPv4 gateway",
        ),
        ({"vxlan": [{"name": "vx", "vni": 2**24}]}, f"vxlan[0].vni: must be between 0 and {2**24 - 1}: {2**24}"),
        (
            {"vxlan": [{"name": "vx", "vni": 1, "peers": [{"underlay": "10.0.0.1", "gateway": "10.1.0.1"}]}]},
            "vxlan[0].peers[0].mac: is required with gateway",
        ),
        ({"link": [{"name": "x", "kind": "dummy", "vni": 4}]}, "link[0].vni: is not an option of a link of kind dummy"),
        (
            {"link": [{"name": "x", "kind": "ipvlan", "parent": "v0", "mode": "vepa"}]},
            "link[0].mode: must be one of l2, l3, l3s for a link of kind ipvlan: 'vepa'",
        ),
        ({"rule": [{"priority": 1}]}, "rule[0].table: is required for the action lookup, and only for that"),
        ({"neighbor": [{"device": "x", "address": "10.0.0.1"}]}, "neighbor[0].mac: is required unless proxy is set"),
        (
            {"fdb": [{"device": "x", "mac": "00:00:00:00:00:00"}]},
            "fdb[0].destination: is required for the flood address",
        ),
        (
            {"namespaces": [{"name": "a", "sysctls": {"kernel.x.y": 1}}]},
            "namespaces[0].sysctls.kernel.x.y: not a sysctl below net: 'kernel.x.y'",
        ),
        (
            {"state": "absent", "veth": [PAIR]},
            "veth: means nothing with state: absent, which takes away all that this owner made",
        ),
    ],
)
def test_bad_topologies(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as problem:
        declare_topology({"name": "case", **options}, lambda ref: ref)
    assert str(problem.value) == said


def test_one_module_names_the_option_alone() -> None:
    with pytest.raises(InputError) as problem:
        declare_one("veth", {"name": "v0", "peer": {"name": "v1", "mtu": 1}}, lambda ref: ref)
    assert str(problem.value) == "peer.mtu: must be between 68 and 65535: 1"
