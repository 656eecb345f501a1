#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects at once, remembered by their owner's name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Declare the network of a node as a whole
version_added: 0.1.0
description:
  - Makes everything that is listed, in one run and in the right order, whatever order it is listed in. Each list
    has the name of a module, except O(namespaces) for M(containerland.net.netns); its elements take the options of
    that module.
  - What was made is remembered under O(name), in C(/var/lib/containerland). What an earlier run made under that
    name and this one does not list is removed. Settings of objects that existed before - links without a kind,
    ports, sysctls - get the values back that they had before.
  - Objects that existed before the first run, and those of other names, are never deleted. An object that existed
    before and is listed is brought to what is said of it, and stays when it is no longer listed.
  - 'Only what is set is compared. A difference that the kernel cannot change in place is refused with the reason,
    before anything is changed, unless the element says C(recreate: true).'
  - If anything fails, everything that the run had changed is taken back.
  - O(state=absent) takes away all that O(name) made, and sets back what it changed. It takes nothing but O(name).
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - pyroute2 >= 0.7.2 on the node, unless nothing but namespaces, sysctls, veth pairs, routes, neighbours and
    forwarding entries is listed
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace or to make one. Chains and sets need what their modules say, which may be C(CAP_NET_RAW) too.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - When all is done, the module looks again and fails if anything differs from what was asked for.
  - What is remembered holds all options, those that are secret too; only root can read it.
  - An object that two owners list belongs to the one that made it. Do not let them contradict each other.
seealso:
  - module: containerland.net.network_info
    description: What exists, as options.
  - module: containerland.net.netns
    description: Makes the namespaces.
  - module: containerland.net.bridge
    description: Bridges and their ports.
  - module: containerland.net.veth
    description: Pairs of links.
  - module: containerland.net.vxlan
    description: VXLAN links and their peers.
  - module: containerland.net.link
    description: Links of every other kind.
  - module: containerland.net.route
    description: Routes.
  - module: containerland.net.rule
    description: Which routing table is used for what.
  - module: containerland.net.neighbor
    description: Neighbour entries.
  - module: containerland.net.fdb
    description: Forwarding entries.
options:
  name:
    description: 'The owner: what this name declared before and declares no longer is removed, or set back
      to what it was.'
    type: str
    required: true
  state:
    description: V(absent) takes away all that this owner made, and sets back all that it changed.
    type: str
    default: present
    choices:
      - present
      - absent
  netns:
    description:
      - 'The namespace of elements that name none of their own: by name (V(web1)), by path (V(/proc/123/ns/net)),
        or as V(pid:123), V(docker:NAME), V(podman:NAME), V(lxc:NAME) or V(machine:NAME).'
      - Without it, the namespace the task runs in.
    type: str
  stopped:
    description:
      - What to do if a container, machine or process that a namespace is named by does not run.
      - V(refuse) fails, and changes nothing.
      - V(leave_out) warns, and leaves out what is in there or leads there. The next run connects it, and
        so does C(containerland-net repair), which a timer can run.
    type: str
    default: refuse
    choices:
      - refuse
      - leave_out
  sysctls:
    description:
      - 'Sysctls of the namespace by name, all below C(net), for example C(net.ipv4.ip_forward: 1).'
      - Written with slashes where an interface's name has a dot (C(net/ipv4/conf/eth0.1/forwarding)).
    type: dict
  namespaces:
    description: Elements with the options of M(containerland.net.netns).
    type: list
    elements: dict
  bridge:
    description: Elements with the options of M(containerland.net.bridge).
    type: list
    elements: dict
  veth:
    description: Elements with the options of M(containerland.net.veth).
    type: list
    elements: dict
  vxlan:
    description: Elements with the options of M(containerland.net.vxlan).
    type: list
    elements: dict
  link:
    description: Elements with the options of M(containerland.net.link).
    type: list
    elements: dict
  route:
    description: Elements with the options of M(containerland.net.route).
    type: list
    elements: dict
  rule:
    description: Elements with the options of M(containerland.net.rule).
    type: list
    elements: dict
  neighbor:
    description: Elements with the options of M(containerland.net.neighbor).
    type: list
    elements: dict
  fdb:
    description: Elements with the options of M(containerland.net.fdb).
    type: list
    elements: dict
  iptables_chain:
    description: Elements with the options of M(containerland.net.iptables_chain).
    type: list
    elements: dict
  ipset:
    description: Elements with the options of M(containerland.net.ipset).
    type: list
    elements: dict
  ipvs_service:
    description: Elements with the options of M(containerland.net.ipvs_service).
    type: list
    elements: dict
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
- name: Give two containers a network
  containerland.net.topology:
    name: shop
    sysctls:
      net.ipv4.ip_forward: true
    namespaces:
      - name: web1
      - name: db
        sysctls: {net.ipv6.conf.all.disable_ipv6: true}
    bridge:
      - name: shop0
        addresses: [10.244.1.1/24]
    veth:
      - name: web1
        master: shop0
        peer: {name: eth0, netns: web1, addresses: [10.244.1.10/24]}
      - name: db
        master: shop0
        peer: {name: eth0, netns: db, addresses: [10.244.1.11/24]}
    route:
      - {dest: default, gateway: 10.244.1.1, netns: web1}
      - {dest: default, gateway: 10.244.1.1, netns: db}

- name: See what it would mean to do without the database
  containerland.net.topology: &smaller
    name: shop
    sysctls:
      net.ipv4.ip_forward: true
    namespaces:
      - name: web1
    bridge:
      - name: shop0
        addresses: [10.244.1.1/24]
    veth:
      - name: web1
        master: shop0
        peer: {name: eth0, netns: web1, addresses: [10.244.1.10/24]}
    route:
      - {dest: default, gateway: 10.244.1.1, netns: web1}
  check_mode: true
  diff: true

- name: Do without the database; its namespace, link and route go
  containerland.net.topology: *smaller

- name: Declare what is in one namespace, which exists
  containerland.net.topology:
    name: router
    netns: router
    sysctls: {net.ipv4.ip_forward: true}
    link:
      - name: lo
        addresses: [10.255.0.1/32]
    route:
      - {dest: 10.244.0.0/16, type: blackhole}

- name: Take it all away
  containerland.net.topology:
    name: shop
    state: absent

- name: Change the way to the node itself, and keep that only if the node can still be reached
  containerland.net.topology:
    name: underlay
    link:
      - {name: eth0, mtu: 9000}
    route:
      - {dest: default, gateway: 192.0.2.254}
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
    - "create netns 'db'"
    - "change link 'lo' in netns 'db' (up)"
    - "create veth 'db'"
    - "create veth 'eth0' in netns 'db'"
    - "create address 'eth0 10.244.1.11/24' in netns 'db'"
    - "create route '0.0.0.0/0' in netns 'db'"
counts:
  description: How many lines of RV(plan) there are of each action.
  returned: success
  type: dict
  sample: {create: 4, change: 1, move: 0, replace: 0, delete: 0}
seconds:
  description:
    - How long each phase took, by the wall clock. V(observe) and V(plan) are before anything is changed,
      V(apply) is the change, and V(verify) looks at what became of it; the last two are there if there was one.
    - What a run is doing just now is in the file C(/run/containerland.lock) on the node.
  returned: success
  type: dict
  sample: {observe: 0.021, plan: 0.004, apply: 0.013, verify: 0.018}
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
      netns 'db'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run_topology


def main() -> None:
    run_topology()


if __name__ == "__main__":
    main()
