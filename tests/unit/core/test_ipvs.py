# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be declared of IPVS, what becomes of it, and what is refused with the option's path."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_one, declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.export import ipvs_services
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import ipvs
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.base import StepError
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.ipvs_apply import _in_words
from ansible_collections.containerland.net.plugins.module_utils._core.model import Declaration, Key, Resource, Stage
from ansible_collections.containerland.net.plugins.module_utils._core.plan import make_plan

WEB = {"address": "10.96.0.10", "port": 80}
ONE = {"address": "10.244.1.1"}


def declared(**options: Any) -> Declaration:
    return declare_one("ipvs_service", options, lambda ref: ref)


def servers(declaration: Declaration) -> dict[str, dict[str, Any]]:
    return {key.ident[1]: dict(r.values) for key, r in declaration.desired.items() if key.kind == "ipvs_server"}


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (WEB, "tcp 10.96.0.10:80"),
        ({**WEB, "protocol": "sctp"}, "sctp 10.96.0.10:80"),
        ({"address": "FD00:0::1", "port": 53, "protocol": "udp"}, "udp [fd00::1]:53"),
        ({"fwmark": 5}, "fwmark 5"),
        ({"fwmark": 5, "ip_version": "ipv6"}, "fwmark 5 ipv6"),
        ({"address": "10.0.0.1", "port": 0, "persistence": {"timeout": 60}}, "tcp 10.0.0.1:0"),
    ],
)
def test_services(options: dict[str, Any], name: str) -> None:
    assert list(declared(**options).desired) == [Key("ipvs_service", "", (name,))]


