# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a rule that is written as a dictionary: those of ansible.builtin.iptables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import InputError
from ..fields import Field, Fields
from .iptables_rule import from_line, from_options, split

_TCP_FLAGS: Fields = {
    "flags": Field("list", "The flags to look at.", required=True, elements="str"),
    "flags_set": Field("list", "Those of them that must be set.", required=True, elements="str"),
}
RULE: Fields = {
    "rule": Field("str", "The rule as a text; none of the other options then."),
    "protocol": Field(
        "str", "The protocol, by name or number (C(-p)). C(!) before it means any but this, as elsewhere."
    ),
    "source": Field("str", "The source address or prefix (C(-s))."),
    "destination": Field("str", "The destination address or prefix (C(-d))."),
    "in_interface": Field("str", "The interface that the packet came in by (C(-i))."),
    "out_interface": Field("str", "The interface that it leaves by (C(-o))."),
    "fragment": Field("bool", "Second and further fragments only (C(-f))."),
    "match": Field(
        "list", "Matches to load (C(-m)); those that other options need are loaded by themselves.", elements="str"
    ),
    "tcp_flags": Field("dict", "TCP flags (C(--tcp-flags)).", fields=_TCP_FLAGS),
    "syn": Field(
        "str", "Packets that begin a TCP connection, or others (V(negate)).", choices=("ignore", "match", "negate")
    ),
    "source_port": Field("str", "The source port, or a range V(FIRST:LAST); needs a protocol that has ports."),
    "destination_port": Field("str", "The destination port, or a range V(FIRST:LAST)."),
    "destination_ports": Field("list", "Several destination ports or ranges (C(-m multiport)).", elements="str"),
    "icmp_type": Field("str", "The type of ICMP or, with C(ip_version=ipv6), of ICMPv6, by name or number."),
    "ctstate": Field("list", "States of connection tracking, such as V(ESTABLISHED).", elements="str"),
    "src_range": Field("str", "A range of source addresses (C(-m iprange))."),
    "dst_range": Field("str", "A range of destination addresses (C(-m iprange))."),
    "match_set": Field("str", "The name of a set (C(-m set)); see M(containerland.net.ipset)."),
    "match_set_flags": Field(
        "str",
        "Which of the packet's addresses and ports to look up; V(src) if nothing is said.",
        choices=("src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"),
    ),
    "limit": Field("str", "A rate, such as V(10/minute) (C(-m limit))."),
    "limit_burst": Field("str", "How many may exceed the limit at once."),
    "uid_owner": Field("str", "The user that sends, by name or number (C(-m owner))."),
    "gid_owner": Field("str", "The group that sends, by name or number."),
    "comment": Field("str", "A comment."),
    "jump": Field("str", "The target: a verdict, an extension or a chain (C(-j))."),
    "goto": Field("str", "A chain to go to without coming back to the next rule (C(-g))."),
    "reject_with": Field("str", "What to answer; implies C(jump=REJECT)."),
    "log_prefix": Field("str", "What a logged line begins with; implies C(jump=LOG)."),
    "log_level": Field("str", "The level of a logged line."),
    "gateway": Field("str", "Where C(-j TEE) sends the copy."),
    "to_destination": Field("str", "The new destination, for C(-j DNAT)."),
    "to_source": Field("str", "The new source, for C(-j SNAT)."),
    "to_ports": Field("str", "The new ports, for C(-j REDIRECT) and C(-j MASQUERADE)."),
    "set_dscp_mark": Field("str", "The DSCP mark to set; implies C(jump=DSCP)."),
    "set_dscp_mark_class": Field("str", "The DSCP class to set; implies C(jump=DSCP)."),
    "ip_version": Field(
        "str", "For which IP version this rule is, in a chain that both have.", choices=("ipv4", "ipv6", "both")
    ),
}


class Given(NamedTuple):
    """A rule as it was written, before the node brought it to its own form.

    Attributes:
        families: those that it is for.
        text: in the notation of iptables-restore.
        path: where it was written.
    """

    families: frozenset[str]
    text: str
    path: str


def given_rule(options: Mapping[str, Any], chain: str, path: str) -> Given:
    """A rule of a chain.

    Raises:
        InputError: with the path.
    """
    try:
        if "rule" in options:
            if len(options) > 1:
                other = next(name for name in options if name != "rule")
                raise ValueError(f"the text says all; leave {other} out")
            return Given(*from_line(options["rule"], chain), path)
        return Given(*from_options(options), path)
    except ValueError as problem:
        raise InputError(path, str(problem)) from None


def given_match(options: Mapping[str, Any], path: str) -> tuple[frozenset[str], str]:
    """What a jump is for: a rule without a target.

    Raises:
        InputError: with the path.
    """
    given = given_rule(options, "", path)
    words = [word for word, quoted in split(given.text) if not quoted]
    if any(word in words for word in ("-j", "--jump", "-g", "--goto")):
        raise InputError(path, "has a target of its own; the jump leads to this chain")
    return given.families, given.text
