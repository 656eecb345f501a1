#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links of every other kind, and existing ones."""

from __future__ import annotations

DOCUMENTATION = r"""
module: link
short_description: Make links of many kinds, or set existing ones
version_added: 0.1.0
description:
  - With O(kind), makes a link of that kind and sets its properties and addresses.
  - Without O(kind), the link has to exist, of whatever kind. Its properties and addresses are set; it is never
    created.
  - With O(adopt), takes an existing link, moves it into another namespace and renames it. A link loses its
    addresses, routes and master when it moves.
  - What was set and differs is changed in place where the kernel can do that, without interrupting the link. Only
    what is set is compared and changed; everything else about the link, and every other link, is left as it is.
  - A difference that the kernel cannot change in place (each option says so) is refused with the reason, unless
    O(recreate=true) allows to delete the link and make it anew, with what this task says and nothing else.
  - With O(kind), a link of that name and another kind is never touched; the task fails.
  - O(state=absent) deletes the link, if O(kind) is set only one of that kind. With O(adopt) it moves the link back
    under its old name instead. Hardware cannot be deleted; the kernel refuses that. All options that set properties
    are then ignored.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - pyroute2 >= 0.7.2 on the node, for O(kind), O(hairpin), O(isolated), O(neigh_suppress) and O(vlans)
  - a kernel that has the O(kind)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
seealso:
  - module: containerland.net.bridge
    description: Bridges and their ports.
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
  kind:
    description: The type of the link. Without it, the link has to exist, and only what is set is changed.
    type: str
    choices:
      - bond
      - dummy
      - geneve
      - gre
      - gretap
      - ifb
      - ipip
      - ipvlan
      - macvlan
      - sit
      - vlan
      - vrf
      - wireguard
  adopt:
    description: 'An existing link to take: it is moved to O(netns) and renamed to O(name), unless that is
      there already. With O(state=absent) it is moved back.'
    type: dict
    suboptions:
      name:
        description: The name of the link, at most 15 bytes.
        type: str
        required: true
      netns:
        description: The namespace it is in; that of the task if nothing is said.
        type: str
  parent:
    description: 'For O(kind=vlan), O(kind=macvlan) and O(kind=ipvlan): the link that it sits on.'
    type: str
  parent_netns:
    description: The namespace of O(parent), if it is not that of the link.
    type: str
  bond_mode:
    description:
      - 'For O(kind=bond): how it spreads packets. It cannot change while the bond has ports.'
      - It cannot be changed in place; see O(recreate).
    type: str
    choices:
      - balance-rr
      - active-backup
      - balance-xor
      - broadcast
      - 802.3ad
      - balance-tlb
      - balance-alb
  miimon:
    description: 'For O(kind=bond): milliseconds between two looks at the ports'' carrier.'
    type: int
  vni:
    description:
      - 'For O(kind=geneve): the network''s id.'
      - It cannot be changed in place; see O(recreate).
    type: int
  remote:
    description:
      - 'For tunnels: the address of the other end.'
      - It cannot be changed in place; see O(recreate).
    type: str
  ttl:
    description: 'For tunnels: the TTL of outer packets; 0 is the kernel''s choice.'
    type: int
  tos:
    description: 'For tunnels: the TOS of outer packets; 1 inherits it.'
    type: int
  port:
    description:
      - 'For O(kind=geneve): the UDP port.'
      - It cannot be changed in place; see O(recreate).
    type: int
  local:
    description:
      - 'For tunnels: the local address.'
      - It cannot be changed in place; see O(recreate).
    type: str
  key:
    description:
      - 'For O(kind=gre) and O(kind=gretap): the key.'
      - It cannot be changed in place; see O(recreate).
    type: int
  mode:
    description:
      - 'For O(kind=macvlan): V(private), V(vepa), V(bridge), V(passthru) or V(source).'
      - 'For O(kind=ipvlan): V(l2), V(l3) or V(l3s).'
    type: str
    choices:
      - private
      - vepa
      - bridge
      - passthru
      - source
      - l2
      - l3
      - l3s
  vlan_id:
    description:
      - 'For O(kind=vlan): the VLAN''s id.'
      - It cannot be changed in place; see O(recreate).
    type: int
  vlan_protocol:
    description:
      - 'For O(kind=vlan): the tag''s protocol.'
      - It cannot be changed in place; see O(recreate).
    type: str
    choices:
      - 802.1Q
      - 802.1ad
  table:
    description:
      - 'For O(kind=vrf): its routing table.'
      - It cannot be changed in place; see O(recreate).
    type: int
  private_key:
    description: 'For O(kind=wireguard): the private key.'
    type: str
  listen_port:
    description: 'For O(kind=wireguard): the UDP port.'
    type: int
  fwmark:
    description: 'For O(kind=wireguard): the mark of outer packets.'
    type: int
  peers:
    description: 'For O(kind=wireguard): exactly the peers that it talks to.'
    type: list
    elements: dict
    suboptions:
      public_key:
        description: The peer's public key.
        type: str
        required: true
      preshared_key:
        description: A key shared with the peer.
        type: str
      endpoint:
        description: Where it is, as V(ADDRESS:PORT) or V([ADDRESS]:PORT).
        type: str
      allowed_ips:
        description: The prefixes that are routed to and taken from it.
        type: list
        elements: str
      persistent_keepalive:
        description: Seconds between keepalive packets; 0 for none.
        type: int
"""

