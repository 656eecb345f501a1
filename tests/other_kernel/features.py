# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kernel can do, found out by doing it in a scratch network namespace."""

from __future__ import annotations

import os
import subprocess

#: Feature → shell commands that succeed where the kernel has it. `port0` is a veth to build on.
FEATURES = {
    "bond": "ip link add probe type bond",
    "bridge": "ip link add probe type bridge",
    "bridge_vlan_filtering": "ip link add probe type bridge vlan_filtering 1",
    "dummy": "ip link add probe type dummy",
    "geneve": "ip link add probe type geneve id 7 remote 192.0.2.2",
    "gre": "ip link add probe type gre local 192.0.2.1 remote 192.0.2.2",
    "gretap": "ip link add probe type gretap local 192.0.2.1 remote 192.0.2.2",
    "ifb": "ip link add probe type ifb",
    "ipip": "ip link add probe type ipip local 192.0.2.1 remote 192.0.2.2",
    "iptables-legacy": "iptables-legacy --table nat --append POSTROUTING --jump MASQUERADE",
    "ipvlan": "ip link add probe link port0 type ipvlan",
    "ipvs": "test -e /proc/net/ip_vs || modprobe ip_vs",
    "macvlan": "ip link add probe link port0 type macvlan",
    "setgroups": "setpriv --clear-groups true",
    "sit": "ip link add probe type sit local 192.0.2.1 remote 192.0.2.2",
    "uml": "grep -q 'User Mode Linux' /proc/cpuinfo",
    "veth": "ip link add probe type veth peer name probe1",
    "vlan": "ip link add probe link port0 type vlan id 7",
    "vrf": "ip link add probe type vrf table 10",
    "vxlan": "ip link add probe type vxlan id 7 dstport 4789",
    "wireguard": "ip link add probe type wireguard",
}

PROBE = """
ip link add port0 type veth peer name port1
while IFS='\t' read -r feature commands; do
    sh -c "$commands" >/dev/null 2>&1 </dev/null && echo "$feature"
    ip link delete probe 2>/dev/null
done
echo end
"""


def present(features: set[str]) -> set[str]:
    """Return those of the features (keys of FEATURES) that the running kernel has.

    Raises KeyError for an unknown feature, RuntimeError where no scratch namespace can be made.
    """
    cases = "".join(f"{feature}\t{FEATURES[feature]}\n" for feature in sorted(features))
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    result = subprocess.run(
        [*unshare, "sh", "-c", PROBE],
        input=cases,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PATH": path},
    )
    found = result.stdout.split()
    if found[-1:] != ["end"]:
        raise RuntimeError(f"no scratch network namespace: {result.stderr.strip()}")
    return set(found[:-1])
