#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of iptables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iptables_chain
short_description: Make whole chains of iptables rules
version_added: 0.2.0
description:
  - Makes a chain with exactly these rules in this order, and the jumps that lead to it, in one transaction of
    C(iptables-restore --noflush) for each IP version. Packets meet the old rules or the new ones, never a part of them.
  - Rules of others are never touched. Without O(rules), a chain is made, and what is in it is left alone.
  - The node's own iptables brings each rule to the form in which it prints it, in a scratch namespace, and that is
    compared with what is there. So every match and target that it knows can be used, nothing is changed twice, and
    what it refuses is refused before anything is touched, with its words and the number of the rule.
  - Where little changes, the other rules of the chain are not touched. Where much changes, the chain is written anew
    with the packets and bytes that its rules have counted; what else a rule remembers (C(quota), C(limit)) then begins
    anew. The legacy backend forgets that at each change of the table.
  - O(state=absent) removes the jumps that are listed, the rules and the chain. It is refused while other rules jump to
    the chain, and names them. A table of the nft backend that is left without any rule is removed with its built-in
    chains.
author:
  - containerland.net contributors (@containerland)
extends_documentation_fragment:
  - containerland.net.attributes
  - containerland.net.attributes.actiongroup_all
requirements:
  - python >= 3.9
  - iptables >= 1.8.4 (on the node)
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_ADMIN), and C(CAP_SYS_ADMIN) to enter
    another namespace and for the scratch namespace that rules are tried in. Where iptables is the legacy one, and
    for rules that refer to a set, it needs C(CAP_NET_RAW) too.'
  - In check mode nothing is changed; RV(plan) and the diff are those that a real run would have. A chain, set or
    namespace that is missing, perhaps because an earlier task would have made it, is then a warning instead of a
    failure.
  - If the kernel refuses a change, what the task had changed before is taken back, and the message says whether
    that succeeded. When all is done, the module looks again and fails if anything differs from what was asked for.
  - Rules of the other backend in the same namespace are a warning, for packets meet both.
  - Another program that holds C(/run/xtables.lock) (legacy backend) is waited for, 30 seconds at most.
  - Rules are split into words as a shell splits them, but within double quotes a backslash also takes a single quote
    literally, because C(iptables-save) writes it so. Control characters are refused everywhere.
seealso:
  - module: containerland.net.ipset
    description: Sets of addresses that rules refer to.
  - module: containerland.net.topology
    description: Many objects in one task, remembered, so that they can be taken away.
  - module: ansible.builtin.iptables
    description: One rule in one task.