EXAMPLES = r"""
- name: Set up a link that exists
  containerland.net.link:
    name: eth1
    mtu: 1400
    alias: underlay
    addresses: [192.0.2.11/24]

- name: Hold a virtual address on the loopback link
  containerland.net.link:
    name: lo
    addresses: [10.96.0.10/32]

- name: Move a network card into a namespace, as its eth0
  containerland.net.link:
    name: eth0
    netns: web1
    adopt:
      name: eth2
    addresses: [198.51.100.7/24]

- name: Give it back
  containerland.net.link:
    name: eth0
    netns: web1
    adopt:
      name: eth2
    state: absent

- name: Put a namespace on the network of eth1, with a MAC address of its own
  containerland.net.link:
    name: eth1
    netns: web1
    kind: macvlan
    mode: bridge
    parent: eth1
    parent_netns: ""
    addresses: [192.0.2.21/24]

- name: Queue what is redirected to it
  containerland.net.link:
    name: ifb0
    kind: ifb
    txqueuelen: 64

- name: Hold virtual addresses on a link of their own
  containerland.net.link:
    name: vips
    kind: dummy
    addresses: [10.96.0.11/32, 10.96.0.12/32]
    exact_addresses: true

- name: Receive VLAN 20 of eth1
  containerland.net.link:
    name: eth1.20
    kind: vlan
    parent: eth1
    vlan_id: 20
    addresses: [198.51.100.2/24]

- name: Give a VLAN link another VLAN, for which it has to be made anew
  containerland.net.link:
    name: eth1.20
    kind: vlan
    parent: eth1
    vlan_id: 21
    addresses: [198.51.100.2/24]
    recreate: true

- name: Share the MAC address of eth1 with a namespace
  containerland.net.link:
    name: shared0
    netns: web2
    kind: ipvlan
    mode: l2
    parent: eth1
    parent_netns: ""
    addresses: [192.0.2.22/24]

- name: Bond two links
  containerland.net.link:
    name: bond0
    kind: bond
    bond_mode: active-backup
    miimon: 100
    ports: [eth2, eth3]

- name: Give a customer a routing table of its own
  containerland.net.link:
    name: customer1
    kind: vrf
    table: 101
    ports: [eth4]

- name: Make a GRE tunnel for Ethernet frames
  containerland.net.link:
    name: tap0
    kind: gretap
    local: 192.0.2.11
    remote: 192.0.2.12
    key: 7
    ttl: 64

- name: Make a Geneve tunnel
  containerland.net.link:
    name: gen0
    kind: geneve
    vni: 4096
    remote: 192.0.2.12

- name: Make an encrypted tunnel (keep real keys in a vault)
  containerland.net.link:
    name: wg0
    kind: wireguard
    private_key: 8GboYh0YF3q5uJhWlQ2DmdGfTn3oyjPZ1WnS1rDhLXA=
    listen_port: 51820
    addresses: [10.99.0.1/24]
    peers:
      - public_key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
        endpoint: 192.0.2.12:51820
        allowed_ips: [10.99.0.2/32]
        persistent_keepalive: 25

- name: Remove a link, if it is an ifb
  containerland.net.link:
    name: ifb0
    kind: ifb
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
    - "change link 'eth1' (mtu, alias)"
    - "create address 'eth1 192.0.2.11/24'"
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
      link 'eth1'
        alias: ""
        mtu: 1500
    after: |
      link 'eth1'
        alias: underlay
        mtu: 1400
      address 'eth1 192.0.2.11/24'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("link")


if __name__ == "__main__":
    main()
