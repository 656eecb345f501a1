#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipset
short_description: Fill sets of addresses
version_added: 0.2.0
description:
  - Makes sets of addresses, networks, ports and the like (C(ipset(8))), which rules of iptables match with
    C(-m set --match-set).
  - The node's own C(ipset) says which types there are, what an entry may be and how it is printed, so a range or the
    name of a service is found unchanged the next time. What it refuses is refused before anything is changed.
  - Entries are added; with O(exact_entries=true), others are removed. A set that changes in what it was made with
    (such as O(maxelem)), in a quarter or more of its entries, or beyond the room it has, is filled under another name
    and swapped, so that no packet meets half a set. Rules that refer to it stay as they are.
  - O(state=absent) removes the set with all its entries, unless rules or other sets refer to it.
  - A set that the topology of an owner has made is removed with that owner; to a set of others (no O(type)), its
    entries are added, and later taken away again.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - ipset (on the node)
  - the kernel module ip_set and those of the types (on the node)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to try
    entries in a scratch namespace and to enter another one.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A namespace or
    set that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
  - Sets last until the next start of the node, as everything in the kernel.
  - Names of hosts in entries are looked up where there is no network, so only those in C(/etc/hosts) are known; write
    addresses.
seealso:
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
options:
  name:
    description: The set's name, 31 bytes at most.
    type: str
    required: true
  type:
    description:
      - The type, for example V(hash:ip), V(hash:net), V(hash:ip,port), V(bitmap:port) or V(list:set); all
        that the node's ipset(8) knows. Required to create it; without it, the set must be there.
      - It cannot be changed in place; see O(recreate).
    type: str
  family:
    description: The IP version of a C(hash) type; V(inet), which is IPv4, if nothing is said. It cannot be
      changed in place; see O(recreate).
    type: str
    choices:
      - inet
      - inet6
  entries:
    description:
      - 'What is in it: as C(ipset add) takes it (V(10.0.0.1), V(10.0.0.0/24 nomatch), V(10.0.0.1,tcp:80 timeout
        60 comment "web")), or as a dictionary. Ranges and names of services are what the node''s ipset(8)
        makes of them.'
      - A time-out counts down; it is renewed when the rest is longer than declared, or the entry is gone.
      - C(entry) (str, required) - The element, for example V(10.0.0.0/24) or V(10.0.0.1,tcp:80); options
        as of C(ipset add) may follow.
      - C(timeout) (int) - The seconds after which the kernel removes it; V(0) is never.
      - C(comment) (str) - A comment.
      - 'C(nomatch) (bool) - For types with networks: whether what it covers is an exception of a larger network.'
      - 'C(wildcard) (bool) - For V(hash:net,iface): whether the interface''s name is the beginning of names.'
      - C(skbmark) (str) - The mark that C(SET --map-set) gives, for example V(0x10/0xff).
      - C(skbprio) (str) - The priority that C(SET --map-set) gives, for example V(1:10).
      - C(skbqueue) (int) - The queue that C(SET --map-set) gives.
      - 'C(before) (str) - For V(list:set): a member that it stands before.'
      - 'C(after) (str) - For V(list:set): a member that it stands after.'
    type: list
    elements: raw
  exact_entries:
    description: Whether entries that are not listed are removed.
    type: bool
    default: false
  timeout:
    description: The time-out of entries that have none of their own, in seconds.
    type: int
  counters:
    description: Whether entries count packets and bytes.
    type: bool
  comment:
    description: Whether entries can have comments.
    type: bool
  skbinfo:
    description: Whether entries can have a mark, priority and queue for C(SET --map-set).
    type: bool
  forceadd:
    description: Whether a full set makes room by dropping an entry at random.
    type: bool
  hashsize:
    description: The first size of the hash table, which grows by itself.
    type: int
  maxelem:
    description: How many entries it can have; 65536 if nothing is said.
    type: int
  range:
    description: 'For C(bitmap) types, which need it: the addresses or ports it can have.'
    type: str
  netmask:
    description: The prefix length that addresses are cut to.
    type: int
  bitmask:
    description: The mask that addresses are cut with.
    type: str
  markmask:
    description: 'For V(hash:ip,mark): the bits of the mark that count.'
    type: str
  size:
    description: 'For V(list:set): how many sets it can have.'
    type: int
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
"""

EXAMPLES = r"""
- name: Addresses that may manage this node, and no others
  containerland.net.ipset:
    name: admins
    type: hash:net
    entries:
      - 192.0.2.0/24
      - 198.51.100.7
      - 192.0.2.128/25 nomatch
    exact_entries: true

- name: Published ports, with comments
  containerland.net.ipset:
    name: published
    type: hash:ip,port
    comment: true
    entries:
      - entry: 10.244.1.2,tcp:http
        comment: web
      - 10.244.1.3,udp:53

- name: Refuse an address for an hour, in a namespace
  containerland.net.ipset:
    netns: router
    name: refused
    type: hash:ip
    family: inet6
    timeout: 3600
    entries: ["2001:db8::bad"]

- name: A set of sets
  containerland.net.ipset:
    name: trusted
    type: list:set
    entries: [admins, partners]

- name: Remove a set
  containerland.net.ipset:
    name: refused
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
    - "create ipset 'admins'"
    - "create ipset_entry 'admins 192.0.2.0/24'"
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
      ipset 'admins'
        type: hash:net
      ipset_entry 'admins 192.0.2.0/24'
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("ipset")


if __name__ == "__main__":
    main()
