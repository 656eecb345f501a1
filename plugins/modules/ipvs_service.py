#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services of IPVS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Balance a virtual service over servers with IPVS
version_added: 0.3.0
description:
  - Makes virtual services of the kernel's load balancer IPVS (LVS) and their servers, over netlink; C(ipvsadm) is not
    needed.
  - A service is known by protocol, address and port, or by a firewall mark. All else is changed in place, so
    connections stay.
  - Servers are added; with O(exact_servers=true), others are removed. A server that is listed gets its weight, also
    one that was drained.
  - O(state=absent) removes the service with all its servers. With O(drain), they first get weight 0 and have time to
    end their connections.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - the kernel module ip_vs and those of the schedulers (on the node)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN) in the initial user namespace, and
    C(CAP_SYS_ADMIN) to enter another network namespace.'
  - A node without IPVS is refused; load the module C(ip_vs) first. Schedulers are loaded by the kernel as needed.
  - The address has to be a local one of the node (for example on a dummy link), since IPVS schedules what comes in
    (C(LOCAL_IN)); the packet filter has to let both C(INPUT) (to the service) and C(FORWARD) (the answers) through.
  - IPVS ignores rules that masquerade unless the sysctl C(net.ipv4.vs.conntrack) is 1. With
    C(net.ipv4.vs.expire_nodest_conn) at 1, connections to a server that was removed end at once, else they hang until
    they time out.
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace, or IPVS
    itself, that is missing, perhaps because an earlier task would have made it, is then a warning instead of a failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
  - Services last until the next start of the node, as everything in the kernel.
seealso:
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
  - module: containerland.net.ipvs_info
    description: Services with their connections and rates.
options:
  address:
    description: The virtual address. Either this, or O(fwmark), is required.
    type: str
  port:
    description: The virtual port, required with O(address). V(0) stands for all ports, and needs O(persistence).
    type: int
  protocol:
    description: The protocol, with O(address).
    type: str
    choices:
      - tcp
      - udp
      - sctp
  fwmark:
    description: 'Instead of an address: the mark that rules of iptables have given to packets. Such a service
      cannot change ports.'
    type: int
  ip_version:
    description: 'With O(fwmark): the IP version.'
    type: str
    choices:
      - ipv4
      - ipv6
  scheduler:
    description: 'How a server is chosen: V(rr), V(wrr), V(lc), V(wlc), V(sh), V(mh), V(dh), V(sed), V(nq),
      V(fo), V(ovf), V(lblc), V(lblcr), or what else the kernel has. V(wlc) if nothing is said when the service
      is made.'
    type: str
  flags:
    description: 'For the schedulers V(sh) and V(mh): V(fallback) asks another server where the chosen one
      has weight 0 or is full, V(port) looks at the client''s port too.'
    type: list
    elements: str
    choices:
      - fallback
      - port
      - flag-3
  one_packet:
    description: 'For UDP: whether each packet is scheduled on its own.'
    type: bool
  persistence:
    description: Whether a client keeps the server that it was given, and how long. What is not said has its
      default.
    type: dict
    suboptions:
      timeout:
        description: Seconds; V(0) switches it off.
        type: int
        default: 300
      netmask:
        description: 'Clients of one network count as one: its prefix length, or mask.'
        type: str
      engine:
        description: What else tells clients apart, V(sip) for its Call-ID; an empty text for nothing.
        type: str
  servers:
    description: The servers.
    type: list
    elements: dict
    suboptions:
      address:
        description: The server's address.
        type: str
        required: true
      port:
        description: The server's port; that of the service if nothing is said. Only V(masq) can have another.
        type: int
      weight:
        description: Its share, relative to the others. With V(0), it gets nothing new and keeps what it has.
        type: int
        default: 1
      method:
        description: 'How packets reach it: V(masq) rewrites the destination, and answers must come back by
          this node; V(gatewaying) (direct routing) sends them to the server''s MAC address; V(tunneling)
          wraps them. With the last two, the server must have the service''s address too, and answers the
          client itself.'
        type: str
        default: masq
        choices:
          - masq
          - gatewaying
          - tunneling
      upper_threshold:
        description: With so many connections it gets no new ones; V(0) is no limit.
        type: int
      lower_threshold:
        description: It gets new ones again with fewer than this; V(0) is three quarters of the upper one.
        type: int
      tunnel:
        description: For O(servers[].method=tunneling).
        type: dict
        suboptions:
          type:
            description: What packets are wrapped in.
            type: str
            default: ipip
            choices:
              - ipip
              - gue
              - gre
          port:
            description: 'For V(gue), which needs it: the UDP port that the server listens on.'
            type: int
          checksum:
            description: 'For V(gue) and V(gre): whether outer packets have a checksum, or, V(remcsum), a
              remote checksum offload.'
            type: str
            default: none
            choices:
              - none
              - csum
              - remcsum
  exact_servers:
    description: Whether servers that are not listed are removed.
    type: bool
    default: false
  drain:
    description:
      - How many seconds a server that is removed has to end its connections, at weight 0; it is removed as
        soon as none is left. Those that are closed count for some time more (TCP's TIME_WAIT, 2 minutes).
      - UDP servers are removed at once, and what connection tracking knows of their flows is forgotten.
      - The task lasts as long, and other tasks of this collection on this node wait for it.
    type: int
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
- name: Two web servers behind one address
  containerland.net.ipvs_service:
    address: 10.96.0.10
    port: 80
    scheduler: rr
    servers:
      - {address: 10.244.11.10, port: 8080}
      - {address: 10.244.12.10, port: 8080, weight: 2}

- name: The first one goes, when its connections have ended or after a minute
  containerland.net.ipvs_service:
    address: 10.96.0.10
    port: 80
    servers:
      - {address: 10.244.12.10, port: 8080, weight: 2}
    exact_servers: true
    drain: 60

- name: Clients of one network keep their server for an hour
  containerland.net.ipvs_service:
    address: fd00:96::10
    port: 443
    scheduler: wlc
    persistence: {timeout: 3600, netmask: 64}
    servers:
      - {address: "fd00:244::10"}
      - {address: "fd00:244::11"}

- name: A name server by consistent hashing, in a namespace
  containerland.net.ipvs_service:
    netns: balancer
    address: 10.96.0.53
    port: 53
    protocol: udp
    scheduler: mh
    flags: [fallback, port]
    servers:
      - {address: 10.244.11.53}
      - {address: 10.244.12.53}

- name: What carries the mark 7, of any port, by direct routing
  containerland.net.ipvs_service:
    fwmark: 7
    servers:
      - {address: 192.0.2.21, method: gatewaying}
      - {address: 192.0.2.22, method: gatewaying}

- name: Through tunnels to servers elsewhere
  containerland.net.ipvs_service:
    address: 10.96.0.20
    port: 80
    servers:
      - {address: 198.51.100.7, method: tunneling}
      - {address: 198.51.100.8, method: tunneling, tunnel: {type: gue, port: 6080, checksum: csum}}

- name: Remove a service
  containerland.net.ipvs_service:
    address: 10.96.0.10
    port: 80
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
    - "create ipvs_service 'tcp 10.96.0.10:80'"
    - "create ipvs_server 'tcp 10.96.0.10:80 10.244.11.10:8080'"
diff:
  description: The objects of RV(plan) before and after; of one that stays, only what differs.
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
      ipvs_service 'tcp 10.96.0.10:80'
        scheduler: rr
      ipvs_server 'tcp 10.96.0.10:80 10.244.11.10:8080'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("ipvs_service")


if __name__ == "__main__":
    main()
