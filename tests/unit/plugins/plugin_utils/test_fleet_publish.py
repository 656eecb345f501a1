# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `publish` may say, and in which words the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import fleet
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options


def published(*lists: Any, prefix6: str = "") -> list[Any]:
    """What becomes of the `publish` of each container of the first of two nodes."""
    containers = tuple({"name": f"c{k}", "publish": said} for k, said in enumerate(lists, 1))
    nodes = [NodeInput("node1", "192.0.2.1", containers=containers), NodeInput("node2", "192.0.2.2", "2001:db8::2")]
    made = fleet.plan(nodes, Options(prefix6=prefix6))
    return [container.get("publish") for container in made["nodes"]["node1"]["containers"]]


def test_all_keys_are_there_afterwards() -> None:
    assert published([{"port": "8080", "to": 80, "from": "192.0.2.7"}, {"port": 53, "protocol": "UDP"}], []) == [
        [
            {"port": 8080, "to": 80, "protocol": "tcp", "from": ["192.0.2.7/32"], "address": ""},
            {"port": 53, "to": 53, "protocol": "udp", "from": [], "address": ""},
        ],
        None,
    ]


def test_what_does_not_overlap_is_accepted() -> None:
    published(
        [{"port": 80, "address": "192.0.2.1"}],
        [{"port": 80, "address": "198.51.100.1"}],
        [{"port": 80, "protocol": "udp"}, {"port": 80, "protocol": "sctp"}, {"port": 81, "to": 80}],
        [{"port": 80, "address": "2001:db8::1"}],
        prefix6="fd00::/48",
    )


BAD = [
    (80, ": must be a list of dictionaries, such as [{port: 8080, to: 80}]"),
    ([80], ": must be a list of dictionaries, such as [{port: 8080, to: 80}]"),
    ([{"to": 80}], "[0].port: is needed: the port of the node"),
    ([{"port": 80}, {"port": 0}], "[1].port: must be a number from 1 to 65535, not 0"),
    ([{"port": 65536}], "[0].port: must be a number from 1 to 65535, not 65536"),
    ([{"port": True}], "[0].port: must be a number from 1 to 65535, not True"),
    ([{"port": "80-90"}], "[0].port: must be a number from 1 to 65535, not '80-90'"),
    ([{"port": 80, "to": -1}], "[0].to: must be a number from 1 to 65535, not -1"),
    ([{"port": 80, "protocol": "icmp"}], "[0].protocol: must be one of tcp, udp, sctp, not 'icmp'"),
    ([{"port": 80, "form": "192.0.2.0/24"}], "[0].form: there is no such option; there are port, to, protocol"),
    ([{"port": 80, "from": "192.0.2.1/24"}], "[0].from: 192.0.2.1/24 has host bits set; did you mean 192.0.2.0/24?"),
    ([{"port": 80, "from": ["office"]}], "[0].from: not a prefix: 'office'"),
    ([{"port": 80, "from": "2001:db8::/32"}], "[0].from: 2001:db8::/32 is IPv6, which these containers do not have"),
    ([{"port": 80, "address": "here\n"}], r"[0].address: not an IP address: 'here\n'"),
    ([{"port": 80, "address": "2001:db8::1"}], "[0].address: 2001:db8::1 is IPv6, which these containers do not have"),
    ([{"port": 80, "address": "127.0.0.1"}], "[0].address: 127.0.0.1 is the loopback; leave the address out"),
    ([{"port": 80, "address": "0.0.0.0"}], "[0].address: 0.0.0.0 stands for all addresses; leave it out for that"),
    ([{"port": 80, "address": "224.0.0.1"}], "[0].address: 224.0.0.1 is for many receivers"),
    ([{"port": 80, "address": "255.255.255.255"}], "[0].address: 255.255.255.255 is for many receivers"),
    ([{"port": 80, "address": "169.254.169.254"}], "[0].address: 169.254.169.254 is link-local"),
    ([{"port": 80, "address": "10.244.1.1"}], "[0].address: 10.244.1.1 belongs to the containers (10.244.0.0/16)"),
    ([{"port": 80, "address": "192.0.2.2"}], "[0].address: 192.0.2.2 is the address of node2"),
]


@pytest.mark.parametrize(("said", "message"), BAD)
def test_refused(said: Any, message: str) -> None:
    with pytest.raises(FleetError) as refused:
        published([], said)
    assert str(refused.value).startswith(f"node1: containers_list[1].publish{message}")


BAD6 = [
    ({"address": "2001:db8::2"}, "address: 2001:db8::2 is the address of node2"),
    ({"address": "::1"}, "address: ::1 is the loopback"),
    ({"address": "::"}, "address: :: stands for all addresses"),
    ({"address": "ff02::1"}, "address: ff02::1 is for many receivers"),
    ({"address": "fe80::1"}, "address: fe80::1 is link-local"),
    ({"address": "2001:db8::1", "from": "192.0.2.0/24"}, "from: holds no IPv6 prefix, but address is 2001:db8::1"),
]


@pytest.mark.parametrize(("said", "message"), BAD6)
def test_refused_ipv6(said: dict[str, str], message: str) -> None:
    with pytest.raises(FleetError) as refused:
        published([{"port": 80, **said}], prefix6="fd00::/48")
    assert str(refused.value).startswith(f"node1: containers_list[0].publish[0].{message}")


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ({}, {}, "tcp port 80 is already published by container 'c1'"),
        ({"from": "192.0.2.0/24"}, {"from": "198.51.100.0/24"}, "tcp port 80 is already published by container 'c1'"),
        ({"address": "192.0.2.1"}, {}, "tcp port 80 of 192.0.2.1 is already published by container 'c1'"),
        ({}, {"address": "192.0.2.1"}, "tcp port 80 of 192.0.2.1 is already published by container 'c1'"),
    ],
)
def test_twice(one: dict[str, str], two: dict[str, str], message: str) -> None:
    with pytest.raises(FleetError) as refused:
        published([{"port": 80, **one}], [], [{"port": 81}, {"port": 80, **two}])
    assert str(refused.value) == f"node1: containers_list[2].publish[1].port: {message}"
