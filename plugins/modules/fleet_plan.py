#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Compute the addresses of all nodes and containers, once per play
version_added: 0.1.0
description:
  - Computes on the controller, without asking any node, which subnet each node has, which address each container
    has, and what nodes need to know of each other (the one list of peers).
  - Run it once per play (C(run_once)); the result is registered for every host, and each takes its slice.
  - "A node's subnet has the low bits of its underlay address as its number: with C(10.244.0.0/16) the node at
    C(192.0.2.11) has C(10.244.11.0/24). A container's address follows from its name. So nothing shifts when a node or
    container comes or goes. Where two fall on the same place, the plan is refused with the pin that settles it."
  - "It reads these variables of each node: C(containers_list), C(containers_underlay) (else C(ansible_host) or the
    host's name if that is an address), C(containers_underlay6), C(containers_underlay_mtu) (1500), C(containers_subnet)
    and C(containers_subnet6) (pins). What the inventory does not say of a host is taken from the play's variables."
requirements:
  - netaddr on the controller
options:
  group:
    description:
      - The inventory group of the nodes.
      - If not set, the variable C(containers_group) counts, or else the group C(nodes), or else the hosts of the play.
    type: str
  prefix:
    description:
      - IPv4 prefix from which the nodes' subnets are taken.
      - If not set, the variable C(containers_prefix) counts, or else C(10.244.0.0/16).
    type: str
  prefix6:
    description:
      - IPv6 prefix from which the nodes' subnets are taken; empty for a network without IPv6.
      - If not set, the variable C(containers_prefix6) counts, or else there is no IPv6.
    type: str
  node_length:
    description:
      - Prefix length of a node's IPv4 subnet.
      - If not set, the variable C(containers_node_length) counts, or else 24.
    type: int
  node_length6:
    description:
      - Prefix length of a node's IPv6 subnet.
      - If not set, the variable C(containers_node_length6) counts, or else 64.
    type: int
  network:
    description:
      - How containers reach other nodes. It decides the MTU, and which addresses nodes must have.
      - If not set, the variable C(containers_network) counts, or else V(overlay).
    type: str
    choices: [none, routed, overlay]
  style:
    description:
      - Whether the overlay routes between the nodes' subnets (V(l3)) or stretches one bridge over them (V(l2)).
      - If not set, the variable C(overlay_style) counts, or else V(l3).
    type: str
    choices: [l3, l2]
  vni:
    description:
      - VXLAN network identifier. The MACs of the overlay links follow from it and the nodes' names.
      - If not set, the variable C(overlay_vni) counts, or else 4096.
    type: int
  collisions:
    description:
      - What to do if the names of two containers of a node stand for the same address.
      - V(refuse) names them and the C(address) to pin, so that an accepted plan never moves an address.
      - V(probe) gives the later one in the list the next free address, and says so in RV(notes). It may move
        when the other one leaves.
      - If not set, the variable C(containers_collisions) counts, or else V(refuse).
    type: str
    choices: [refuse, probe]
  services:
    description:
      - The services, as the role P(containerland.net.services#role) takes them in C(services_list).
      - A service's address follows from its name. Its servers are the containers of all nodes that have its labels.
      - Refused are addresses that somebody else has, outside of O(services_prefix) or given away twice.
      - If not set, the variable C(services_list) counts, or else there are none.
    type: list
    elements: dict
  services_prefix:
    description:
      - IPv4 prefix from which the services' addresses are taken.
      - If not set, the variable C(services_prefix) counts, or else C(10.96.0.0/16).
    type: str
  services_prefix6:
    description:
      - IPv6 prefix from which the services' addresses are taken.
      - If not set, the variable C(services_prefix6) counts, or else services have no IPv6.
    type: str
  services_drained:
    description:
      - Containers (C(NAME@NODE)) and nodes whose servers get no new connections, but keep those they have.
      - If not set, the variable C(services_drained) counts.
    type: list
    elements: str
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changed status prediction without modifying the target.
    support: full
    details: This action does not modify state.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
    support: N/A
    details: This action does not modify state.
  idempotent:
    description: When run twice in a row with the same arguments, the second invocation indicates no change.
    support: full
    details: This action does not modify state.
  platform:
    description: Target OS or families that can be operated against.
    support: full
    platforms: linux
author:
  - containerland.net contributors (@containerland)
"""

EXAMPLES = r"""
- name: Compute the fleet plan once for all hosts
  containerland.net.fleet_plan:
    prefix: 10.244.0.0/16
    network: overlay
  run_once: true
  register: plan

- name: Show this node's subnets
  ansible.builtin.debug:
    msg: "{{ plan.nodes[inventory_hostname].subnets }}"
"""

RETURN = r"""
nodes:
  description: Each node's slice, by name.
  returned: success
  type: dict
  sample:
    node1:
      name: node1
      underlay: 192.0.2.11
      underlay6: ''
      subnets: [10.244.11.0/24]
      mtu: 1450
      bridge: {addresses: [10.244.11.1/24], mac: "0a:58:0a:f4:0b:01"}
      vtep: {mac: "12:75:bf:9e:a3:3b", addresses: [10.244.11.0]}
      containers:
        - name: web1
          netns: web1
          interface: eth0
          host_interface: c-web1
          addresses: [10.244.11.195/24]
          gateways: [10.244.11.1]
          mac: "0a:58:0a:f4:0b:c3"
          mtu: 1450
peers:
  description: What other nodes need to know of each node, sorted by name; the same list for all.
  returned: success
  type: list
  elements: dict
  sample:
    - name: node1
      underlay: 192.0.2.11
      underlay6: ''
      subnets: [10.244.11.0/24]
      mac: "12:75:bf:9e:a3:3b"
      gateways: [10.244.11.0]
prefixes:
  description: The prefixes that hold all containers, IPv4 first.
  returned: success
  type: list
  elements: str
  sample: [10.244.0.0/16]
network:
  description: As given.
  returned: success
  type: str
  sample: overlay
style:
  description: As given.
  returned: success
  type: str
  sample: l3
vni:
  description: As given.
  returned: success
  type: int
  sample: 4096
services:
  description: The services with their servers, in the order of the list.
  returned: success
  type: list
  elements: dict
  sample:
    - name: web
      addresses: [10.96.0.10]
      port: 80
      target_port: 8080
      protocol: tcp
      scheduler: rr
      affinity: 0
      drain: 30
      method: masq
      ingress_port: 30080
      external_addresses: []
      servers:
        - {node: node1, container: web1, address: 10.244.11.195, port: 8080, weight: 1}
services_prefixes:
  description: The prefixes that hold all services, IPv4 first; none without services.
  returned: success
  type: list
  elements: str
  sample: [10.96.0.0/16]
id:
  description: The same for the same plan. What filters make of it is computed once per task.
  returned: success
  type: str
  sample: 8f14e45fceea167a5a36dedd4bea2543b3c0a6a5c1f0e0a1b2c3d4e5f6071829
notes:
  description: What the user should know, one sentence each.
  returned: success
  type: list
  elements: str
  sample: []
"""
