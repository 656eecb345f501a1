#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbour entries."""

from __future__ import annotations

DOCUMENTATION = r"""
module: neighbor
short_description: Make neighbour entries
version_added: 0.1.0
description:
  - Says which MAC address an IPv4 or IPv6 address has on a link, so that nobody needs to be asked, or that this
    node answers for an address.
  - An entry is identified by O(address), O(device) and O(proxy). Its MAC address and state are changed in place;
    what the kernel had learned for the address is overwritten. Other entries are never touched.
  - Only V(permanent) and V(noarp) entries stay as they are made. With other values of O(nud_state), the kernel
    changes them by itself, and the next run changes them back.
  - O(state=absent) removes the entry, whatever MAC address it has.
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
  - module: containerland.net.fdb
    description: Forwarding entries.
  - module: containerland.net.vxlan
    description: VXLAN links and their peers.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  address:
    description: The neighbour's address.
    type: str
    required: true
  device:
    description: The link it is on.
    type: str
    required: true
  mac:
    description: Its MAC address. Needed unless O(proxy) is set.
    type: str
  nud_state:
    description: The state of the entry; V(permanent) if nothing is said.
    type: str
    choices:
      - permanent
      - noarp
      - reachable
      - stale
  proxy:
    description: Whether this node answers for the address instead.
    type: bool
    default: false
  router:
    description: Whether the neighbour is a router (IPv6).
    type: bool
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
"""

EXAMPLES = r"""
- name: Pin the gateway's MAC address
  containerland.net.neighbor:
    address: 10.244.1.1
    device: eth0
    mac: "02:00:00:00:00:01"
    netns: web1

- name: Pin an IPv6 router
  containerland.net.neighbor:
    address: fe80::1
    device: eth0
    mac: "02:00:00:00:00:01"
    router: true
    netns: web1

- name: Answer ARP requests for an address that is elsewhere
  containerland.net.neighbor:
    address: 192.0.2.50
    device: eth0
    proxy: true

- name: Forget the gateway's MAC address
  containerland.net.neighbor:
    address: 10.244.1.1
    device: eth0
    netns: web1
    state: absent
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
    - "change neighbor 'eth0 10.244.1.1' in netns 'web1' (mac)"
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
      neighbor 'eth0 10.244.1.1' in netns 'web1'
        mac: 02:00:00:00:00:01
    after: |
      neighbor 'eth0 10.244.1.1' in netns 'web1'
        mac: 02:00:00:00:00:02
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("neighbor")


if __name__ == "__main__":
    main()
