#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS does."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Show the services of IPVS with their connections and rates
version_added: 0.3.0
description:
  - Reads the virtual services of the kernel's load balancer IPVS, their servers, and what is counted of both.
  - Each service and server is given by the options that declare it, so that it can be compared with what was wanted.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes.info_module
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN) in the initial user namespace, and
    C(CAP_SYS_ADMIN) to look into other network namespaces.'
  - A node whose kernel has no IPVS is no failure; see RV(available).
seealso:
  - module: containerland.net.ipvs_service
  - module: containerland.net.network_info
options:
  netns:
    description:
      - The namespaces to look into, by name (V(web1)), by path (V(/proc/123/ns/net)), or as V(pid:123), V(docker:NAME),
        V(podman:NAME), V(lxc:NAME) or V(machine:NAME). An empty text is the namespace the task runs in.
      - Without it, only the namespace the task runs in.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Look at the balancer
  containerland.net.ipvs_info:
  register: balancer

- name: Show the servers that have connections
  ansible.builtin.debug:
    msg: "{{ balancer.services | map(attribute='servers') | flatten | selectattr('active_connections') }}"
"""

RETURN = r"""
available:
  description: Whether the kernel has IPVS, that is, whether its module C(ip_vs) is loaded or built in.
  returned: success
  type: bool
version:
  description: The version of IPVS; empty if there is none.
  returned: success
  type: str
  sample: 1.2.1
table_size:
  description: The size of the hash table of connections, which the module parameter C(conn_tab_bits) sets.
  returned: success
  type: int
  sample: 4096
services:
  description:
    - The services. Beside the keys below, each has the options of M(containerland.net.ipvs_service) that declare it.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The service in one word or two.
      type: str
      sample: tcp 10.96.0.10:80
    netns:
      description: Its namespace, unless it is the one the task runs in.
      type: str
      returned: if it is another namespace
    servers:
      description: Its servers, each with the options that declare it, and what is counted.
      type: list
      elements: dict
      contains:
        active_connections:
          description: Connections that are established.
          type: int
        inactive_connections:
          description: Connections that are not established yet, or no longer.
          type: int
        persistent_connections:
          description: Clients that would come here again.
          type: int
        statistics:
          description: As those of the service.
          type: dict
    statistics:
      description: Counters since the service was made, and rates per second as the kernel estimates them.
      type: dict
      contains:
        connections:
          description: Connections that were scheduled.
          type: int
        packets_in:
          description: Packets to the servers.
          type: int
        packets_out:
          description: Packets from the servers, as far as they come back through this node.
          type: int
        bytes_in:
          description: Bytes to the servers.
          type: int
        bytes_out:
          description: Bytes from the servers.
          type: int
        connections_per_second:
          description: The rate of connections.
          type: int
        packets_in_per_second:
          description: The rate of packets to the servers.
          type: int
        packets_out_per_second:
          description: The rate of packets from the servers.
          type: int
        bytes_in_per_second:
          description: The rate of bytes to the servers.
          type: int
        bytes_out_per_second:
          description: The rate of bytes from the servers.
          type: int
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run_ipvs_info


def main() -> None:
    run_ipvs_info()


if __name__ == "__main__":
    main()
