# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake kernel's namespaces and links."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.errors import MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.link import PORT_FLAGS
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.link_type import absent_value
from ansible_collections.containerland.net.plugins.module_utils._core.kinds.types.registry import TYPES
from ansible_collections.containerland.net.plugins.module_utils._core.model import Key, Step

Values = dict[str, Any]
SYSCTLS = {"net/ipv4/ip_forward": "0", "net/ipv4/conf/all/rp_filter": "0", "net/ipv6/conf/all/forwarding": "0"}
LINK_SYSCTLS = {"net/ipv4/conf/{}/rp_filter": "0", "net/ipv4/conf/{}/proxy_arp": "0"}
KERNEL_DEFAULTS = {
    "bridge": {"vlan_default_pvid": 1, "ageing_time": 300, "forward_delay": 15, "mcast_snooping": True},
    "vxlan": {"port": 8472, "learning": True, "ttl": 0, "tos": 0, "udp_checksum": True},
    "vlan": {"vlan_protocol": "802.1Q"},
    "macvlan": {"mode": "vepa"},
    "ipvlan": {"mode": "l3"},
    "geneve": {"port": 6081, "ttl": 0, "tos": 0},
    "bond": {"bond_mode": "balance-rr", "miimon": 0},
    "wireguard": {"private_key": None, "listen_port": 0, "fwmark": 0, "peers": ()},
}
TUNNELS = {kind: {"ttl": 0, "tos": 0} for kind in ("gre", "gretap", "ipip", "sit")}


