# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be declared of IPVS, what becomes of it, and what is refused with the option's path."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_one, declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.export import ipvs_services
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import ipvs
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.base import StepError
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.ipvs_apply import _in_words
from ansible_collections.containerland.net.plugins.module_utils._core.model import Declaration, Key
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
    ({**WEB, "scheduler": "rr", "flags": ["port"]}, "flags: only the schedulers sh and mh have them"),
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
        "servers[0].port: a service of a fwmark takes packets of any port, and cannot change it",
    ),
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


def test_what_is_exported_declares_the_same() -> None:
    options = {
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
    }
    wanted = declared(**options)
    defaults = {"upper_threshold": 0, "lower_threshold": 0, "tunnel_type": "ipip", "tunnel_port": 0}
    observed = {
        key: r.with_values(**{**defaults, "tunnel_checksum": "none", **r.values}) if key.kind == "ipvs_server" else r
        for key, r in wanted.desired.items()
    }
    (found,) = ipvs_services(observed)
    assert not make_plan(declared(**found), observed).changed


def test_the_way_that_servers_go_is_not_compared_but_kept() -> None:
    wanted = declared(**WEB, servers=[ONE], drain=30)
    other = declared(**WEB, servers=[{**ONE, "port": 81}], exact_servers=True, drain=30)
    assert not make_plan(wanted, declared(**WEB, servers=[ONE]).desired).changed
    plan = make_plan(other, declared(**WEB, servers=[ONE]).desired)
    assert plan.lines() == [
        "create ipvs_server 'tcp 10.96.0.10:80 10.244.1.1:81'",
        "delete ipvs_server 'tcp 10.96.0.10:80 10.244.1.1:80'",
    ]
    steps = [(step.stage.name, step.verb.value, dict(step.values)) for step in plan.steps()]  # type: ignore[attr-defined]
    assert steps[1:] == [("DRAIN", "set", {"weight": 0}), ("REMOVE_SERVER", "delete", {})]


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
