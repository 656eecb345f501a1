# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pyroute2's classes encode for us: through the kernel and back, or through our own decoder."""

from __future__ import annotations

import base64
import errno
import subprocess
import sys
from dataclasses import replace

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import InputError, MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import (
    messages,
    netlink,
    packed,
    rules,
    wireguard,
)

AF_INET, AF_INET6 = 2, 10


def _info(sock: netlink.Socket, name: str) -> dict[str, object]:
    row = packed.parse_link(sock.query(packed.get_link(name))[0])
    return messages.decode_info(row.kind, row.raw)


@pytest.mark.parametrize(
    ("kind", "info", "change"),
    [
        ("bridge", {"IFLA_BR_STP_STATE": 0, "IFLA_BR_AGEING_TIME": 10000}, {"IFLA_BR_FORWARD_DELAY": 400}),
        (
            "vxlan",
            {"IFLA_VXLAN_ID": 5, "IFLA_VXLAN_PORT": 4789, "IFLA_VXLAN_LOCAL": "192.0.2.1"},
            {"IFLA_VXLAN_LEARNING": 0},
        ),
        (
            "vxlan",
            {"IFLA_VXLAN_ID": 6, "IFLA_VXLAN_PORT": 4789, "IFLA_VXLAN_LOCAL6": "2001:db8::1"},
            {"IFLA_VXLAN_LEARNING": 0},
        ),
    ],
)
def test_links(private: None, kind: str, info: dict[str, object], change: dict[str, object]) -> None:
    with netlink.Socket() as sock:
        attributes = [("IFLA_MTU", 1400)]
        create = messages.encode_link("new", kind=kind, info=info.items(), attributes=attributes, create=True)
        assert sock.send([create]) == [None]
        row = packed.parse_link(sock.query(packed.get_link("new"))[0])
        assert (row.kind, row.mtu, row.up) == (kind, 1400, False)
        change_it = messages.encode_link(index=row.index, kind=kind, info=change.items(), up=True)
        assert sock.send([change_it]) == [None]
        found = _info(sock, "new")
        assert {name: found[name] for name in (*info, *change)} == {**info, **change}


def test_macvlan_modes_go_in_as_numbers_and_come_out_as_words(private: None) -> None:
    with netlink.Socket() as sock:
        sock.send([packed.veth_create("parent", "far", index=10)])
        mode = [("IFLA_MACVLAN_MODE", 4)]
        parent = [("IFLA_LINK", 10)]
        create = messages.encode_link("new", kind="macvlan", info=mode, attributes=parent, create=True)
        assert sock.send([create]) == [None]
        assert _info(sock, "new")["IFLA_MACVLAN_MODE"] == "bridge"


def test_bridge_ports(private: None) -> None:
    """Both ways to set a port, read back from both kinds of dump."""
    flags = {"hairpin": "IFLA_BRPORT_MODE", "isolated": "IFLA_BRPORT_ISOLATED"}
    flags["neigh_suppress"] = "IFLA_BRPORT_NEIGH_SUPPRESS"
    with netlink.Socket() as sock:
        setup = [
            messages.encode_link("br0", index=10, kind="bridge", create=True),
            packed.veth_create("a", "b", index=11, peer_index=12, master=10),
            packed.port_set(11, hairpin=True, isolated=True, neigh_suppress=True),
            packed.link_set(12, master=10),
            messages.encode_link(index=12, port=[("IFLA_BRPORT_MODE", 1), ("IFLA_BRPORT_ISOLATED", 1)]),
        ]
        assert sock.send(setup) == [None] * 5
        for request in (packed.dump_links(master=10), packed.dump_links(2, 7)):
            found = {}
            for raw in sock.dump(request):
                port = messages.decode_port(raw)
                found[packed.parse_link(raw).index] = [port.get(name) for name in flags.values()]
            assert found[11] == [1, 1, 1] and found[12] == [1, 1, 0]


def test_vlans_are_sent_as_ranges_and_read_one_by_one() -> None:
    vlans = [
        messages.Vlan(1, pvid=True, untagged=True),
        *map(messages.Vlan, (5, 6, 7, 9)),
        messages.Vlan(10, False, True),
    ]
    raw = messages.encode_vlans(3, reversed(vlans))
    assert messages.decode_vlans(raw) == tuple(vlans)
    # As `bridge vlan add` sends them: a single VID, a begin and an end, two single ones.
    assert raw[36:] == bytes.fromhex(
        "08000200 06000100 08000200 08000500 08000200 10000700 08000200 00000900 08000200 04000a00"
    )
    assert messages.encode_vlans(3, [messages.Vlan(5)], itself=True)[36:44] == bytes.fromhex("06000000 02000000")


