#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named network namespaces."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns
short_description: Make named network namespaces
version_added: 0.1.0
description:
  - Makes a named network namespace under C(/run/netns), as C(ip netns add) does, raises its loopback link, and sets
    sysctls in it.
  - A namespace that exists already is kept with all that is in it; only its loopback link and the listed sysctls
    are changed. Sysctls that are not listed are left as they are.
  - O(state=absent) removes the name. The kernel then removes the namespace with its links, unless a process still
    runs in it or holds it open. Processes are never ended.
  - Namespaces do not survive a reboot.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN) and C(CAP_SYS_ADMIN).'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    link that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
seealso:
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
  - module: containerland.net.veth
    description: Pairs of links.
  - module: containerland.net.network_info
    description: What exists, as options.
options:
  name:
    description: The name of the namespace.
    type: str
    required: true
  sysctls:
    description:
      - 'Sysctls of the namespace by name, all below C(net), for example C(net.ipv4.ip_forward: 1).'
      - Written with slashes where an interface's name has a dot (C(net/ipv4/conf/eth0.1/forwarding)).
    type: dict
  state:
    description: Whether it should exist. V(absent) of what is not there changes nothing.
    type: str
    default: present
    choices:
      - present
      - absent
"""

EXAMPLES = r"""
- name: Make a namespace for a web server
  containerland.net.netns:
    name: web1

- name: Make one that forwards packets and speaks IPv4 only
  containerland.net.netns:
    name: router
    sysctls:
      net.ipv4.ip_forward: true
      net.ipv6.conf.all.disable_ipv6: true
      net.ipv6.conf.default.disable_ipv6: true

- name: Set a sysctl of one link, whose name has no dot
  containerland.net.netns:
    name: router
    sysctls:
      net.ipv4.conf.lo.rp_filter: 2

- name: See what a change would be
  containerland.net.netns:
    name: router
    sysctls:
      net.ipv4.ip_forward: false
  check_mode: true
  diff: true

- name: Remove a namespace
  containerland.net.netns:
    name: web1
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
    - "create netns 'router'"
    - "change link 'lo' in netns 'router' (up)"
    - "create sysctl 'net/ipv4/ip_forward' in netns 'router'"
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
      netns 'router'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("netns")


if __name__ == "__main__":
    main()
