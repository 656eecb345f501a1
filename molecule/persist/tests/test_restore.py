# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`containerland-net restore` makes a node what it was, when nothing is left but its files."""

from __future__ import annotations

import re

from labtest import snapshot
from labtest.machine import Machine

# What a boot leaves: no namespaces, links, rules, processes; sysctls as the kernel has them.
_WIPE = """
for name in web1 web2; do
    ip netns pids "$name" | xargs -r kill -KILL
done
ip -o link show type veth | sed -E 's/^[0-9]+: ([^@:]*).*/\\1/' | grep -vx eth0 | xargs -rn 1 ip link delete
ip link delete ctl0
ip link delete vxlan4096
if [ -e /sys/class/net/svc0 ]; then ip link delete svc0; fi
for name in web1 web2; do ip netns delete "$name"; done
for program in iptables ip6tables; do
    for table in raw mangle nat filter; do
        "$program" -t "$table" -F
        "$program" -t "$table" -X
    done
done
ipset destroy || true
nft delete table bridge containerland
nft delete table ip containerland-vxlan4096
sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0
sysctl -qw net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.all.accept_redirects=1
rm -r /run/containerland/commands
"""
#: Numbers that count up, addresses that the kernel chooses, and the carrier, which it notices some time later.
_NUMBERS = re.compile(
    r"^[0-9]+: |@if[0-9]+| link-netnsid [0-9]+|link/ether \S+ brd \S+|NO-CARRIER,|,LOWER_UP| state (UP|DOWN|UNKNOWN)"
)
_OTHERWISE = re.compile(r"fe80|inet6|proto kernel|^fdb|^file /run/containerland/nodes")


def state(node: Machine) -> list[str]:
    """What there is, as far as it must be the same."""
    lines = (_NUMBERS.sub("", line) for line in snapshot.of(node))
    return sorted(line for line in lines if not _OTHERWISE.search(line))


def test_everything_is_back(nodes: dict[str, Machine]) -> None:
    node = nodes["node1"]
    before = state(node)
    node.sh(_WIPE)
    wiped = state(node)
    left = re.compile(r"c-web1|CTL-|^ipset|^nft|^process|^file /run/netns/")
    assert not [line for line in wiped if left.search(line)]
    said = node.sh("/run/containerland-net restore")
    owners = [line.partition(":")[0] for line in said.splitlines()]
    assert owners == ["containers", "host", "overlay", "services", "commands of containers"]
    now = state(node)
    assert (sorted({*before} - {*now}), sorted({*now} - {*before})) == ([], []), "what is missing, and what is too much"
    assert len(now) == len(before)


def test_again_there_is_nothing_to_do(nodes: dict[str, Machine]) -> None:
    said = nodes["node1"].sh("/run/containerland-net restore")
    assert {line.partition(": ")[2] for line in said.splitlines()} == {"as it should be"}
