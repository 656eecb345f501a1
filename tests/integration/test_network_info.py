# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read is what declares it; and the many names of one namespace."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.support.kernel import said, same, sh, snapshot
from tests.integration.support.run import apply, info, run_module

RICH = """
ip link set lo up
ip netns add blue
ip netns add red
ip -n blue link set lo up
ip -n red link set lo up
ip link add br1 address 02:00:00:00:00:01 mtu 1450 type bridge stp_state 1 ageing_time 6000 forward_delay 400
ip link add leg0 address 02:00:00:00:00:0a type veth peer name eth0 address 02:00:00:00:00:0b netns blue
ip link set leg0 mtu 1400
ip -n blue link set eth0 mtu 1400
ip link set leg0 master br1 alias "to blue" group 7
ip link set leg0 type bridge_slave hairpin on isolated on
ip link add c address 02:00:00:00:00:0c type veth peer name d address 02:00:00:00:00:0d
ip -n blue link add x address 02:00:00:00:00:1a type veth peer name x address 02:00:00:00:00:1b netns red
ip address add 10.1.0.1/16 dev br1
ip address add fd01::1/64 dev br1 nodad
ip -n blue address add 10.1.0.2/16 dev eth0
ip -n blue address add 10.9.9.9/32 dev lo
ip link set br1 up
ip link set leg0 up
ip link set c up
ip -n blue link set eth0 up
ip link add m0 link c address 02:00:00:00:00:0e type macvlan mode bridge
ip link add vx1 address 02:00:00:00:00:0f type vxlan id 77 dstport 4789 local 10.1.0.1 nolearning ttl 9
ip link set vx1 up
bridge fdb append 00:00:00:00:00:00 dev vx1 dst 10.1.0.8
bridge fdb append 00:00:00:00:00:00 dev vx1 dst 10.1.0.9
bridge fdb add 02:00:00:00:00:99 dev vx1 dst 10.1.0.9 port 8472 vni 5
ip link add vx2 type vxlan id 78 dstport 4789 group 239.1.1.1 dev br1
ip link add gone type vxlan id 79 dstport 4790 local 10.1.0.1 dev br1
ip link set gone netns red
ip neighbor add 10.1.0.50 lladdr 02:00:00:00:00:50 dev br1 nud permanent
ip neighbor add proxy 10.1.0.51 dev br1
ip route add 10.60.0.0/16 via 10.1.0.2 metric 4 mtu 1300 src 10.1.0.1
ip route add 10.61.0.0/16 nexthop via 10.1.0.2 weight 2 nexthop via 10.1.0.3
ip route add 10.62.0.0/16 via 10.99.0.1 dev br1 onlink table 1000
ip route add blackhole 10.63.0.0/16
ip route add unreachable fd63::/64
ip route add fd64::/64 via fd01::2
ip route add fd65::/64 nexthop via fd01::2 nexthop via fd01::3
ip -n blue route add default via 10.1.0.1
ip rule add priority 10 from 10.1.0.0/16 fwmark 1/0xff lookup 1000
ip rule add priority 11 not to 10.2.0.0/16 iif br1 prohibit
ip -6 rule add priority 12 from fd00::/8 lookup main
"""


def test_round_trip() -> None:
    sh(RICH)
    found = info()["topology"]
    before = snapshot()
    again = apply("topology", {"name": "copy", **found}, check=True)
    assert not again.changed, f"{again.plan.lines()}\n{again.plan.diff()}"
    same(snapshot(), before, "reading changed something")
    sh("for l in br1 leg0 c m0 vx1 vx2; do ip link del $l 2>/dev/null || :; done; ip netns del blue; ip netns del red")
    sh("for p in 10 11; do ip rule del priority $p; done; ip -6 rule del priority 12")
    sh("ip route flush table all proto boot 2>/dev/null || :; ip -6 route flush table all proto boot || :")
    assert apply("topology", {"name": "copy", **found}).changed
    assert not apply("topology", {"name": "copy", **found}).changed
    rebuilt = info()["topology"]
    for name in {*found, *rebuilt}:
        assert sorted(map(_ends, rebuilt.get(name, []))) == sorted(map(_ends, found.get(name, []))), name


