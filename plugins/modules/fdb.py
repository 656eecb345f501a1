#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries of bridges and VXLAN links."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fdb
short_description: Make forwarding entries of bridges and VXLAN links
version_added: 0.1.0
description:
  - Says behind which bridge port, or which end of a VXLAN tunnel, a MAC address is.
  - An entry is identified by O(device), O(mac), O(target) and O(vlan); with the flood address V(00:00:00:00:00:00)
    and multicast addresses, which may have several destinations, also by O(destination). What else is set is
    changed in place. Other entries are never touched.
  - O(state=absent) removes the entry; for the flood address and multicast addresses, only that with the given
    O(destination).
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
  - module: containerland.net.vxlan
    description: VXLAN links and their peers.
  - module: containerland.net.bridge
    description: Bridges and their ports.
  - module: containerland.net.neighbor
    description: Neighbour entries.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  mac:
    description: The MAC address; V(00:00:00:00:00:00) floods to O(destination).
    type: str
    required: true
  device:
    description: The bridge port or VXLAN link.
    type: str
    required: true
  target:
    description: Whether the entry belongs to the link itself (VXLAN) or to the bridge that it is a port of.
      V(self) if O(destination) is given, else V(master).
    type: str
    choices:
      - self
      - master
  destination:
    description: 'For VXLAN: the address of the tunnel''s end.'
    type: str
  vlan:
    description: The VLAN of the entry.
    type: int
  vni:
    description: 'For VXLAN: another VNI than the link''s.'
    type: int
  port:
    description: 'For VXLAN: another UDP port than the link''s.'
    type: int
  via:
    description: 'For VXLAN: the link that outer packets leave by.'
    type: str
  fdb_state:
    description: V(permanent) entries stay, and are local on a bridge; V(static) ones stay; V(dynamic) ones
      age. V(permanent) for O(target=self), V(static) for O(target=master) if nothing is said.
    type: str
    choices:
      - permanent
      - static
      - dynamic
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
- name: Send frames for a MAC address to a node
  containerland.net.fdb:
    device: overlay0
    mac: "02:00:00:00:00:0c"
    destination: 192.0.2.12

- name: Flood what is unknown to two nodes, the first
  containerland.net.fdb:
    device: overlay0
    mac: "00:00:00:00:00:00"
    destination: 192.0.2.12

- name: Flood what is unknown to two nodes, the second
  containerland.net.fdb:
    device: overlay0
    mac: "00:00:00:00:00:00"
    destination: 192.0.2.13

- name: Tell a bridge behind which port a MAC address is
  containerland.net.fdb:
    device: web1
    mac: "02:42:0a:f4:01:0a"

- name: Stop flooding to a node
  containerland.net.fdb:
    device: overlay0
    mac: "00:00:00:00:00:00"
    destination: 192.0.2.13
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
    - "change fdb 'overlay0 02:00:00:00:00:0c self' (destination)"
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
      fdb 'overlay0 02:00:00:00:00:0c self'
        destination: 192.0.2.12
    after: |
      fdb 'overlay0 02:00:00:00:00:0c self'
        destination: 192.0.2.13
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("fdb")


if __name__ == "__main__":
    main()
