# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `services_list` may say, what becomes of it, and in which words the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, fleet_services
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options
from netaddr import IPNetwork

WEB = {"name": "web1", "labels": {"app": "web", "tier": 1}}
DB = {"name": "db", "labels": {"app": "db"}}
GUEST = {"name": "guest", "attach": "docker:guest", "labels": {"app": "guest"}}
SERVICE = {"name": "web", "port": 80, "select": {"app": "web"}}


def plan(*services: Any, containers: tuple[Any, ...] = (WEB, DB, GUEST), **options: Any) -> dict[str, Any]:
    nodes = [NodeInput(f"node{k}", f"192.0.2.{k}", f"2001:db8::{k}", containers=containers) for k in (1, 2)]
    return fleet.plan(nodes, Options(services=services, **options))


def test_without_services_nothing_is_checked() -> None:
    made = fleet.plan([NodeInput("node1", "10.96.0.1")], Options())
    assert (made["services"], made["services_prefixes"]) == ([], [])


def test_all_keys_are_there_afterwards() -> None:
    (service,) = plan({**SERVICE, "port": "80", "ingress_port": "30080"})["services"]
    servers = service.pop("servers")
    assert service == {
        "name": "web",
        "addresses": ["10.96.211.234"],
        "port": 80,
        "target_port": 80,
        "protocol": "tcp",
        "scheduler": "rr",
        "affinity": 0,
        "drain": 30,
        "method": "masq",
        "ingress_port": 30080,
        "external_addresses": [],
    }
    assert [(s["node"], s["container"], s["port"], s["weight"]) for s in servers] == [
        ("node1", "web1", 80, 1),
        ("node2", "web1", 80, 1),
    ]


def test_an_address_depends_on_the_name_alone() -> None:
    alone = plan(SERVICE)["services"][0]["addresses"]
    others = [{**SERVICE, "name": f"s{k}"} for k in range(20)]
    assert plan(*others, SERVICE)["services"][-1]["addresses"] == alone
    assert alone == [str(fleet_services.derived_address("web", IPNetwork("10.96.0.0/16")))]


def test_ipv6_has_the_same_number_and_its_own_servers() -> None:
    made = plan(SERVICE, prefix6="fd00:244::/48", services_prefix6="fd00:96::/112")
    four, six = made["services"][0]["addresses"]
    assert int(six.rpartition(":")[2], 16) == int(four.split(".")[2]) * 256 + int(four.split(".")[3])
    assert [":" in server["address"] for server in made["services"][0]["servers"]] == [False, False, True, True]
    assert made["services_prefixes"] == ["10.96.0.0/16", "fd00:96::/112"]


def test_all_labels_count_and_their_values_are_texts() -> None:
    assert len(plan({**SERVICE, "select": {"app": "web", "tier": "1"}})["services"][0]["servers"]) == 2
    made = plan({**SERVICE, "select": {"app": "web", "tier": 2}})
    assert made["services"][0]["servers"] == []
    assert made["notes"] == ["service 'web' has no servers"]


@pytest.mark.parametrize(
    ("drained", "weights"),
    [((), [1, 1]), (("web1@node2",), [1, 0]), (("node1",), [0, 1]), (("node1", "web1@node2"), [0, 0])],
)
def test_drained(drained: tuple[str, ...], weights: list[int]) -> None:
    (service,) = plan(SERVICE, services_drained=drained)["services"]
    assert [server["weight"] for server in service["servers"]] == weights


def test_listed_servers() -> None:
    listed = [{"address": "10.244.1.195", "weight": 3}, {"address": "203.0.113.9", "port": 8080}]
    (service,) = plan({"name": "web", "port": 80, "servers": listed}, services_drained=("node1",))["services"]
    assert service["servers"] == [
        {"node": "node1", "container": "web1", "address": "10.244.1.195", "port": 80, "weight": 0},
        {"node": "", "container": "", "address": "203.0.113.9", "port": 8080, "weight": 1},
    ]


def test_a_pinned_address_can_be_shared() -> None:
    one = {**SERVICE, "address": "10.96.0.10"}
    made = plan(one, {**one, "name": "tls", "port": 443}, {**one, "name": "quic", "protocol": "udp"})
    assert [service["addresses"] for service in made["services"]] == [["10.96.0.10"]] * 3


def test_collision_is_refused_with_a_pin() -> None:
    prefix = "10.96.0.0/29"
    names = [name for name in ("a", "b", "c", "d", "e", "f", "g") if _falls_on(name, prefix) == _falls_on("a", prefix)]
    assert len(names) > 1
    with pytest.raises(FleetError) as refused:
        plan(*({**SERVICE, "name": name} for name in names[:2]), services_prefix=prefix)
    said = str(refused.value)
    assert said.startswith(f"services_list[1].address: '{names[1]}' and 'a' fall on the same address")
    pin = said.rpartition(" ")[2]
    plan({**SERVICE, "name": names[0]}, {**SERVICE, "name": names[1], "address": pin}, services_prefix=prefix)


