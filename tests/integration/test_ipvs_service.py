# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of services and servers of IPVS, as ipvsadm(8) sees it: made, changed in place, owned, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import (
    ApplyError,
    MissingError,
)
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import ipvs

from tests.integration.support.ipvs import FOREIGN, WEB, A, B, change, own, saved
from tests.integration.support.kernel import namespaces, sh
from tests.integration.support.run import Options, apply, run_module

needs_ipvs = pytest.mark.other_kernel("ipvs")


def lives() -> dict[str, list[tuple[Options, list[str]]]]:
    """Object → what is declared of it, one after the other, and what ipvsadm then prints."""
    web, six = "10.96.0.10:80", "[fd00:96::10]:53"
    dns = {"address": "fd00:96::10", "port": 53, "protocol": "udp"}
    near = {"address": "fd00::2"}
    a = f"-a -t {web} -r 10.244.1.10:8080 -m -w"
    far = f"-a -t {web} -r 10.244.1.10:80"
    tunnel = {"address": "10.244.1.10", "method": "tunneling"}
    mark = {"fwmark": 7, "ip_version": "ipv6"}
    return {
        "tcp": [
            (
                {**WEB, "servers": [A, {**B, "weight": 3}]},
                [f"-A -t {web} -s rr", f"{a} 1", f"-a -t {web} -r 10.244.2.10:8080 -m -w 3"],
            ),
            ({**WEB, "servers": [{**A, "weight": 0}], "exact_servers": True}, [f"-A -t {web} -s rr", f"{a} 0"]),
            ({**WEB, "servers": [{**A, "upper_threshold": 9, "lower_threshold": 3}]}, [f"-A -t {web} -s rr", f"{a} 1"]),
            (
                {**WEB, "scheduler": "mh", "flags": ["fallback", "port"], "persistence": {"netmask": "24"}},
                [f"-A -t {web} -s mh -p 300 -M 255.255.255.0 -b mh-fallback,mh-port", f"{a} 1"],
            ),
            ({**WEB, "flags": [], "persistence": {"timeout": 0}}, [f"-A -t {web} -s rr", f"{a} 1"]),
        ],
        "methods": [
            ({**WEB, "servers": [tunnel]}, [f"-A -t {web} -s rr", f"{far} -i -w 1 --tun-type ipip"]),
            (
                {**WEB, "servers": [{**tunnel, "tunnel": {"type": "gue", "port": 6080, "checksum": "remcsum"}}]},
                [f"-A -t {web} -s rr", f"{far} -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum"],
            ),
            (
                {**WEB, "servers": [{**tunnel, "tunnel": {"type": "gre", "checksum": "csum"}}]},
                [f"-A -t {web} -s rr", f"{far} -i -w 1 --tun-type gre --tun-csum"],
            ),
            ({**WEB, "servers": [{**tunnel, "method": "gatewaying"}]}, [f"-A -t {web} -s rr", f"{far} -g -w 1"]),
        ],
        "udp": [
            (
                {**dns, "one_packet": True, "servers": [{**near, "port": 5353}]},
                [f"-A -u {six} -s wlc -o", f"-a -u {six} -r [fd00::2]:5353 -m -w 1"],
            ),
            (
                {**dns, "one_packet": False, "persistence": {"engine": "sip", "netmask": 64}},
                [f"-A -u {six} -s wlc -p 300 -M 64 --pe sip", f"-a -u {six} -r [fd00::2]:5353 -m -w 1"],
            ),
        ],
        "sctp": [
            (
                {**dns, "protocol": "sctp", "servers": [near]},
                [f"-A --sctp-service {six} -s wlc", f"-a --sctp-service {six} -r [fd00::2]:53 -m -w 1"],
            ),
        ],
        "fwmark": [
            ({**mark, "servers": [near]}, ["-A -f 7 -6 -s wlc", "-a -f 7 -6 -r [fd00::2]:0 -m -w 1"]),
            (
                {**mark, "persistence": {"timeout": 60}},
                ["-A -f 7 -6 -s wlc -p 60", "-a -f 7 -6 -r [fd00::2]:0 -m -w 1"],
            ),
        ],
        "all ports": [
            (
                {
                    "address": "10.96.0.10",
                    "port": 0,
                    "persistence": {"timeout": 60},
                    "servers": [{"address": "10.0.0.2"}],
                },
                ["-A -t 10.96.0.10:0 -s wlc -p 60", "-a -t 10.96.0.10:0 -r 10.0.0.2:0 -m -w 1"],
            ),
        ],
    }


LIVES = lives()


@needs_ipvs
@pytest.mark.parametrize("name", LIVES)
def test_life(name: str) -> None:
    sh(FOREIGN)
    for options, wanted in LIVES[name]:
        assert change("ipvs_service", options).changed
        assert own() == sorted(wanted)
    gone = {n: v for n, v in options.items() if n in ("address", "port", "protocol", "fwmark", "ip_version")}
    change("ipvs_service", {**gone, "state": "absent"})
    assert own() == []
    assert not apply("ipvs_service", {**gone, "state": "absent"}).changed


