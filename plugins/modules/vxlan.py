#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VXLAN links and what follows from their peers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vxlan
short_description: Make VXLAN links and tell them their peers
version_added: 0.1.0
description:
  - Makes a VXLAN link, and from a list of peers the forwarding entries, neighbours and routes that lead to them.
  - A peer with O(peers[].mac), O(peers[].gateway) and O(peers[].destinations) is reached by routes (layer 3, as
    flannel does it); one with O(peers[].endpoints) by one forwarding entry for each MAC address (layer 2, as Docker
    does it); one with O(peers[].underlay) alone gets a copy of every frame whose destination is unknown.
  - What was set and differs is changed in place where the kernel can do that, without interrupting the link. Only
    what is set is compared and changed; everything else about the link, and every other link, is left as it is.
  - A difference that the kernel cannot change in place (O(vni), O(port), O(udp_checksum), O(underlay_netns)) is
    refused with the reason, unless O(recreate=true) allows to delete the link and make it anew, with what this task
    says and nothing else.
  - O(peers) adds and changes. The entries of a peer that is no longer listed stay; M(containerland.net.topology)
    removes them.
  - A link of that name which is no VXLAN is never touched; the task fails.
  - O(state=absent) deletes the link, and with it its entries, neighbours, addresses and routes. All other options
    are then ignored.
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
  - 'The MTU has to leave room for the outer headers: 50 bytes less than that of the underlay over IPv4, 70 over
    IPv6.'
seealso:
  - module: containerland.net.fdb
    description: Forwarding entries.
  - module: containerland.net.neighbor
    description: Neighbour entries.
  - module: containerland.net.route
    description: Routes.
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
  vni:
    description:
      - The virtual network's id.
      - It cannot be changed in place; see O(recreate).
    type: int
  local:
    description: The source address of outer packets.
    type: str
  remote:
    description: The address of the only other end.
    type: str
  group_address:
    description: The multicast group that stands for all ends.
    type: str
  device:
    description: The link that outer packets leave by.
    type: str
  port:
    description:
      - The UDP port. Always sent, for the kernel's own default is not the assigned port.
      - It cannot be changed in place; see O(recreate).
    type: int
    default: 4789
  ttl:
    description: 'For tunnels: the TTL of outer packets; 0 is the kernel''s choice.'
    type: int
  tos:
    description: 'For tunnels: the TOS of outer packets; 1 inherits it.'
    type: int
  learning:
    description: Whether the source of what arrives becomes a forwarding entry.
    type: bool
  udp_checksum:
    description:
      - Whether outer packets over IPv4 have a UDP checksum.
      - It cannot be changed in place; see O(recreate).
    type: bool
  underlay_netns:
    description: The namespace that outer packets travel in, if it is not the one the link lives in.
    type: str
  peers:
    description: The other ends. From each follow forwarding entries, neighbours and routes on this link.
    type: list
    elements: dict
    suboptions:
      underlay:
        description: The address that reaches the peer.
        type: str
        required: true
      mac:
        description: The MAC address of the peer's VXLAN link. Without it and without O(peers[].endpoints),
          frames for unknown addresses are flooded to the peer.
        type: str
      gateway:
        description: 'The peer''s address on the overlay: a permanent neighbour with O(peers[].mac).'
        type: str
      destinations:
        description: Prefixes that are routed over O(peers[].gateway), onlink.
        type: list
        elements: str
      endpoints:
        description: 'Layer 2 style: what lives behind the peer.'
        type: list
        elements: dict
        suboptions:
          mac:
            description: Its MAC address.
            type: str
            required: true
          address:
            description: 'Its address: a permanent neighbour.'
            type: str
  exact_peers:
    description: Whether forwarding entries, permanent neighbours and onlink routes of this link that do not
      follow from O(peers) are removed.
    type: bool
    default: false
  source_guard:
    description:
      - Whether only O(peers), and O(remote), may send into the tunnel. What comes from elsewhere with its
        O(vni) and O(port) is dropped, whatever other rules of the packet filter say.
      - It stands in a table of nf_tables of its own, before the link is up. V(false) takes it away. If nothing
        is said, one that is there stays.
    type: bool
  source_addresses:
    description: Further addresses that O(source_guard) lets packets come from.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Join a routed overlay of three nodes
  containerland.net.vxlan:
    name: overlay0
    vni: 4096
    local: 192.0.2.11
    device: eth0
    learning: false
    mac: "02:00:00:00:00:0b"
    mtu: 1450
    addresses: [10.244.1.0/32]
    peers:
      - underlay: 192.0.2.12
        mac: "02:00:00:00:00:0c"
        gateway: 10.244.2.0
        destinations: [10.244.2.0/24]
      - underlay: 192.0.2.13
        mac: "02:00:00:00:00:0d"
        gateway: 10.244.3.0
        destinations: [10.244.3.0/24]

- name: Stretch a bridge over two nodes, with flooding and learning
  containerland.net.vxlan:
    name: stretch0
    vni: 4097
    local: 192.0.2.11
    learning: true
    master: shop0
    peers:
      - underlay: 192.0.2.12

- name: Stretch a bridge without flooding, to endpoints that are known
  containerland.net.vxlan:
    name: known0
    vni: 4098
    local: 192.0.2.11
    learning: false
    master: shop0
    neigh_suppress: true
    peers:
      - underlay: 192.0.2.12
        endpoints:
          - mac: "02:42:0a:f4:02:0a"
            address: 10.244.1.20

- name: Reach all others by a multicast group
  containerland.net.vxlan:
    name: many0
    vni: 4099
    group_address: 239.1.1.1
    device: eth0
    ttl: 4

- name: Put the end of a tunnel into a namespace, while its packets travel outside
  containerland.net.vxlan:
    name: eth1
    netns: web1
    underlay_netns: ""
    vni: 4100
    remote: 192.0.2.12
    addresses: [10.77.0.1/24]

- name: Give a tunnel another VNI, for which it has to be made anew
  containerland.net.vxlan:
    name: many0
    vni: 5099
    group_address: 239.1.1.1
    device: eth0
    recreate: true

- name: Remove a VXLAN link
  containerland.net.vxlan:
    name: overlay0
    vni: 4096
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
    - "create vxlan 'stretch0'"
    - "create fdb 'stretch0 00:00:00:00:00:00 self 192.0.2.12'"
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
      vxlan 'stretch0'
        learning: true
        local: 192.0.2.11
        master: shop0
        port: 4789
        up: true
        vni: 4097
      fdb 'stretch0 00:00:00:00:00:00 self 192.0.2.12'
        destination: 192.0.2.12
        fdb_state: permanent
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("vxlan")


if __name__ == "__main__":
    main()
