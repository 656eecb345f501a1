#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges and their ports."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge
short_description: Make bridges and attach their ports
version_added: 0.1.0
description:
  - Makes a bridge, sets its properties and addresses, and makes existing links its ports.
  - A new bridge gets a random MAC address of its own unless O(mac) is set, so that it does not change as ports come
    and go.
  - What was set and differs is changed in place where the kernel can do that, without interrupting the link. Only
    what is set is compared and changed; everything else about the link, and every other link, is left as it is.
  - Links that are ports and not listed in O(ports) stay ports, unless O(exact_ports=true). A port that is taken out
    keeps existing.
  - A link of that name which is no bridge is never touched; the task fails. A bridge has no property that cannot be
    changed in place, so O(recreate) has no effect here.
  - O(state=absent) deletes the bridge with its addresses and routes. Its ports stay, without a bridge. All other
    options are then ignored.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - pyroute2 >= 0.7.2 (on the node)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
seealso:
  - module: containerland.net.veth
    description: Pairs of links.
  - module: containerland.net.vxlan
    description: VXLAN links and their peers.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  name:
    description: The name of the link, at most 15 bytes.
    type: str
    required: true
  mac:
    description: Its MAC address.
    type: str
  mtu:
    description: Its MTU in bytes.
    type: int
  master:
    description: The bridge, bond or VRF that it is a port of; an empty text takes it out.
    type: str
  txqueuelen:
    description: The length of its transmit queue in packets.
    type: int
  group:
    description: The device group, a number.
    type: int
  alias:
    description: A text for people, at most 255 bytes; an empty one takes it away.
    type: str
  addrgenmode:
    description: How its IPv6 link-local address is made; with V(none) it has none.
    type: str
    choices:
      - eui64
      - none
      - stable_secret
      - random
  up:
    description: Whether it is up. If nothing is said, a link that is made or adopted is, and another one
      is left alone.
    type: bool
  addresses:
    description: Addresses with prefix lengths, IPv4 and IPv6. Others that it has stay; see O(exact_addresses).
    type: list
    elements: str
  exact_addresses:
    description: Whether addresses that are not listed are removed; link-local and temporary ones stay.
    type: bool
    default: false
  nodad:
    description: Whether the listed IPv6 addresses are usable at once, without duplicate address detection.
    type: bool
  recreate:
    description: Whether it may be deleted and made anew if it exists with a property that cannot be changed
      in place.
    type: bool
    default: false
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
  stp:
    description: Whether it runs the spanning tree protocol.
    type: bool
  vlan_filtering:
    description: Whether ports have VLANs.
    type: bool
  vlan_default_pvid:
    description: The VLAN of untagged frames on ports that say nothing else; 0 for none. It can change while
      O(vlan_filtering) is off.
    type: int
  ageing_time:
    description: Seconds after which a learned MAC address is forgotten.
    type: int
  forward_delay:
    description: Seconds in the listening and learning states; with STP between 2 and 30.
    type: int
  mcast_snooping:
    description: Whether multicast goes only where it was asked for.
    type: bool
  linklocal_learning:
    description: Whether the source of frames to link-local MAC addresses (LLDP and such) is learned, although
      nothing passes them on and no packet filter sees them. Kernels before 5.0 always do.
    type: bool
  ports:
    description:
      - 'Links that are its ports: names, or dictionaries with settings. Other ports stay; see O(exact_ports).'
      - C(name) (str, required) - The name of the link, at most 15 bytes.
      - 'C(hairpin) (bool) - As a bridge port: whether a frame may leave where it came in.'
      - 'C(isolated) (bool) - As a bridge port: whether it talks only to ports that are not isolated.'
      - 'C(neigh_suppress) (bool) - As a bridge port: whether ARP and ND are answered from known neighbours.'
      - 'C(vlans) (list of dict) - As a port of a bridge with O(containerland.net.bridge#module:vlan_filtering):
        exactly its VLANs. Keys of each: C(vid) (int, required) - The VLAN''s id; C(pvid) (bool, default V(false))
        - Whether untagged frames that arrive belong to it; C(untagged) (bool, default V(false)) - Whether
        its frames leave untagged.'
    type: list
    elements: raw
  exact_ports:
    description: Whether ports that are not listed are taken out.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make the bridge of the shop network, with the gateway's address
  containerland.net.bridge:
    name: shop0
    addresses: [10.244.1.1/24, "fd00:244:1::1/64"]
    mtu: 1450

- name: Attach links that exist
  containerland.net.bridge:
    name: shop0
    ports:
      - web1
      - name: web2
        isolated: true

- name: These and no others
  containerland.net.bridge:
    name: shop0
    ports: [web1, db]
    exact_ports: true

- name: Make a bridge inside a namespace, with spanning tree and fast ageing
  containerland.net.bridge:
    name: br0
    netns: switch
    stp: true
    forward_delay: 4
    ageing_time: 30

- name: Make a bridge with VLANs
  containerland.net.bridge:
    name: trunk0
    vlan_filtering: true
    ports:
      - name: uplink
        vlans: [{vid: 10}, {vid: 20}]
      - name: office
        vlans: [{vid: 10, pvid: true, untagged: true}]

- name: Remove a bridge, and leave its ports
  containerland.net.bridge:
    name: shop0
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
    - "change bridge 'shop0' (mtu)"
    - "change link 'web1' (master)"
    - "create address 'shop0 10.244.1.1/24'"
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
      bridge 'shop0'
        mtu: 1500
      veth 'web1'
        master: ""
    after: |
      bridge 'shop0'
        mtu: 1450
      link 'web1'
        master: shop0
      address 'shop0 10.244.1.1/24'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("bridge")


if __name__ == "__main__":
    main()
