#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exists, in the form that topology takes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Read the network of a node as options of a topology
version_added: 0.1.0
description:
  - Reads links, addresses, routes, rules, neighbour and forwarding entries of namespaces, and returns them in the
    form that M(containerland.net.topology) takes. Declaring what was read changes nothing.
  - 'Left out is what the kernel makes by itself: loopback addresses, link-local addresses, routes that follow from
    addresses, the default rules, and whatever was learned. Sysctls are not read. Values that a new object would
    have anyway are mostly left out too.'
  - A veth whose other end is in a namespace that is not looked into shows up under C(link), without a kind.
  - Nothing is ever changed.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes.info_module
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - pyroute2 >= 0.7.2 (on the node)
notes:
  - 'Run the task as root on the node (C(become: true)) to see other namespaces, or links whose other end is in one;
    they need C(CAP_SYS_ADMIN). Chains, sets and services, if asked for in O(kinds), need what their modules say, for
    example C(CAP_NET_ADMIN).'
  - Keys of WireGuard that must stay secret are left out. The result is a valid input all the same, for what is not said
    of a link stays as it is.
seealso:
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  netns:
    description:
      - The namespaces to look into, by name (V(web1)), by path (V(/proc/123/ns/net)), or as V(pid:123), V(docker:NAME),
        V(podman:NAME), V(lxc:NAME) or V(machine:NAME). An empty text is the namespace the task runs in.
      - Without it, the namespace the task runs in and all that have names.
    type: list
    elements: str
  kinds:
    description: What to look for. V(link) means links of every kind, V(address) needs it. Without this, everything.
    type: list
    elements: str
    choices:
      - link
      - address
      - fdb
      - neighbor
      - route
      - rule
      - iptables_chain
      - ipset
      - ipvs_service
"""

EXAMPLES = r"""
- name: Read the namespace of the task, and all that have names
  containerland.net.network_info:
  register: network

- name: Show how much there is
  ansible.builtin.debug:
    var: network.counts

- name: Read two namespaces
  containerland.net.network_info:
    netns: [web1, db]
  register: containers

- name: Insist on the address of the first one
  ansible.builtin.assert:
    that:
      - containers.topology.link[0].addresses == ['10.244.1.10/24']

- name: Read routes and rules only
  containerland.net.network_info:
    netns: [web1]
    kinds: [route, rule]
"""

RETURN = r"""
topology:
  description:
    - What exists, as options of M(containerland.net.topology) without its name. Lists that would be empty are left out.
    - Namespaces that were named by path, process or container are not among its C(namespaces), for they cannot be made.
  returned: success
  type: dict
  sample:
    namespaces:
      - name: web1
    link:
      - {name: eth0, netns: web1, mac: "d6:07:5d:5e:d6:f0", mtu: 1450, up: true, addresses: [10.244.1.10/24]}
    route:
      - dest: default
        family: ipv4
        gateway: 10.244.1.1
        device: eth0
        netns: web1
        table: main
        type: unicast
        protocol: static
counts:
  description: How many elements each list of RV(topology) has, empty ones included.
  returned: success
  type: dict
  sample: {namespaces: 1, bridge: 0, veth: 0, vxlan: 0, link: 1, route: 1, rule: 0, neighbor: 0, fdb: 0}
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run_info


def main() -> None:
    run_info()


if __name__ == "__main__":
    main()