options:
  chain:
    description: The name of the chain.
    type: str
    required: true
  table:
    description: The table that it is in.
    type: str
    default: filter
    choices:
      - raw
      - mangle
      - nat
      - filter
      - security
  ip_version:
    description: The IP version. V(both) makes the same chain for each; a rule with C(-4) or C(-6), or with
      its own C(ip_version), is then for that one alone.
    type: str
    default: ipv4
    choices:
      - ipv4
      - ipv6
      - both
  rules:
    description:
      - 'The rules of the chain, in order: it gets exactly these. Without it, the chain is made, and what
        is in it is left alone.'
      - Each is a text, such as C(iptables -A CHAIN) takes, or a dictionary whose options have the same names
        as in M(ansible.builtin.iptables).
      - Chains, sets and other objects that a rule refers to must exist, or be declared in the same topology.
      - Names of hosts are looked up in the files of the node only.
      - C(rule) (str) - The rule as a text; none of the other options then.
      - C(protocol) (str) - The protocol, by name or number (C(-p)). C(!) before it means any but this, as
        elsewhere.
      - C(source) (str) - The source address or prefix (C(-s)).
      - C(destination) (str) - The destination address or prefix (C(-d)).
      - C(in_interface) (str) - The interface that the packet came in by (C(-i)).
      - C(out_interface) (str) - The interface that it leaves by (C(-o)).
      - C(fragment) (bool) - Second and further fragments only (C(-f)).
      - C(match) (list of str) - Matches to load (C(-m)); those that other options need are loaded by themselves.
      - 'C(tcp_flags) (dict) - TCP flags (C(--tcp-flags)). Keys of each: C(flags) (list of str, required)
        - The flags to look at; C(flags_set) (list of str, required) - Those of them that must be set.'
      - C(syn) (str) - Packets that begin a TCP connection, or others (V(negate)).
      - C(source_port) (str) - The source port, or a range V(FIRST:LAST); needs a protocol that has ports.
      - C(destination_port) (str) - The destination port, or a range V(FIRST:LAST).
      - C(destination_ports) (list of str) - Several destination ports or ranges (C(-m multiport)).
      - C(icmp_type) (str) - The type of ICMP or, with C(ip_version=ipv6), of ICMPv6, by name or number.
      - C(ctstate) (list of str) - States of connection tracking, such as V(ESTABLISHED).
      - C(src_range) (str) - A range of source addresses (C(-m iprange)).
      - C(dst_range) (str) - A range of destination addresses (C(-m iprange)).
      - C(match_set) (str) - The name of a set (C(-m set)); see M(containerland.net.ipset).
      - C(match_set_flags) (str) - Which of the packet's addresses and ports to look up; V(src) if nothing
        is said.
      - C(limit) (str) - A rate, such as V(10/minute) (C(-m limit)).
      - C(limit_burst) (str) - How many may exceed the limit at once.
      - C(uid_owner) (str) - The user that sends, by name or number (C(-m owner)).
      - C(gid_owner) (str) - The group that sends, by name or number.
      - C(comment) (str) - A comment.
      - 'C(jump) (str) - The target: a verdict, an extension or a chain (C(-j)).'
      - C(goto) (str) - A chain to go to without coming back to the next rule (C(-g)).
      - C(reject_with) (str) - What to answer; implies C(jump=REJECT).
      - C(log_prefix) (str) - What a logged line begins with; implies C(jump=LOG).
      - C(log_level) (str) - The level of a logged line.
      - C(gateway) (str) - Where C(-j TEE) sends the copy.
      - C(to_destination) (str) - The new destination, for C(-j DNAT).
      - C(to_source) (str) - The new source, for C(-j SNAT).
      - C(to_ports) (str) - The new ports, for C(-j REDIRECT) and C(-j MASQUERADE).
      - C(set_dscp_mark) (str) - The DSCP mark to set; implies C(jump=DSCP).
      - C(set_dscp_mark_class) (str) - The DSCP class to set; implies C(jump=DSCP).
      - C(ip_version) (str) - For which IP version this rule is, in a chain that both have.
    type: list
    elements: raw
  policy:
    description: What happens to packets that reach the end of a chain that is built in.
    type: str
    choices:
      - ACCEPT
      - DROP
  jumps:
    description:
      - From which chains of the table this one is reached. A text is the name of such a chain.
      - Rules of others in those chains are left alone.
      - C(from) (str, required) - The chain that jumps, built in or not.
      - 'C(position) (str) - V(first) means that no rule comes before it whose target is not a chain: so the
        jumps of several owners can be first beside each other. V(last) means that it is added at the end,
        and stays where it is if it is there already. This is the default.'
      - C(before) (raw) - A rule of that chain, as a text or a dictionary like those of C(rules), before which
        it stands. Not together with C(position).
      - 'C(match) (raw) - Which packets jump: a rule without a target, as a text or a dictionary like those
        of C(rules).'
      - C(goto) (bool, default V(false)) - Do not come back to the rule after it (C(-g) instead of C(-j)).
      - C(comment) (str) - A comment on the jump.
    type: list
    elements: raw
  backend:
    description:
      - 'Which of the kernel''s two packet filters: V(nft) (nf_tables) or V(legacy) (x_tables).'
      - 'Without it, that of the node''s own C(iptables). Rules should not be split over both: a packet meets
        the rules of both.'
    type: str
    choices:
      - nft
      - legacy
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
- name: Open the ports of a web server, from one network
  containerland.net.iptables_chain:
    chain: WEB
    rules:
      - -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
      - {protocol: tcp, destination_ports: ["80", "443"], source: 192.0.2.0/24, jump: ACCEPT, comment: office}
      - -j DROP
    jumps:
      - from: INPUT
        position: first
        match: -p tcp -m multiport --dports 80,443

- name: Hide the containers of a network behind the node, whatever the IP version
  containerland.net.iptables_chain:
    table: nat
    chain: SHOP-OUT
    ip_version: both
    rules:
      - -4 -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
      - -6 -s fd00:244::/48 ! -d fd00:244::/48 -j MASQUERADE
    jumps: [POSTROUTING]

- name: Let only established connections and ssh in, taken back after half a minute if the node can no longer be reached
  containerland.net.iptables_chain:
    chain: INPUT
    policy: DROP
    rules:
      - -i lo -j ACCEPT
      - -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
      - -p tcp --dport 22 -j ACCEPT
    confirm_timeout: 30

- name: A chain that others fill, before a rule of others
  containerland.net.iptables_chain:
    chain: PLUGINS
    netns: web1
    jumps:
      - from: FORWARD
        before: -j REJECT --reject-with icmp-port-unreachable

- name: Remove a chain and the jumps to it
  containerland.net.iptables_chain:
    chain: WEB
    jumps:
      - from: INPUT
        match: -p tcp -m multiport --dports 80,443
    state: absent
"""

RETURN = r"""
plan:
  description:
    - What was changed, or would be in check mode, one line for each object, in order; empty if there was nothing to do.
    - In parentheses, what of an existing object changed.
  returned: success
  type: list
  elements: str
  sample:
    - "change iptables_chain 'ipv4 filter WEB' (rules)"
    - "create iptables_jump 'ipv4 filter INPUT -j WEB'"
diff:
  description:
    - The objects of RV(plan) before and after. Of a chain that stays, only the rules that go, come or move, with their
      numbers.
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
      iptables_chain 'ipv4 filter WEB'
        3: -j DROP
    after: |
      iptables_chain 'ipv4 filter WEB'
        3: -s 192.0.2.0/24 -j REJECT --reject-with icmp-port-unreachable
      iptables_jump 'ipv4 filter INPUT -j WEB'
        position first
"""

from ansible_collections.containerland.net.plugins.module_utils._ansible.runner import run


def main() -> None:
    run("iptables_chain")


if __name__ == "__main__":
    main()