class FakeLinks:
    """Namespaces and what is in them; `objects` holds all that can be set, by key."""

    def __init__(self) -> None:
        self.objects: dict[Key, Values] = {}
        self.namespaces: set[str] = set()
        self._macs = 0
        self._open("")

    def links(self, netns: str | None = None) -> Iterator[tuple[Key, Values]]:
        found = [(k, v) for k, v in self.objects.items() if k.kind == "link" and netns in (None, k.netns)]
        yield from found

    # -- namespaces

    def _open(self, ref: str) -> None:
        self.namespaces.add(ref)
        self._new_link(Key("link", ref, ("lo",)), {"mtu": 65536, "mac": "00:00:00:00:00:00"})
        for name, value in SYSCTLS.items():
            self.objects[Key("sysctl", ref, (name,))] = {"value": value}
        for family, rules in {"ipv4": {0: 255, 32766: 254, 32767: 253}, "ipv6": {0: 255, 32766: 254}}.items():
            for priority, table in rules.items():
                values = {"family": family, "priority": priority, "action": "lookup", "table": table, "invert": False}
                ident = (family, str(priority), "action=lookup", f"table={table}")
                self.objects[Key("rule", ref, ident)] = values

    def _netns_add(self, step: Step) -> None:
        if step.key in self.objects:
            raise OSError(errno.EEXIST, "")
        self.objects[step.key] = {}
        self._open(step.key.ident[0])

    def _netns_delete(self, step: Step) -> None:
        if self.objects.pop(step.key, None) is None:
            raise OSError(errno.ENOENT, "")
        ref = step.key.ident[0]
        for key, values in list(self.links(ref)):
            if key in self.objects and values["kind"]:
                self._drop_link(key)
        for key in [key for key in self.objects if key.netns == ref]:
            del self.objects[key]
        self.namespaces.discard(ref)

    # -- links

    def _new_link(self, key: Key, values: Mapping[str, Any]) -> None:
        kind = values.get("kind", "")
        whole: Values = {"kind": kind, "mac": self._mac(), "mtu": 1500, "master": "", "txqueuelen": 1000}
        whole.update({"group": 0, "alias": "", "up": False, "addrgenmode": "eui64"})
        if kind in TYPES:
            whole.update({n: absent_value(f) for n, f in TYPES[kind].fields.items()})
        whole.update(KERNEL_DEFAULTS.get(kind, TUNNELS.get(kind, {})))
        if (kind in TYPES and TYPES[kind].parent) or "parent_netns" in values:
            whole["parent_netns"] = key.netns
        whole.update(values)
        whole["master"] = ""
        self.objects[key] = whole
        for name, value in LINK_SYSCTLS.items():
            self.objects[Key("sysctl", key.netns, (name.format(*key.ident),))] = {"value": value}
        if values.get("master"):
            self._enslave(key, values["master"])

    def _mac(self) -> str:
        self._macs += 1
        return f"02:00:00:00:{self._macs >> 8:02x}:{self._macs & 255:02x}"

    def _need(self, netns: str, name: str) -> Values:
        found = self.objects.get(Key("link", netns, (name,)))
        if found is None:
            raise OSError(errno.ENODEV, "")
        return found

    def _link_add(self, step: Step) -> None:
        key, values, partner = step.key, step.values, step.partner
        if key in self.objects or (partner is not None and partner.key in self.objects):
            raise OSError(errno.EEXIST, "")
        origin = values.get("parent_netns", key.netns)
        if origin not in self.namespaces or (partner is not None and partner.key.netns not in self.namespaces):
            raise MissingError("there is no such namespace")
        for name in (values.get("parent"), values.get("device")):
            if name:
                self._need(origin, name)
        if values.get("master"):
            self._need(key.netns, values["master"])
        if values["kind"] == "vxlan":
            self._refuse_same_tunnel(values, origin)
        ends = [step.resource] if partner is None else [step.resource, partner]
        for end in ends:
            sent = ("kind", "peer", "parent", "parent_netns", "mac", "mtu", "txqueuelen", "group")
            names = (*sent, *TYPES[values["kind"]].attributes, *(("master",) if end is step.resource else ()))
            self._new_link(end.key, {n: end.values[n] for n in names if end.values.get(n) is not None})
        if values["kind"] == "vxlan" and values.get("remote"):
            ident = (key.ident[0], "00:00:00:00:00:00", "self", "", values["remote"])
            self.objects[Key("fdb", key.netns, ident)] = self._fdb_values({"destination": values["remote"]})

    def _refuse_same_tunnel(self, values: Mapping[str, Any], origin: str) -> None:
        mine = (values.get("vni"), values.get("port", 8472), origin)
        for key, other in self.links():
            theirs = (other.get("vni"), other.get("port"), other.get("parent_netns", key.netns))
            if other["kind"] == "vxlan" and mine == theirs:
                raise OSError(errno.EEXIST, "")

    def _link_set(self, step: Step) -> None:
        key, values = step.key, step.values
        have = self._need(key.netns, key.ident[0])
        kind = TYPES.get(have["kind"])
        if kind is not None and kind.immutable(n for n in values if have.get(n) != values[n]):
            raise OSError(errno.EOPNOTSUPP, "")
        if any(name in values for name in (*PORT_FLAGS, "vlans")) and not have["master"]:
            raise OSError(errno.EOPNOTSUPP, "")
        if values.get("master"):
            self._need(key.netns, values["master"])
        have.update({n: v for n, v in values.items() if n not in ("master", "up", "kind", "peer")})
        if "master" in values and values["master"] != have["master"]:
            self._release(key)
            if values["master"]:
                self._enslave(key, values["master"])
        if "up" in values:
            self._raise(key, values["up"])

    def _enslave(self, key: Key, master: str) -> None:
        have = self.objects[key]
        have["master"] = master
        if self._need(key.netns, master)["kind"] == "bridge":
            have.update(dict.fromkeys(PORT_FLAGS, False), vlans=((1, True, True),))

    def _release(self, key: Key) -> None:
        have = self.objects[key]
        have["master"] = ""
        for name in (*PORT_FLAGS, "vlans"):
            have.pop(name, None)
        for entry in [k for k in self._on(key, "fdb") if k.ident[2] == "master"]:
            del self.objects[entry]

    def _raise(self, key: Key, up: bool) -> None:
        """A link that goes down loses its IPv6 addresses, routes and neighbours (addrconf_ifdown, fib_disable_ip)."""
        self.objects[key]["up"] = up
        if not up:
            for gone in [k for k in self._on(key, "address") if ":" in k.ident[1]] + self._on(key, "neighbor"):
                del self.objects[gone]
            self._drop_routes(key)

    def _on(self, link: Key, kind: str) -> list[Key]:
        return [k for k in self.objects if k[:2] == (kind, link.netns) and k.ident[0] == link.ident[0]]

    def _drop_routes(self, link: Key) -> None:
        for key, values in list(self.objects.items()):
            hops = values.get("nexthops", ()) if key[:2] == ("route", link.netns) else ()
            if any(hop["device"] == link.ident[0] for hop in hops):
                del self.objects[key]

    def _link_delete(self, step: Step) -> None:
        if not self._need(step.key.netns, step.key.ident[0])["kind"]:
            raise OSError(errno.EOPNOTSUPP, "")
        self._drop_link(step.key)

    def _drop_link(self, key: Key) -> None:
        del self.objects[key]
        self._drop_what_is_on(key)
        for other, have in list(self.links()):
            if have.get("peer") == (key.netns, key.ident[0]) or self._sits_on(have, other, key):
                if other in self.objects:
                    self._drop_link(other)
            elif have["master"] == key.ident[0] and other.netns == key.netns:
                self._release(other)

    def _sits_on(self, have: Values, key: Key, parent: Key) -> bool:
        return (have.get("parent"), have.get("parent_netns", key.netns)) == (parent.ident[0], parent.netns)

    def _drop_what_is_on(self, key: Key) -> None:
        for kind in ("address", "neighbor", "fdb"):
            for gone in self._on(key, kind):
                del self.objects[gone]
        self._drop_routes(key)
        for name in LINK_SYSCTLS:
            self.objects.pop(Key("sysctl", key.netns, (name.format(*key.ident),)), None)

    def _link_move(self, step: Step) -> None:
        old, new = step.change.before.key if step.change.before else step.key, step.key
        have = self._need(old.netns, old.ident[0])
        if new in self.objects and new != old:
            raise OSError(errno.EEXIST, "")
        if old.ident[0] == "lo":
            raise OSError(errno.EINVAL, "")
        self._raise(old, False)
        kept = [(k, self.objects.pop(k)) for k in self._on(old, "address")] if new.netns == old.netns else []
        if new.netns != old.netns:
            self._release(old)
        self._drop_what_is_on(old)
        master = have["master"]
        self.objects.pop(old)
        self._new_link(new, {**have, "master": ""})
        self.objects[new].update({n: v for n, v in have.items() if n not in ("up",)}, up=False, master=master)
        for key, values in kept:
            self.objects[Key("address", new.netns, (new.ident[0], key.ident[1]))] = values
        for key, other in self.links():
            if other.get("peer") == (old.netns, old.ident[0]):
                other["peer"] = (new.netns, new.ident[0])
            if self._sits_on(other, key, old):
                other.update(parent=new.ident[0], parent_netns=new.netns)
            if other["master"] == old.ident[0] and key.netns == old.netns:
                other["master"] = new.ident[0] if new.netns == old.netns else ""

    def _fdb_values(self, values: Mapping[str, Any]) -> Values:
        none = {"destination": "", "vni": None, "port": None, "via": None, "fdb_state": "permanent"}
        return {**none, **values}
