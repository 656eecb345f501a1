#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: route
short_description: Make routes
version_added: 0.1.0
description:
  - Makes a route, for IPv4 or IPv6, with one next hop or several.
  - A route is identified by O(dest), O(table) and O(metric). Everything else about it can be changed, and is
    replaced in one step, so that there is no moment without the route.
  - Routes of another destination, table or metric are never touched, nor are those that the kernel makes for the
    addresses of links.
  - Next hops are compared as a whole - hops that are not listed go - but in any order. O(source), O(mtu) and
    O(scope) are only compared if they are set.
  - O(state=absent) removes the route of that O(dest), O(table) and O(metric), whatever its next hops are.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
seealso:
  - module: containerland.net.rule
    description: Which routing table is used for what.
  - module: containerland.net.link
    description: Links of every other kind.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  dest:
    description: 'The destination: a prefix, or V(default).'
    type: str
    required: true
  family:
    description: 'For O(dest=default) without a gateway: which IP version. V(ipv4) if nothing is said.'
    type: str
    choices:
      - ipv4
      - ipv6
  gateway:
    description: The address of the next hop.
    type: str
  device:
    description: The link that packets leave by.
    type: str
  onlink:
    description: Whether the gateway counts as reachable though no prefix covers it.
    type: bool
  nexthops:
    description: Several next hops, among which packets are spread. Instead of O(gateway) and O(device).
    type: list
    elements: dict
    suboptions:
      gateway:
        description: The address of the next hop.
        type: str
      device:
        description: The link that packets leave by.
        type: str
      onlink:
        description: Whether the gateway counts as reachable though no prefix covers it.
        type: bool
      weight:
        description: Its share of the packets.
        type: int
        default: 1
  metric:
    description: The metric, part of what identifies a route; 0 for IPv4 and 1024 for IPv6 if nothing is said.
    type: int
  table:
    description: The routing table, a number or V(main), V(local), V(default).
    type: str
    default: main
  type:
    description: What happens to packets.
    type: str
    default: unicast
    choices:
      - unicast
      - local
      - broadcast
      - blackhole
      - unreachable
      - prohibit
  scope:
    description: 'How far the destination is, for IPv4: V(global), V(link), V(host) or a number.'
    type: str
  source:
    description: The preferred source address.
    type: str
  mtu:
    description: The MTU towards the destination; 0 for none.
    type: int
  protocol:
    description: Who made the route, for example V(static), V(boot), V(bgp) or a number.
    type: str
    default: static
  netns:
    description:
      - The network namespace it lives in, by name (V(web1)), by path (V(/proc/123/ns/net)), or as V(pid:123),
        V(docker:NAME), V(podman:NAME), V(lxc:NAME) or V(machine:NAME).
      - Without it, the namespace the task runs in; for an element of a topology, that of the topology.
    type: str
  state:
    description: Whether it should exist. V(absent) of what is not there changes nothing.
    type: str
    default: present
    choices:
      - present
      - absent
  confirm_timeout:
    description:
      - Seconds, V(2) to V(600), in which the controller must reach the node again over a new connection once
        the change is made. If it does not, the node takes the change back, and the task fails.
      - The state before also returns, at once, if the run or its watchdog is killed.
      - The task ends when the change is confirmed or taken back. It cannot be combined with C(async).
      - Without it, or with V(0), changes need no confirmation.
    type: int
"""

EXAMPLES = r"""
- name: Set the default route of a namespace
  containerland.net.route:
    dest: default
    gateway: 10.244.1.1
    netns: web1

- name: Reach the containers of another node
  containerland.net.route:
    dest: 10.244.2.0/24
    gateway: 192.0.2.12

- name: Spread packets over two gateways
  containerland.net.route:
    dest: 10.96.0.0/16
    nexthops:
      - {gateway: 192.0.2.12, weight: 2}
      - {gateway: 192.0.2.13}

- name: Drop what no container of this network has
  containerland.net.route:
    dest: 10.244.0.0/16
    type: blackhole
    metric: 4000

- name: Reach a gateway that no prefix covers, from a table of its own
  containerland.net.route:
    dest: default
    gateway: 198.51.100.1
    device: eth0
    onlink: true
    table: 100
    source: 192.0.2.11
    mtu: 1400

- name: Set an IPv6 route
  containerland.net.route:
    dest: fd00:244:2::/64
    gateway: fd00:192::12

- name: Remove a route
  containerland.net.route:
    dest: 10.244.2.0/24
    state: absent

- name: Another way out, taken back after half a minute if the node can no longer be reached
  containerland.net.route:
    dest: default
    gateway: 192.0.2.254
    confirm_timeout: 30
"""

RETURN = r"""
plan:
  description:
    - What was changed, or would be in check mode, one line for each object, in order; empty if there was nothing to do.
    - In parentheses, what of an existing object changed, or was set with a new one.
  returned: success
  type: list
  elements: str
  sample:
    - "create route '10.244.2.0/24'"
    - "change route '0.0.0.0/0' in netns 'web1' (nexthops)"
diff:
  description: The objects of RV(plan) before and after; of one that stays, only what differs. Keys are not shown.
  returned: success, in diff mode
  type: dict
  contains:
    before:
      description: What was there.
      type: str
    after:
      description: What is there now.
      type: str
  sample:
    before: |
      route '0.0.0.0/0' in netns 'web1'
        nexthops: [{gateway: 10.244.1.1, device: eth0, weight: 1, onlink: false}]
    after: |
      route '10.244.2.0/24'
        nexthops: [{gateway: 192.0.2.12}]
        protocol: 4
        type: unicast
      route '0.0.0.0/0' in netns 'web1'
        nexthops: [{gateway: 10.244.1.254}]
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("route")


if __name__ == "__main__":
    main()
