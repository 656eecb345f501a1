#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routing policy rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rule
short_description: Make routing policy rules
version_added: 0.1.0
description:
  - Makes a rule that says which packets use which routing table, or are refused.
  - All options together identify a rule; one that differs in anything is another rule. So nothing is changed in
    place, and a rule that is to differ has to be removed and made.
  - Other rules are never touched, nor are those that every namespace begins with, unless they are named with all
    that they consist of.
  - O(state=absent) removes the rule that has exactly these options.
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
  - module: containerland.net.route
    description: Routes.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  priority:
    description: Rules are tried by rising priority. Required, for the kernel's own choice depends on what
      is there.
    type: int
    required: true
  family:
    description: The IP version. If nothing is said, that of O(from) or O(to), else V(ipv4).
    type: str
    choices:
      - ipv4
      - ipv6
  from:
    description: The source prefix.
    type: str
  to:
    description: The destination prefix.
    type: str
  iif:
    description: The link that the packet came in by; V(lo) for the node's own.
    type: str
  oif:
    description: The link that the sending socket is bound to.
    type: str
  fwmark:
    description: The packet's mark.
    type: int
  fwmask:
    description: The bits of the mark that count; all if nothing is said.
    type: int
  tos:
    description: The packet's TOS.
    type: int
  ip_protocol:
    description: The transport protocol's number, for example 6 for TCP.
    type: int
  source_ports:
    description: The source port, or a range V(FIRST-LAST).
    type: str
  destination_ports:
    description: The destination port, or a range V(FIRST-LAST).
    type: str
  uid_range:
    description: The user of the sending socket, or a range V(FIRST-LAST).
    type: str
  suppress_prefixlength:
    description: Ignore what the table says if its prefix is this long or shorter.
    type: int
  invert:
    description: Whether the rule is for packets that do not match.
    type: bool
    default: false
  action:
    description: What to do.
    type: str
    default: lookup
    choices:
      - lookup
      - blackhole
      - unreachable
      - prohibit
  table:
    description: 'For O(action=lookup), which needs it: the routing table, a number or V(main), V(local),
      V(default).'
    type: str
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
- name: Let a network use a routing table of its own
  containerland.net.rule:
    priority: 100
    from: 10.244.1.0/24
    table: "100"

- name: Route marked packets
  containerland.net.rule:
    priority: 110
    fwmark: 0x10
    fwmask: 0xf0
    table: "110"

- name: Prefer specific routes of the main table to the default route of another
  containerland.net.rule:
    priority: 120
    table: main
    suppress_prefixlength: 0

- name: Refuse what a network sends to another, in a namespace
  containerland.net.rule:
    netns: router
    priority: 200
    from: 10.244.0.0/16
    to: 10.96.0.0/16
    ip_protocol: 6
    destination_ports: 1-1023
    action: prohibit

- name: Remove a rule
  containerland.net.rule:
    priority: 100
    from: 10.244.1.0/24
    table: "100"
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
    - "create rule 'ipv4 100 from=10.244.1.0/24 action=lookup table=100'"
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
      rule 'ipv4 100 from=10.244.1.0/24 action=lookup table=100'
        action: lookup
        family: ipv4
        from: 10.244.1.0/24
        invert: false
        priority: 100
        table: 100
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("rule")


if __name__ == "__main__":
    main()
