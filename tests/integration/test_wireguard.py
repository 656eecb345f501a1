# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard, of which ip(8) says nothing: what the kernel has is read from its netlink messages, and by ping."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import wireguard
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.netlink import NETLINK_GENERIC
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.node import Node

from tests.integration.support.kernel import said, same, sh, snapshot
from tests.integration.support.run import Options, apply, run_module

pytestmark = pytest.mark.other_kernel("wireguard")


def key(seed: int) -> str:
    """Not in the form that wg genkey gives private keys: RFC 7748 makes every 32 bytes one."""
    return base64.b64encode(bytes([seed]) * 32).decode()


PSK = key(0x51)
# Public keys: any will do for a peer that is never spoken to.
ONE = {"public_key": key(0x11), "allowed_ips": ["10.8.1.0/24", "fd08:1::/64"], "endpoint": "192.0.2.1:51820"}
TWO = {"public_key": key(0x22), "allowed_ips": ["10.8.2.0/24"], "preshared_key": PSK, "persistent_keepalive": 25}
BARE = {"public_key": key(0x33)}
OPTIONS = {"name": "wg0", "kind": "wireguard", "private_key": key(0xA1), "listen_port": 51820, "fwmark": 7}
FULL = {**OPTIONS, "peers": [TWO, BARE, ONE], "addresses": ["10.8.0.1/24"]}


def device(netns: str = "", name: str = "wg0") -> wireguard.Device:
    with Node() as node:
        socket = node.socket(netns, NETLINK_GENERIC)
        request = wireguard.get_device(socket.family(wireguard.FAMILY), node.index(netns, name))
        return wireguard.decode_device(socket.dump(request))


def peers() -> dict[str, wireguard.Peer]:
    return {peer.public_key: peer for peer in device().peers}


def change(options: Options) -> Report:
    """Check mode, the change, and that a second run finds nothing to do. Returns the change's report."""
    links, before = said("ip link show"), device() if said("ip link show wg0") else None
    foretold = apply("link", options, check=True)
    assert said("ip link show") == links, "check mode changed something"
    assert (device() if before else None) == before, "check mode changed something"
    done = apply("link", options)
    assert done.changed and done.plan.lines() == foretold.plan.lines()
    assert done.plan.diff() == foretold.plan.diff()
    after = device()
    again = apply("link", options)
    assert not again.changed, f"the second run changes again: {again.plan.lines()} {again.plan.diff()}"
    assert device() == after
    return done


def test_create_and_remove() -> None:
    before = snapshot()
    done = change(FULL)
    assert done.plan.lines()[0] == "create wireguard 'wg0'"
    found = device()
    assert (found.listen_port, found.fwmark) == (51820, 7)
    assert found.private_key is not None and found.public_key is not None
    assert peers() == {
        ONE["public_key"]: wireguard.Peer(
            key(0x11), endpoint=("192.0.2.1", 51820), keepalive=0, allowed_ips=peers()[key(0x11)].allowed_ips
        ),
        TWO["public_key"]: wireguard.Peer(key(0x22), PSK, keepalive=25, allowed_ips=("10.8.2.0/24",)),
        BARE["public_key"]: wireguard.Peer(key(0x33), keepalive=0),
    }
    assert set(peers()[key(0x11)].allowed_ips) == set(ONE["allowed_ips"])
    assert said("ip -4 address show wg0", "addr_info.local") == ["10.8.0.1"]
    assert apply("link", {"name": "wg0", "state": "absent"}, check=True).changed
    assert said("ip link show wg0")
    assert apply("link", {"name": "wg0", "state": "absent"}).changed
    assert not apply("link", {"name": "wg0", "state": "absent"}).changed
    same(snapshot(), before, "something was left behind")