@pytest.mark.parametrize("address", ["::ffff:10.0.0.1", "::1.2.3.4", "0:0::FFFF:a00:1", "10.0.0.1"])
def test_addresses_are_written_as_the_kernel_does(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    (key,) = declared(address=address, port=80).desired
    written = ipvs.endpoint(socket.inet_ntop(family, socket.inet_pton(family, address)), 80)
    assert key.ident == (f"tcp {written}",)


def test_only_what_was_said_is_compared() -> None:
    values = next(iter(declared(**WEB).desired.values())).values
    assert values == {}
    found = servers(declared(**WEB, servers=[ONE, {**ONE, "port": 8080, "weight": 0}]))
    assert found == {
        "10.244.1.1:80": {"weight": 1, "method": "masq"},
        "10.244.1.1:8080": {"weight": 0, "method": "masq"},
    }


@pytest.mark.parametrize("mask", ["24", 24, "255.255.255.0"])
def test_persistence(mask: Any) -> None:
    values = next(iter(declared(**WEB, persistence={"netmask": mask}).desired.values())).values
    assert values == {"persistence_timeout": 300, "persistence_netmask": 24, "persistence_engine": ""}


REFUSED = [
    ({}, "address: is required, unless there is a fwmark"),
    ({"address": "10.0.0.1"}, "port: is required, unless there is a fwmark"),
    ({**WEB, "port": 0}, "port: 0 (all ports) needs persistence, or a client's connections would part"),
    ({**WEB, "fwmark": 5}, "address: means nothing with fwmark, which stands instead of it"),
    ({**WEB, "ip_version": "ipv4"}, "ip_version: goes with fwmark; an address has its own"),
    ({**WEB, "address": "224.0.0.1"}, "address: not an address of one host: '224.0.0.1'"),
    ({**WEB, "address": "0.0.0.0"}, "address: not an address of one host: '0.0.0.0'"),
    ({**WEB, "scheduler": "rr; reboot"}, "scheduler: not a name such as rr, wlc or mh: 'rr; reboot'"),
    ({**WEB, "flags": ["ports"]}, "flags[0]: must be one of fallback, port, flag-3: 'ports'"),
    ({**WEB, "one_packet": True}, "one_packet: is for UDP"),
    ({**WEB, "persistence": {"netmask": 33}}, "persistence.netmask: has at most 32 bits here: 33"),
    ({**WEB, "persistence": {"netmask": "255.0.255.0"}}, "persistence.netmask: not a prefix length"),
    ({**WEB, "persistence": {"engine": "sip"}}, "persistence.engine: sip is for UDP"),
    ({**WEB, "persistence": {"timeout": 0, "netmask": 24}}, "persistence.netmask: means nothing with timeout: 0"),
    ({**WEB, "servers": [{"address": "fd00::1"}]}, "servers[0].address: the service is IPv4"),
    ({**WEB, "servers": [{**ONE, "weight": -1}]}, "servers[0].weight: must be between 0 and 65535: -1"),
    ({**WEB, "servers": [{**ONE, "tunnel": {}}]}, "servers[0].tunnel: goes with method: tunneling"),
    ({**WEB, "servers": [ONE, ONE]}, "servers[1]: the same object is declared twice (see "),
    (
        {**WEB, "servers": [ONE, {**ONE, "port": 81, "method": "gatewaying"}]},
        "servers[1].port: gatewaying cannot change the port of packets, only masq can: 81",
    ),
    (
        {**WEB, "servers": [{**ONE, "port": 81, "method": "tunneling"}]},
        "servers[0].port: tunneling cannot change the port of packets, only masq can: 81",
    ),
    (
        {"fwmark": 5, "servers": [{**ONE, "port": 81}]},
        "servers[0].port: a service of all ports leaves them as they are: 81",
    ),
    (
        {**WEB, "port": 0, "persistence": {}, "servers": [{**ONE, "port": 81}]},
        "servers[0].port: a service of all ports leaves them as they are: 81",
    ),
    ({**WEB, "servers": [{**ONE, "lower_threshold": 3}]}, "servers[0].lower_threshold: is above upper_threshold"),
    ({**WEB, "persistence": {"netmask": "0.0.0.255"}}, "persistence.netmask: not a prefix length"),
    ({**WEB, "persistence": {"netmask": "\u0663"}}, "persistence.netmask: not a prefix length"),
    (
        {**WEB, "servers": [{**ONE, "upper_threshold": 5, "lower_threshold": 6}]},
        "servers[0].lower_threshold: is above upper_threshold",
    ),
    (
        {**WEB, "servers": [{**ONE, "method": "tunneling", "tunnel": {"type": "gue"}}]},
        "servers[0].tunnel.port: is required for gue",
    ),
    (
        {**WEB, "servers": [{**ONE, "method": "tunneling", "tunnel": {"port": 5}}]},
        "servers[0].tunnel.port: ipip has no port",
    ),
    (
        {**WEB, "servers": [{**ONE, "method": "tunneling", "tunnel": {"checksum": "csum"}}]},
        "servers[0].tunnel.checksum: ipip has no checksum of its own",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[message for _options, message in REFUSED])
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as problem:
        declared(**options)
    assert str(problem.value).startswith(message)
    with pytest.raises(InputError) as problem:
        declare_topology({"name": "x", "ipvs_service": [options]}, lambda ref: ref)
    assert str(problem.value).startswith(f"ipvs_service[0].{message}")


SERVER_DEFAULTS = {"upper_threshold": 0, "lower_threshold": 0, "tunnel_type": "ipip", "tunnel_port": 0}
EXPORTED: list[dict[str, Any]] = [
    {
        "address": "fd00::1",
        "port": 53,
        "protocol": "udp",
        "scheduler": "mh",
        "flags": ["fallback", "port"],
        "one_packet": True,
        "persistence": {"timeout": 60, "netmask": 64, "engine": "sip"},
        "servers": [
            {"address": "fd00::2", "port": 5353, "weight": 3, "upper_threshold": 9, "lower_threshold": 5},
            {"address": "10.0.0.9", "method": "tunneling", "tunnel": {"type": "gue", "port": 6, "checksum": "csum"}},
            {"address": "10.0.0.8", "method": "tunneling"},
        ],
    },
    {**WEB, "scheduler": "wrr", "flags": ["fallback", "flag-3"], "persistence": {"timeout": 0}},
    {**WEB, "protocol": "udp", "scheduler": "rr", "flags": [], "persistence": {"timeout": 0, "engine": "sip"}},
    {**WEB, "scheduler": "rr", "flags": [], "persistence": {"timeout": 0}, "servers": [{**ONE, "port": 0}]},
    {"fwmark": 5, "ip_version": "ipv6", "scheduler": "rr", "flags": [], "persistence": {"timeout": 60}, "servers": []},
]


@pytest.mark.parametrize("options", EXPORTED)
def test_what_is_exported_declares_the_same(options: dict[str, Any]) -> None:
    wanted = declared(**options)
    defaults = {**SERVER_DEFAULTS, "tunnel_checksum": "none"}
    observed = {
        key: r.with_values(**{**defaults, **r.values})
        if key.kind == "ipvs_server"
        else r.with_values(**{"one_packet": False, **r.values})
        for key, r in wanted.desired.items()
    }
    (found,) = ipvs_services(observed)
    assert not make_plan(declared(**found), observed).changed


@pytest.mark.parametrize(
    ("service", "server", "values"),
    [
        ("fwmark 5", "10.0.0.1:99", {"method": "masq", "weight": 1}),
        ("tcp 10.0.0.9:80", "10.0.0.1:80", {"method": "bypass", "weight": 1}),
        ("tcp 10.0.0.9:80", "10.0.0.1:80", {"method": "masq", "weight": 70000}),
        ("tcp 10.0.0.9:80", "10.0.0.1:81", {"method": "gatewaying", "weight": 1}),
    ],
)
def test_what_cannot_be_declared_is_left_out(service: str, server: str, values: dict[str, Any]) -> None:
    whole = next(iter(declared(**EXPORTED[1]).desired.values())).values
    observed = {
        Key("ipvs_service", "", (service,)): Resource(
            Key("ipvs_service", "", (service,)), {**whole, "one_packet": False}
        ),
        Key("ipvs_server", "", (service, server)): Resource(Key("ipvs_server", "", (service, server)), values),
    }
    assert [found["servers"] for found in ipvs_services(observed)] == [[]]


def steps(declaration: Declaration, observed: Declaration) -> list[tuple[str, str, dict[str, Any]]]:
    found = make_plan(declaration, observed.desired).steps()
    return [(Stage(step.stage).name, step.verb.value, dict(step.values)) for step in found]


def test_the_way_that_servers_go_is_not_compared_but_kept() -> None:
    there = declared(**WEB, servers=[ONE])
    assert not make_plan(declared(**WEB, servers=[ONE], drain=30), there.desired).changed
    other = {**WEB, "servers": [{**ONE, "port": 81}], "exact_servers": True}
    assert make_plan(declared(**other, drain=30), there.desired).lines() == [
        "create ipvs_server 'tcp 10.96.0.10:80 10.244.1.1:81'",
        "delete ipvs_server 'tcp 10.96.0.10:80 10.244.1.1:80'",
    ]
    drained = [("DRAIN", "set", {"weight": 0}), ("REMOVE_SERVER", "delete", {})]
    assert steps(declared(**other, drain=30), there)[1:] == drained
    assert steps(declared(**other), there)[1:] == drained[1:]


def test_what_the_service_says_now_decides_how_a_server_goes() -> None:
    there = declared(**WEB, servers=[ONE])
    gone = Key("ipvs_server", "", ("tcp 10.96.0.10:80", "10.244.1.1:80"))
    for said, drained in (({"drain": 30}, True), ({"drain": 0}, False), ({}, False)):
        wanted = declared(**WEB, **said)
        wanted.absent[gone] = Resource(gone, {"drain": 5})
        assert (("DRAIN", "set", {"weight": 0}) in steps(wanted, there)) is drained


def test_sysctls_are_set_back_when_all_connections_have_ended() -> None:
    forward = Key("sysctl", "", ("net/ipv4/ip_forward",))
    there = declared(**WEB)
    there.desired[forward] = Resource(forward, {"value": "1"})
    wanted = declared(**WEB, state="absent", drain=30)
    wanted.desired[forward] = Resource(forward, {"value": "0"}, partial=True)
    assert [stage for stage, _verb, _values in steps(wanted, there)] == ["DRAIN", "REMOVE_SERVICE", "RESTORE"]


@pytest.mark.parametrize(
    ("options", "errno", "words"),
    [
        ({"scheduler": "lblc"}, 2, "load the module ip_vs_lblc (ENOENT)"),
        ({"persistence": {"engine": ""}}, 2, "load the module ip_vs_wlc (ENOENT)"),
        ({}, 3, "the service is no longer there (ESRCH)"),
        ({}, 17, "File exists (EEXIST)"),
    ],
)
def test_numbers_in_words(options: dict[str, Any], errno: int, words: str) -> None:
    (step,) = make_plan(declared(**WEB, **options), {}).steps()
    said = str(_in_words(StepError(step, KernelError(errno, f"create {step.key}"))))
    assert said.endswith(words), said


def test_a_kernel_without_it_says_which_module_to_load() -> None:
    assert "modprobe ip_vs" in ipvs.ABSENT
