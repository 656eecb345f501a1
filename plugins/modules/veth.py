#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of virtual Ethernet links."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veth
short_description: Make pairs of virtual Ethernet links
version_added: 0.1.0
description:
  - Makes a veth pair, each end in the namespace that it belongs to, with addresses, MTU, MAC address, bridge and so
    on. The far end is created inside its namespace and never shows up anywhere else.
  - Without O(peer), the link has to exist already, and only the near end is looked at.
  - What was set and differs is changed in place where the kernel can do that, without interrupting the link. Only
    what is set is compared and changed; everything else about the link, and every other link, is left as it is.
  - A difference that the kernel cannot change in place (another peer) is refused with the reason, unless
    O(recreate=true) allows to delete the link and make it anew, with what this task says and nothing else.
  - A link of that name which is no veth is never touched; the task fails.
  - O(state=absent) deletes the pair, named by either end; O(peer) and all other options are then ignored.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - pyroute2 >= 0.7.2 on the node, only for O(hairpin), O(isolated), O(neigh_suppress) and O(vlans)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
seealso:
  - module: containerland.net.netns
    description: Makes the namespaces.
  - module: containerland.net.bridge
    description: Bridges and their ports.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
  - module: containerland.net.link
    description: Links of every other kind.
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
  hairpin:
    description: 'As a bridge port: whether a frame may leave where it came in.'
    type: bool
  isolated:
    description: 'As a bridge port: whether it talks only to ports that are not isolated.'
    type: bool
  neigh_suppress:
    description: 'As a bridge port: whether ARP and ND are answered from known neighbours.'
    type: bool
  vlans:
    description: 'As a port of a bridge with O(containerland.net.bridge#module:vlan_filtering): exactly its
      VLANs.'
    type: list
    elements: dict
    suboptions:
      vid:
        description: The VLAN's id.
        type: int
        required: true
      pvid:
        description: Whether untagged frames that arrive belong to it.
        type: bool
        default: false
      untagged:
        description: Whether its frames leave untagged.
        type: bool
        default: false
  peer:
    description: The other end. Needed to create the pair, and checked against the pair that exists.
    type: dict
    suboptions:
      name:
        description: The name of the link, at most 15 bytes.
        type: str
        required: true
      netns:
        description: The namespace of this end; without it, the same as the other end.
        type: str
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
        description: Whether it is up. If nothing is said, a link that is made or adopted is, and another
          one is left alone.
        type: bool
      hairpin:
        description: 'As a bridge port: whether a frame may leave where it came in.'
        type: bool
      isolated:
        description: 'As a bridge port: whether it talks only to ports that are not isolated.'
        type: bool
      neigh_suppress:
        description: 'As a bridge port: whether ARP and ND are answered from known neighbours.'
        type: bool
      vlans:
        description: 'As a port of a bridge with O(containerland.net.bridge#module:vlan_filtering): exactly
          its VLANs.'
        type: list
        elements: dict
        suboptions:
          vid:
            description: The VLAN's id.
            type: int
            required: true
          pvid:
            description: Whether untagged frames that arrive belong to it.
            type: bool
            default: false
          untagged:
            description: Whether its frames leave untagged.
            type: bool
            default: false
      addresses:
        description: Addresses with prefix lengths, IPv4 and IPv6. Others that it has stay; see O(peer.exact_addresses).
        type: list
        elements: str
      exact_addresses:
        description: Whether addresses that are not listed are removed; link-local and temporary ones stay.
        type: bool
        default: false
      nodad:
        description: Whether the listed IPv6 addresses are usable at once, without duplicate address detection.
        type: bool
  source_guard:
    description:
      - 'As a bridge port: whether only frames come in that name O(peer) as their source, by its O(peer.mac),
        its O(peer.addresses) and O(source_addresses): Ethernet, IPv4, IPv6, ARP and neighbour discovery.
        Other protocols do not pass at all.'
      - It stands in a table of nf_tables of its own, before the link is up. V(false) takes it away. If nothing
        is said, one that is there stays.
    type: bool
  source_addresses:
    description: Further addresses that O(source_guard) lets pass. The IPv6 link-local address that follows
      from O(peer.mac) is among them if any address is IPv6, unless O(peer.addrgenmode=none).
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Give web1 a leg in the shop network
  containerland.net.veth:
    name: web1
    master: shop0
    mtu: 1450
    peer:
      name: eth0
      netns: web1  # a running container is docker:web1 or podman:web1
      addresses: [10.244.1.10/24]
      mtu: 1450

- name: Connect two namespaces directly
  containerland.net.veth:
    name: to-db
    netns: web1
    addresses: [10.0.0.0/31, "fd00::/127"]
    nodad: true
    peer:
      name: to-web
      netns: db
      addresses: [10.0.0.1/31, "fd00::1/127"]
      nodad: true

- name: Replace the address of the container's end
  containerland.net.veth:
    name: web1
    peer:
      name: eth0
      netns: web1
      addresses: [10.244.1.11/24]
      exact_addresses: true

- name: Let web1 talk only to the bridge and to ports that are not isolated
  containerland.net.veth:
    name: web1
    isolated: true

- name: Rename the far end, for which the pair has to be made anew
  containerland.net.veth:
    name: web1
    master: shop0
    recreate: true
    peer:
      name: shop
      netns: web1
      addresses: [10.244.1.11/24]

- name: Remove a pair
  containerland.net.veth:
    name: to-db
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
    - "create veth 'web1'"
    - "create veth 'eth0' in netns 'web1'"
    - "create address 'eth0 10.244.1.10/24' in netns 'web1'"
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
    before: ""
    after: |
      veth 'web1'
        master: shop0
        mtu: 1450
        peer: [web1, eth0]
        up: true
      veth 'eth0' in netns 'web1'
        mtu: 1450
        peer: ["", web1]
        up: true
      address 'eth0 10.244.1.10/24' in netns 'web1'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("veth")


if __name__ == "__main__":
    main()