@needs_ipvs
def test_schedulers() -> None:
    """Each that Debian's kernels have, each changed in place: a server stays, with what it counts."""
    sh("ip link set lo up")
    apply("ipvs_service", {**WEB, "servers": [A]})
    for scheduler in ("wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"):
        done = apply("ipvs_service", {**WEB, "scheduler": scheduler})
        assert done.plan.lines() == ["change ipvs_service 'tcp 10.96.0.10:80' (scheduler)"]
        assert f"-A -t 10.96.0.10:80 -s {scheduler}" in saved()
    with pytest.raises(ApplyError) as problem:
        apply("ipvs_service", {**WEB, "scheduler": "nosuch"})
    assert "load the module ip_vs_nosuch (ENOENT)" in str(problem.value) and problem.value.undone
    assert "-A -t 10.96.0.10:80 -s mh" in saved()


@needs_ipvs
def test_thresholds_are_set_and_left_alone() -> None:
    sh("ip link set lo up")
    apply("ipvs_service", {**WEB, "servers": [{**A, "upper_threshold": 9, "lower_threshold": 3}]})
    assert not apply("ipvs_service", {**WEB, "servers": [A]}).changed
    assert sh("ipvsadm -ln --thresholds").splitlines()[-1].split()[2:4] == ["9", "3"]


@needs_ipvs
def test_thresholds_that_contradict_what_is_there_are_said_plainly() -> None:
    sh("ip link set lo up")
    apply("ipvs_service", {**WEB, "servers": [{**A, "upper_threshold": 9, "lower_threshold": 3}]})
    with pytest.raises(ApplyError, match="its lower_threshold would be above its upper_threshold"):
        apply("ipvs_service", {**WEB, "servers": [{**A, "upper_threshold": 2}]})
    assert apply("ipvs_service", {**WEB, "servers": [{**A, "upper_threshold": 0}]}).changed


@needs_ipvs
def test_many_servers_of_one_service_are_drained_together() -> None:
    """The service is read once for all of them, not once for each."""
    sh("ip link set lo up")
    many = [{"address": f"10.244.{number >> 7}.{(number & 127) + 1}"} for number in range(500)]
    apply("ipvs_service", {**WEB, "servers": many})
    with count_dumps() as dumps:
        apply("ipvs_service", {**WEB, "exact_servers": True, "drain": 60})
    assert len(dumps) < 10
    assert saved() == ["-A -t 10.96.0.10:80 -s rr"]


@contextmanager
def count_dumps() -> Iterator[list[ipvs.ServiceId]]:
    """Collects the services whose servers are read."""
    read, found = ipvs.servers, []

    def counted(socket: Any, service: ipvs.ServiceId) -> list[ipvs.ServerRow]:
        found.append(service)
        return read(socket, service)

    ipvs.servers = counted
    try:
        yield found
    finally:
        ipvs.servers = read


@needs_ipvs
def test_a_thousand_services_of_ten_servers() -> None:
    sh("ip link set lo up")
    services = [
        {
            "address": f"10.96.{number // 250}.{number % 250 + 1}",
            "port": 80,
            "scheduler": "rr",
            "servers": [{"address": f"10.244.{number % 250}.{server + 1}", "port": 8080} for server in range(10)],
            "exact_servers": True,
        }
        for number in range(1000)
    ]
    many = {"name": "many", "ipvs_service": services}
    assert len(apply("topology", many).plan.changes) == 11000
    lines = saved()
    assert len(lines) == 11000 and len(set(lines)) == 11000
    assert not apply("topology", many).changed
    services[500]["servers"][3]["weight"] = 5
    assert len(apply("topology", many).plan.changes) == 1
    assert len([line for line in saved() if line.endswith("-w 5")]) == 1
    apply("topology", {"name": "many", "state": "absent"})
    assert saved() == []


@needs_ipvs
def test_the_modules_themselves() -> None:
    sh("ip link set lo up")
    made = run_module("ipvs_service", {**WEB, "servers": [A]}, diff=True)
    assert made["changed"] and "scheduler: rr" in made["diff"]["after"]
    looked = run_module("ipvs_info", {})
    assert looked["available"] and not looked["changed"]
    (service,) = looked["services"]
    assert service["name"] == "tcp 10.96.0.10:80" and service["statistics"]["connections"] == 0
    assert service["servers"][0]["active_connections"] == 0


def test_a_kernel_without_ipvs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipvs, "family_of", lambda socket: None)
    inside = {"name": "x", "namespaces": [{"name": "new"}], "ipvs_service": [{**WEB, "netns": "new"}]}
    with pytest.raises(MissingError, match="modprobe ip_vs"):
        apply("topology", inside)
    assert not namespaces()
    with pytest.raises(MissingError) as problem:
        apply("topology", {"name": "x", "ipvs_service": [{**WEB, "servers": [A]}]})
    assert str(problem.value) == f"ipvs_service[0]: {ipvs.ABSENT}"
    foretold = apply("ipvs_service", WEB, check=True)
    assert foretold.changed and foretold.warnings == (ipvs.ABSENT,)
    assert not apply("ipvs_service", {**WEB, "state": "absent"}).changed