def _falls_on(name: str, prefix: str) -> Any:
    return fleet_services.derived_address(name, IPNetwork(prefix))


# S13: (what the service says, what is said of it).
BAD = [
    (80, ": must be a dictionary, such as {name: web, port: 80, select: {app: web}}"),
    ({"name": "Web"}, ".name: must be at most 63 lower-case letters, digits or '-', as in the name of a host"),
    ({"name": "../x"}, ".name: must be at most 63"),
    ({"name": "x" * 64}, ".name: must be at most 63"),
    ({"color": "blue"}, ".color: there is no such option; there are name, address"),
    ({"port": None}, ".port: is needed: the port of the service"),
    ({"port": 65536}, ".port: must be a number from 1 to 65535, not 65536"),
    ({"target_port": 0}, ".target_port: must be a number from 1 to 65535, not 0"),
    ({"protocol": "icmp"}, ".protocol: must be one of tcp, udp, sctp, not 'icmp'"),
    ({"ingress_port": 4789, "protocol": "udp"}, ".ingress_port: 4789 is how the overlay's packets reach the nodes"),
    ({"external_addresses": ["198.51.100.1"] * 2}, ".external_addresses[1]: 198.51.100.1 is there twice"),
    ({"name": "localhost"}, ".name: must be at most 63"),
    ({"health": True}, ".health: must be a dictionary, such as {type: http, path: /healthz}, not True"),
    ({"health": {"kind": "tcp"}}, ".health.kind: there is no such option; there are type, path"),
    ({"health": {"type": "udp"}}, ".health.type: must be one of tcp, http, not 'udp'"),
    ({"health": {"path": "/x"}}, ".health.path: is for type: http"),
    ({"health": {"type": "http", "path": "x y"}}, ".health.path: must begin with '/' and have no blanks"),
    ({"health": {"fall": 0}}, ".health.fall: must be a number from 1 to 100, not 0"),
    ({"health": {}, "protocol": "udp", "name": "x", "port": 0}, ".port: must be a number from 1 to 65535, not 0"),
    ({"health": {"type": "tcp"}, "protocol": "udp"}, ".health.port: is needed: whether a udp server is well"),
    ({"scheduler": "best"}, ".scheduler: must be one of rr, wrr"),
    ({"affinity": -1}, ".affinity: must be a number from 0 to 2592000, not -1"),
    ({"drain": "long"}, ".drain: must be a number from 0 to 3600, not 'long'"),
    ({"method": "tunneling"}, ".method: must be one of masq, gatewaying, not 'tunneling'"),
    ({"method": "gatewaying", "target_port": 8080}, ".target_port: gatewaying cannot change the port"),
    ({"method": "gatewaying", "ingress_port": 80}, ".ingress_port: gatewaying cannot change the address"),
    (
        {"method": "gatewaying", "select": {"app": "guest"}},
        ".method: gatewaying needs a namespace made here, but guest@",
    ),
    ({"select": {}}, ".select: must be labels, such as {app: web}, not {}"),
    ({"select": None}, ".select: is needed: labels of containers (select), or servers (servers)"),
    ({"servers": []}, ".select: both say which containers serve; leave one out"),
    ({"address": "10.97.0.1"}, ".address: 10.97.0.1 is not inside 10.96.0.0/16"),
    ({"address": "7"}, ".address: not an IP address: '7'"),
    ({"address": "127.0.0.1"}, ".address: 127.0.0.1 is the loopback"),
    ({"address": "169.254.169.254"}, ".address: 169.254.169.254 is link-local"),
    ({"address": "224.0.0.1"}, ".address: 224.0.0.1 is for many receivers"),
    ({"address": "192.0.2.1"}, ".address: 192.0.2.1 is not inside 10.96.0.0/16"),
    ({"address": "fd00:96::1"}, ".address: fd00:96::1 is not inside 10.96.0.0/16"),
    ({"address6": "fd00:96::1"}, ".address6: there is no IPv6 for services; set services_prefix6"),
    ({"external_addresses": ["192.0.2.2"]}, ".external_addresses[0]: 192.0.2.2 is the address of node2"),
    ({"external_addresses": "10.244.1.7"}, ".external_addresses[0]: 10.244.1.7 belongs to the containers"),
    ({"external_addresses": ["10.96.3.4"]}, ".external_addresses[0]: 10.96.3.4 belongs to the services"),
    ({"external_addresses": ["127.0.0.2"]}, ".external_addresses[0]: 127.0.0.2 is the loopback"),
    ({"external_addresses": ["2001:db8::7"]}, ".external_addresses[0]: 2001:db8::7 is IPv6, but there is no"),
    ({"ingress_port": 22}, ".ingress_port: 22 is how people and Ansible reach the nodes; choose another port"),
    ({"ingress_port": 8080}, ".ingress_port: tcp port 8080 is published by container 'shop' of node1"),
    ({"external_addresses": ["198.51.100.7"], "port": 90}, ".port: tcp port 90 is published by container 'shop' of"),
]
BAD_SERVERS = [
    ("web", ".servers: must be a list of dictionaries, such as [{address: 192.0.2.7}]"),
    ([{}], ".servers[0].address: is needed: the address of the server"),
    ([{"address": "x"}], ".servers[0].address: not an IP address: 'x'"),
    ([{"address": "127.0.0.1"}], ".servers[0].address: 127.0.0.1 is the loopback"),
    ([{"address": "10.96.0.1"}], ".servers[0].address: 10.96.0.1 is an address of services (10.96.0.0/16)"),
    ([{"address": "fd00::1"}], ".servers[0].address: fd00::1 is IPv6, but there is no services_prefix6"),
    ([{"address": "203.0.113.1"}] * 2, ".servers[1].address: 203.0.113.1 with port 80 is listed already"),
    ([{"address": "203.0.113.1", "weight": 65536}], ".servers[0].weight: must be a number from 0 to 65535"),
    ([{"address": "203.0.113.1", "prot": 1}], ".servers[0].prot: there is no such option; there are address, port"),
]
SHOP = {"name": "shop", "publish": [{"port": 8080}, {"port": 90, "address": "198.51.100.7"}]}


