# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges (ip-link(8), bridge(8))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...canonical import integer
from ...errors import KernelError
from ...fields import Field
from ...kernel import bridge
from ..base import Declarable, Place
from ..link_options import COMMON, PORTS, declare_link, declare_ports
from ..link_type import Attribute, LinkType, flag

# The kernel counts these in hundredths of a second (USER_HZ); people count in seconds.
_CENTI = 100


def _seconds(nla: str) -> Attribute:
    return Attribute(nla, encode=lambda s: s * _CENTI, decode=lambda c: c // _CENTI)


def _configure(node: Any, netns: str, name: str, values: Mapping[str, Any]) -> None:
    message = bridge.set_linklocal_learning(node.index(netns, name), values["linklocal_learning"])
    for problem in node.socket(netns).send([message]):
        if problem is not None:
            raise KernelError(problem.errno, f"set linklocal_learning of bridge '{name}'", problem.words)


def _inspect(node: Any, netns: str, name: str) -> dict[str, Any]:
    for row in node.links(netns):
        if row.name == name:
            return {"linklocal_learning": bridge.linklocal_learning(row.info_data)}
    return {}


def _same(option: str, desired: Any, observed: Any) -> bool:
    """Kernels before 5.0 cannot be told, and always learn."""
    return bool(desired == observed) or (option == "linklocal_learning" and observed is None)


TYPE = LinkType(
    "bridge",
    "a bridge",
    fields={
        "stp": Field("bool", "Whether it runs the spanning tree protocol."),
        "vlan_filtering": Field("bool", "Whether ports have VLANs."),
        "vlan_default_pvid": Field(
            "int",
            "The VLAN of untagged frames on ports that say nothing else; 0 for none. "
            "It can change while O(vlan_filtering) is off.",
            check=integer(0, 4094),
        ),
        "ageing_time": Field(
            "int", "Seconds after which a learned MAC address is forgotten.", check=integer(0, 1000000)
        ),
        "forward_delay": Field(
            "int",
            "Seconds in the listening and learning states; with STP between 2 and 30.",
            check=integer(0, 30),
        ),
        "mcast_snooping": Field("bool", "Whether multicast goes only where it was asked for."),
        "linklocal_learning": Field(
            "bool",
            "Whether the source of frames to link-local MAC addresses (LLDP and such) is learned, although nothing "
            "passes them on and no packet filter sees them. Kernels before 5.0 always do.",
        ),
    },
    attributes={
        "stp": flag("IFLA_BR_STP_STATE"),
        "vlan_filtering": flag("IFLA_BR_VLAN_FILTERING"),
        "vlan_default_pvid": Attribute("IFLA_BR_VLAN_DEFAULT_PVID"),
        "ageing_time": _seconds("IFLA_BR_AGEING_TIME"),
        "forward_delay": _seconds("IFLA_BR_FORWARD_DELAY"),
        "mcast_snooping": flag("IFLA_BR_MCAST_SNOOPING"),
    },
    configure=_configure,
    inspect=_inspect,
    same=_same,
)


class BridgeDeclaration(Declarable):
    name = "bridge"
    fields = {**COMMON, **TYPE.fields, **PORTS}

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns = place.at(options)
        declare_link(options, path, place, netns, {"kind": "bridge", **TYPE.own(options)})
        if options["state"] == "present":
            declare_ports(options, path, place, netns)