CHANGES: dict[str, tuple[Options, Options]] = {
    "private key": ({"private_key": key(0xA2)}, {}),
    "port": ({"listen_port": 51821}, {"listen_port": 51821}),
    "mark": ({"fwmark": 0}, {"fwmark": None}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_in_place(name: str) -> None:
    more, wanted = CHANGES[name]
    change(FULL)
    number, before = said("ip link show wg0", "ifindex"), device()
    change({**FULL, **more})
    found = device()
    assert said("ip link show wg0", "ifindex") == number
    assert found != before and set(found.peers) == set(before.peers)
    assert {name: getattr(found, name) or None for name in wanted} == wanted


PEERS: dict[str, list[dict[str, Any]]] = {
    "one goes": [ONE, BARE],
    "one comes": [ONE, TWO, BARE, {"public_key": key(0x44), "allowed_ips": ["10.8.4.0/24"]}],
    "all others": [{"public_key": key(0x44), "allowed_ips": ["10.8.1.0/24"]}],
    "none": [],
    "prefixes": [{**ONE, "allowed_ips": ["10.8.7.0/24"]}, TWO, BARE],
    "a prefix goes from one to the other": [
        {**ONE, "allowed_ips": ["fd08:1::/64"]},
        {**TWO, "allowed_ips": ["10.8.1.0/24", "10.8.2.0/24"]},
        BARE,
    ],
    "endpoint": [{**ONE, "endpoint": "[2001:db8::1]:4000"}, TWO, BARE],
    "endpoint in another writing": [{**ONE, "endpoint": "[2001:DB8:0::1]:4000"}, TWO, BARE],
    "keepalive": [ONE, {**TWO, "persistent_keepalive": 0}, BARE],
    "preshared key": [ONE, {**TWO, "preshared_key": key(0x52)}, BARE],
}


@pytest.mark.parametrize("name", PEERS)
def test_change_peers(name: str) -> None:
    change(FULL)
    number = said("ip link show wg0", "ifindex")
    change({**FULL, "peers": PEERS[name]})
    assert said("ip link show wg0", "ifindex") == number
    found = peers()
    assert sorted(found) == sorted(peer["public_key"] for peer in PEERS[name])
    for peer in PEERS[name]:
        assert set(found[peer["public_key"]].allowed_ips) == set(peer.get("allowed_ips", ()))


def test_what_is_not_named_stays() -> None:
    change(FULL)
    before = device()
    assert not apply("link", {"name": "wg0", "kind": "wireguard"}).changed
    assert not apply("link", {**OPTIONS, "peers": [BARE, ONE, TWO]}).changed, "the order of peers is no change"
    assert device() == before


def test_many_peers_and_prefixes() -> None:
    """More than fit one message, one way or the other."""
    many = [
        {
            "public_key": base64.b64encode(number.to_bytes(32, "big")).decode(),
            "allowed_ips": [f"10.{number}.{third}.0/24" for third in range(250 if number == 1 else 4)],
        }
        for number in range(1, 200)
    ]
    change({**OPTIONS, "peers": many})
    assert len(peers()) == 199
    assert sorted(len(peer.allowed_ips) for peer in device().peers) == [4] * 198 + [250]


def test_no_secret_is_shown() -> None:
    secrets = {OPTIONS["private_key"], PSK, key(0x52)}
    made = run_module("link", FULL, diff=True)
    assert made["changed"]
    changed = [{**TWO, "preshared_key": key(0x52)}, ONE]
    for options in ({**FULL, "peers": changed}, {**OPTIONS, "private_key": key(0xA2), "listen_port": 51822}):
        result = run_module("link", options, diff=True)
        assert result["changed"] and ("peers" in options or "listen_port" in str(result["diff"]))
        shown = str({name: value for name, value in result.items() if name != "invocation"})
        assert not [secret for secret in {*secrets, device().private_key, key(0xA2)} if str(secret) in shown]


def test_bad_values_are_refused_without_being_shown() -> None:
    short = base64.b64encode(b"x" * 31).decode()
    for more, word in (
        ({"private_key": short}, "private_key"),
        ({"peers": [{"public_key": short}]}, "public_key"),
        ({"peers": [{**BARE, "preshared_key": short}]}, "preshared_key"),
        ({"peers": [{**BARE, "endpoint": "example.org:1"}]}, "endpoint"),
        ({"peers": [{**BARE, "endpoint": "192.0.2.1"}]}, "endpoint"),
        ({"peers": [{**BARE, "allowed_ips": ["10.0.0.1/24"]}]}, "allowed_ips"),
        ({"peers": [{**BARE, "persistent_keepalive": 65536}]}, "persistent_keepalive"),
        ({"listen_port": 65536}, "listen_port"),
    ):
        with pytest.raises(ContainerlandError, match=word) as problem:
            apply("link", {**OPTIONS, **more})
        assert short not in str(problem.value)
    assert said("ip link show wg0") == []


UNDERLAY = """
ip netns add left
ip netns add right
ip -n left link add u0 type veth peer name u0 netns right
ip -n left address add 192.0.2.1/24 dev u0
ip -n right address add 192.0.2.2/24 dev u0
ip -n left link set u0 up
ip -n right link set u0 up
"""
SIDES = {"left": ("192.0.2.1", "10.8.0.1", 0xA1), "right": ("192.0.2.2", "10.8.0.2", 0xB1)}


def side(netns: str, peer: str, **more: Any) -> dict[str, Any]:
    """The options of one end, given that the links exist: the kernel tells the public keys."""
    there, inside, _seed = SIDES[peer]
    public = device(peer).public_key
    known = {"public_key": public, "allowed_ips": [f"{inside}/32"], "endpoint": f"{there}:51820", "preshared_key": PSK}
    return {**bare_side(netns), "peers": [{**known, **more}]}


def bare_side(netns: str) -> dict[str, Any]:
    _there, inside, seed = SIDES[netns]
    base = {"name": "wg0", "netns": netns, "kind": "wireguard", "listen_port": 51820}
    return {**base, "private_key": key(seed), "addresses": [f"{inside}/24"]}


def pings() -> bool:
    return "yes" in sh("ip netns exec left ping -c 1 -W 5 10.8.0.2 >/dev/null && echo yes || echo no")


def test_two_namespaces_talk_through_the_tunnel() -> None:
    sh(UNDERLAY)
    for netns in SIDES:
        apply("link", bare_side(netns))
    assert not pings()
    apply("link", side("left", "right"))
    apply("link", side("right", "left"))
    assert pings()
    assert not apply("link", side("left", "right")).changed
    apply("link", side("right", "left", preshared_key=key(0x52)))
    assert not pings(), "the two ends have different preshared keys"
    apply("link", side("left", "right", preshared_key=key(0x52)))
    assert pings()
    apply("link", side("left", "right", preshared_key=key(0x52), allowed_ips=["10.9.0.0/24"]))
    assert not pings(), "the prefix is no longer that peer's"