def _ends(element: dict[str, Any]) -> str:
    """An element as text; of a pair, either end may be listed first."""
    peer = element.get("peer")
    if peer is None:
        return str(sorted(element.items()))
    own = {name: value for name, value in element.items() if name != "peer"}
    return str(sorted(str(sorted({"netns": "", **end}.items())) for end in (own, peer)))


def test_of_one_namespace_and_kind() -> None:
    sh(RICH)
    found = info("blue", kinds=["link"])["topology"]
    assert {element["netns"] for name in found if name != "namespaces" for element in found[name]} == {"blue"}
    assert not found.get("route")


def test_references_to_one_namespace() -> None:
    """By name, by path, by process, by a second name: one namespace, so the second run changes nothing."""
    sh("ip netns add blue")
    with subprocess.Popen(["ip", "netns", "exec", "blue", "sleep", "60"]) as process:
        try:
            while not Path(f"/proc/{process.pid}/ns/net").exists() or os.readlink(
                f"/proc/{process.pid}/ns/net"
            ) == os.readlink("/proc/self/ns/net"):
                pass
            refs = [
                "blue",
                "/run/netns/blue",
                "/var/run/netns/blue",
                f"pid:{process.pid}",
                f"/proc/{process.pid}/ns/net",
            ]
            assert apply("bridge", {"name": "b0", "netns": refs[-1]}).changed
            for ref in refs:
                assert not apply("bridge", {"name": "b0", "netns": ref}).changed, ref
            options = {
                "name": "t",
                "bridge": [{"name": "b1", "netns": refs[0]}],
                "link": [{"name": "b1", "netns": refs[3], "mtu": 1400}],
            }
            assert apply("topology", options).changed
            assert said("ip -n blue link show b1", "mtu") == [1400]
            assert not apply("topology", {**options, "link": [{"name": "b1", "netns": refs[4], "mtu": 1400}]}).changed
        finally:
            process.kill()


def test_inside_a_namespace_that_has_a_name() -> None:
    sh("mkdir -p /run/netns; touch /run/netns/here; mount --bind /proc/self/ns/net /run/netns/here")
    options = {"name": "t", "netns": "here", "veth": [{"name": "a", "peer": {"name": "b"}}]}
    assert apply("topology", options).changed and said("ip link show a", "ifname") == ["a"]
    assert not apply("topology", options).changed
    assert not apply("veth", {"name": "a", "peer": {"name": "b", "netns": "here"}}).changed
    assert len(info()["topology"]["veth"]) == 1


@pytest.mark.parametrize(
    ("module", "options", "command"),
    [
        ("netns", {"name": "blue"}, "ip -n blue link show lo"),
        ("veth", {"name": "a", "peer": {"name": "b"}}, "ip link show a"),
        ("bridge", {"name": "b0"}, "ip link show b0"),
        ("vxlan", {"name": "vx0", "vni": 3}, "ip link show vx0"),
        ("link", {"name": "i0", "kind": "ifb"}, "ip link show i0"),
        ("route", {"dest": "192.0.2.0/24", "type": "blackhole"}, "ip route show 192.0.2.0/24"),
        ("rule", {"priority": 5, "table": "9"}, "ip rule show priority 5"),
        ("neighbor", {"address": "10.0.0.2", "device": "d0", "mac": "02:00:00:00:00:02"}, "ip neighbor show 10.0.0.2"),
        ("fdb", {"mac": "02:00:00:00:00:03", "device": "v0", "destination": "10.0.0.3"}, "bridge fdb show dev v0"),
        ("topology", {"name": "t", "bridge": [{"name": "b0"}]}, "ip link show b0"),
    ],
)
def test_through_ansible(module: str, options: dict[str, object], command: str) -> None:
    sh("ip link set lo up\nip link add d0 type veth peer name d1\nip link set d0 up")
    sh("ip link add v0 type vxlan id 1 dstport 4789")
    foretold = run_module(module, options, check=True, diff=True)
    assert foretold["changed"] and not said(command)
    done = run_module(module, options, diff=True)
    assert (done["plan"], done["diff"]) == (foretold["plan"], foretold["diff"]) and said(command)
    assert not run_module(module, options)["changed"]
    gone = {"name": "t", "state": "absent"} if module == "topology" else {**options, "state": "absent"}
    assert run_module(module, gone)["changed"] and not said(command)
    bad = run_module(module, {**options, "colour": "red"})
    assert bad["failed"] and bad["msg"].startswith("colour: ") and "exception" not in bad
