# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of IPVS that several have a part in, and the way back to what was there."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ApplyError, KernelError

from tests.integration.support.ipvs import FOREIGN, WEB, A, B, C, change, own, saved
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, breaking, info

pytestmark = pytest.mark.other_kernel("ipvs")


def test_an_owner_takes_away_what_it_made_and_nothing_else() -> None:
    sh(FOREIGN)
    shared = {"address": "203.0.113.1", "port": 80}
    whole = {"name": "lb", "ipvs_service": [{**WEB, "servers": [A, B]}, {**shared, "servers": [C]}]}
    change("topology", whole)
    sh("ipvsadm -e -t 10.96.0.10:80 -r 10.244.1.10:8080 -m -w 0")
    assert apply("topology", whole).plan.lines() == [
        "change ipvs_server 'tcp 10.96.0.10:80 10.244.1.10:8080' (weight)"
    ], "a server that comes back gets its weight (kubernetes#92019)"
    less = {"name": "lb", "ipvs_service": [{**WEB, "servers": [B]}]}
    done = apply("topology", less)
    assert done.plan.lines() == [
        "delete ipvs_server 'tcp 10.96.0.10:80 10.244.1.10:8080'",
        "delete ipvs_server 'tcp 203.0.113.1:80 10.244.3.10:8080'",
    ]
    assert own() == ["-A -t 10.96.0.10:80 -s rr", "-a -t 10.96.0.10:80 -r 10.244.2.10:8080 -m -w 1"]
    change("topology", {"name": "lb", "state": "absent"})
    assert own() == []


def test_what_others_have_set_comes_back() -> None:
    sh(f"{FOREIGN}ipvsadm -A -t 10.96.0.10:80 -s rr -p 77 -M 255.255.0.0")
    before = own()
    less = {**WEB, "persistence": {"timeout": 0}, "servers": [A]}
    change("topology", {"name": "lb", "ipvs_service": [less]})
    assert own() == ["-A -t 10.96.0.10:80 -s rr", "-a -t 10.96.0.10:80 -r 10.244.1.10:8080 -m -w 1"]
    change("topology", {"name": "lb", "state": "absent"})
    assert own() == before == ["-A -t 10.96.0.10:80 -s rr -p 77 -M 255.255.0.0"]


def test_a_service_stays_while_others_have_servers_in_it() -> None:
    sh("ip link set lo up")
    apply("topology", {"name": "one", "ipvs_service": [{**WEB, "servers": [A]}]})
    apply("topology", {"name": "two", "ipvs_service": [{**WEB, "servers": [B]}]})
    sh("ipvsadm -a -t 10.96.0.10:80 -r 10.244.3.10:8080 -m -w 9")
    report = apply("topology", {"name": "one", "state": "absent"})
    assert report.plan.lines() == ["delete ipvs_server 'tcp 10.96.0.10:80 10.244.1.10:8080'"]
    (warning,) = report.warnings
    assert warning.startswith("ipvs_service 'tcp 10.96.0.10:80' stays, for others have added 10.244.")
    apply("topology", {"name": "two", "state": "absent"})
    assert saved() == ["-A -t 10.96.0.10:80 -s rr", "-a -t 10.96.0.10:80 -r 10.244.3.10:8080 -m -w 9"]
    gone = apply("ipvs_service", {**WEB, "state": "absent"}).plan.diff()["before"]
    assert gone == "ipvs_service 'tcp 10.96.0.10:80'\n  scheduler: rr\n  servers: 10.244.3.10:8080\n"


def test_a_service_that_goes_comes_back_whole_if_the_run_fails() -> None:
    sh("ip link set lo up")
    apply("ipvs_service", {**WEB, "servers": [{**A, "weight": 7}, B]})
    before = saved()
    for number in range(2):
        with pytest.raises(ApplyError) as problem:
            gone = {**WEB, "state": "absent", "drain": 1}
            apply("ipvs_service", gone, world=breaking(number, KernelError(errno.EIO, "for the test")))
        assert problem.value.undone and sorted(saved()) == sorted(before)


def test_in_a_namespace_and_read_back() -> None:
    sh("ip netns add lb && ip -n lb link set lo up")
    apply("topology", {"name": "lb", "netns": "lb", "ipvs_service": [{**WEB, "servers": [A]}]})
    assert saved() == [] and "10.96.0.10:80" in sh("ip netns exec lb ipvsadm --save --numeric")
    found = info("lb", kinds=["ipvs_service"])["topology"]["ipvs_service"]
    assert [(e["netns"], e["address"], e["servers"][0]["address"]) for e in found] == [
        ("lb", "10.96.0.10", "10.244.1.10")
    ]
    assert not apply("topology", {"name": "again", "ipvs_service": found}).changed