@pytest.mark.parametrize(("said", "message"), [*BAD, *(({"servers": s, "select": None}, m) for s, m in BAD_SERVERS)])
def test_refused(said: Any, message: str) -> None:
    service = {**SERVICE, "name": "other", **said} if isinstance(said, dict) else said
    with pytest.raises(FleetError) as refused:
        plan({**SERVICE, "address": "10.96.0.1"}, service, containers=(WEB, DB, GUEST, SHOP))
    assert str(refused.value).startswith(f"services_list[1]{message}")


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ({}, {"name": "web"}, ".name: there is already a service 'web'"),
        ({"address": "10.96.0.1"}, {"address": "10.96.0.1"}, ".port: tcp port 80 of 10.96.0.1 is already that of"),
        ({"ingress_port": 99}, {"ingress_port": 99}, ".ingress_port: tcp port 99 is already that of service 'web'"),
        (
            {"external_addresses": ["198.51.100.1"]},
            {"external_addresses": ["198.51.100.1"]},
            ".port: tcp port 80 of 198.51.100.1 is already that of service 'web'",
        ),
    ],
)
def test_twice(one: dict[str, Any], two: dict[str, Any], message: str) -> None:
    with pytest.raises(FleetError) as refused:
        plan({**SERVICE, **one}, {**SERVICE, "name": "other", **two})
    assert str(refused.value).startswith(f"services_list[1]{message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"services_prefix": "10.96.0.0"}, "services_prefix: '10.96.0.0' is not an IPv4 prefix"),
        ({"services_prefix": "10.96.0.0/31"}, "services_prefix: 10.96.0.0/31 is too small"),
        ({"services_prefix": "10.244.7.0/24"}, "services_prefix: 10.244.7.0/24 overlaps the containers' 10.244.0.0/16"),
        ({"services_prefix": "10.0.0.0/8"}, "services_prefix: 10.0.0.0/8 overlaps the containers' 10.244.0.0/16"),
        ({"services_prefix": "192.0.2.0/24"}, "services_prefix: 192.0.2.0/24 holds 192.0.2.1, the address of node1"),
        ({"services_prefix": "127.1.0.0/16"}, "services_prefix: 127.1.0.0/16 is the loopback"),
        ({"services_prefix6": "fe80::/64", "prefix6": "fd00:244::/48"}, "services_prefix6: fe80::/64 is link-local"),
        ({"services_prefix6": "fd00:96::/112"}, "services_prefix6: needs containers_prefix6"),
        ({"services_drained": ("web9@node1",)}, "services_drained[0]: there is no node, and no container NAME@NODE"),
    ],
)
def test_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FleetError) as refused:
        plan(SERVICE, **options)
    assert str(refused.value).startswith(message)


def test_ingress_needs_addresses_to_answer_at() -> None:
    options = Options(network="none", services=({**SERVICE, "ingress_port": 30080},))
    with pytest.raises(FleetError, match=r"^services_list\[0\].ingress_port: node1 has no address to answer at"):
        fleet.plan([NodeInput("node1", containers=(WEB,))], options)


def test_labels_are_refused() -> None:
    with pytest.raises(FleetError, match=r"^node1: containers_list\[0\].labels: must be a dictionary"):
        plan(SERVICE, containers=({"name": "web1", "labels": ["web"]},))