RULES = [
    rules.RuleSpec(AF_INET, 100, table=1000, source="10.0.0.0/8", destination="192.0.2.1/32"),
    rules.RuleSpec(AF_INET, 101, table=100, fwmark=0x10, fwmask=0xFF, invert=True, tos=8),
    rules.RuleSpec(AF_INET, 102, action=rules.FR_ACT_UNREACHABLE, iif="eth0", oif="eth1"),
    rules.RuleSpec(AF_INET6, 103, table=254, source="2001:db8::/32", ip_proto=6, sport=(1, 9), dport=(80, 80)),
    rules.RuleSpec(AF_INET, 104, action=rules.FR_ACT_PROHIBIT, uid_range=(0, 0)),
    rules.RuleSpec(AF_INET, 105, table=254, suppress_prefixlength=0, suppress_ifgroup=3),
    rules.RuleSpec(AF_INET, 106, action=rules.FR_ACT_GOTO, goto=32766),
    rules.RuleSpec(AF_INET6, 107, action=rules.FR_ACT_BLACKHOLE, protocol=4),
]


@pytest.mark.parametrize("spec", RULES, ids=lambda spec: str(spec.priority))
def test_rules(private: None, spec: rules.RuleSpec) -> None:
    def observed() -> list[rules.RuleSpec]:
        found = [rules.decode_rule(raw) for raw in sock.dump(rules.dump_rules(spec.family))]
        return [rule for rule in found if rule.priority == spec.priority]

    with netlink.Socket() as sock:
        assert sock.send([rules.encode_rule(spec)]) == [None]
        assert observed() == [replace(spec, protocol=spec.protocol or 0)]
        assert [error and error.errno for error in sock.send([rules.encode_rule(spec)])] == [errno.EEXIST]
        assert sock.send([rules.encode_rule_delete(spec)]) == [None]
        assert observed() == []


def _key(number: int) -> str:
    return base64.b64encode(number.to_bytes(32, "big")).decode()


def test_wireguard_requests_say_what_was_asked() -> None:
    """The kernel replies in the format that it takes, so our decoder can read our own requests."""
    peers = (
        wireguard.Peer(_key(1), _key(2), ("192.0.2.1", 51820), 25, ("10.0.0.0/8", "2001:db8::/32")),
        wireguard.Peer(_key(3), endpoint=("2001:db8::1", 1)),
    )
    device = wireguard.Device(_key(9), listen_port=51820, fwmark=1, peers=peers)
    (request,) = wireguard.set_device(30, 7, device, exact_peers=True)
    assert wireguard.decode_device([request]) == device
    assert request[4:6] == b"\x1e\0" and request[16:18] == b"\1\1"
    assert _key(9) not in repr(device) and _key(2) not in repr(device)


def test_wireguard_splits_what_does_not_fit_one_message() -> None:
    many = tuple(f"10.{number >> 8}.{number & 255}.0/24" for number in range(3000))
    peers = (wireguard.Peer(_key(1), allowed_ips=many), *(wireguard.Peer(_key(n)) for n in range(2, 500)))
    device = wireguard.Device(listen_port=1, peers=peers)
    requests = wireguard.set_device(30, 7, device)
    assert len(requests) > 3 and max(map(len, requests)) < 65536
    assert wireguard.decode_device(requests) == device


@pytest.mark.parametrize("key", ["", "secret", base64.b64encode(bytes(31)).decode(), "é" * 44])
def test_a_wrong_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InputError) as caught:
        wireguard.set_device(30, 7, wireguard.Device(private_key=key))
    assert not key or key not in str(caught.value)


def test_unknown_attributes_are_refused_rather_than_dropped() -> None:
    with pytest.raises(MissingError, match="IFLA_VXLAN_FUTURE"):
        messages.encode_link("x", kind="vxlan", info=[("IFLA_VXLAN_FUTURE", 1)])
    with pytest.raises(MissingError, match="kind 'future'"):
        messages.encode_link("x", kind="future", info=[("IFLA_FUTURE_ID", 1)])
    with pytest.raises(InputError, match="IFLA_MTU"):
        messages.encode_link("x", attributes=[("IFLA_MTU", "many")])


def test_without_pyroute2_it_says_so() -> None:
    code = (
        f"from {messages.__name__.rpartition('.')[0]} import messages\n"
        "try: messages.encode_link('x')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if not path.endswith("-packages"))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("MissingError this needs the Python library pyroute2")
