# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of source guards: as declared, repaired, taken away. With packets: molecule/firewall."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import declare
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, KernelError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import nft_tables, source_guard

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply, breaking

MAC = "0a:58:0a:01:00:{:02x}"
FOREIGN = """
nft add table bridge foreign
nft add chain bridge foreign c '{ type filter hook prerouting priority 0; policy accept; }'
nft add rule bridge foreign c ether saddr 02:00:00:00:00:01 drop
nft add table ip foreign
nft add set ip foreign s '{ type ipv4_addr; elements = { 192.0.2.1 }; }'
"""


def port(number: int, **options: Any) -> dict[str, Any]:
    peer = {"name": f"p{number}", "mac": MAC.format(number), "addresses": [f"10.1.0.{number}/24"]}
    return {"name": f"v{number}", "master": "br0", "source_guard": True, "peer": peer, **options}


def topology(*ports: dict[str, Any], peers: tuple[str, ...] = (), name: str = "t") -> dict[str, Any]:
    listed = [{"underlay": peer} for peer in peers]
    vxlan = [{"name": "vx0", "vni": 7, "peers": listed, "source_guard": True}] if peers else []
    return {"name": name, "bridge": [{"name": "br0"}], "veth": list(ports), "vxlan": vxlan}


def lines(declared: dict[str, Any], **how: Any) -> list[str]:
    return [line for line in apply("topology", declared, **how).plan.lines() if "_guard" in line]


def tables() -> str:
    return sh("nft --stateless list ruleset")


def test_made_as_predicted_kept_and_taken_away() -> None:
    sh(FOREIGN)
    foreign = tables()
    declared = topology(port(1), port(2, source_addresses=["10.9.0.1", "fd00::1"]), peers=("192.0.2.1", "192.0.2.2"))
    predicted = apply("topology", declared, check=True).plan
    assert tables() == foreign
    done = apply("topology", declared).plan
    assert (done.lines(), done.diff()) == (predicted.lines(), predicted.diff())
    assert [line for line in done.lines() if "_guard" in line] == [
        "create port_guard 'v1'",
        "create port_guard 'v2'",
        "create tunnel_guard 'vx0'",
    ]
    assert (
        "port_guard 'v2'\n  mac: 0a:58:0a:01:00:02\n  addresses: 10.1.0.2, 10.9.0.1, fd00::1, fe80::858:aff:fe01:2\n"
        in (done.diff()["after"])
    )
    assert "  peers: 192.0.2.1, 192.0.2.2\n" in done.diff()["after"]
    assert not apply("topology", declared).changed
    assert set(foreign.splitlines()) < set(tables().splitlines())
    assert apply("topology", {"name": "t", "state": "absent"}).changed
    assert tables() == foreign


def test_changed_in_place() -> None:
    """Ports come, go and change while the table stays: who is not concerned is never without a guard."""
    apply("topology", topology(port(1), port(2), peers=("192.0.2.1",)))
    handle = "nft --handle list table bridge containerland | grep 'chain ports'"
    before = sh(handle)
    peer = {"name": "p2", "mac": MAC.format(2), "addresses": ["10.1.0.22/24"], "exact_addresses": True}
    assert lines(topology(port(2, peer=peer), port(3), peers=("192.0.2.2",))) == [
        "change port_guard 'v2' (addresses)",
        "create port_guard 'v3'",
        "change tunnel_guard 'vx0' (peers)",
        "delete port_guard 'v1'",
    ]
    assert sh(handle) == before
    assert sorted(lines(topology(port(2, peer=peer, source_guard=False)))) == [
        "delete port_guard 'v2'",
        "delete port_guard 'v3'",
        "delete tunnel_guard 'vx0'",
    ]
    assert "containerland" not in tables()


@pytest.mark.parametrize(
    ("breaks", "repairs"),
    [
        ("insert rule bridge containerland ports accept", ["change port_guard 'v1' (rules)"]),
        ("flush chain bridge containerland local", ["change port_guard 'v1' (rules)"]),
        ("add table bridge containerland { flags dormant; }", ["change port_guard 'v1' (rules)"]),
        ("delete table bridge containerland", ["create port_guard 'v1'"]),
        (
            'add element bridge containerland addresses { "v1" . 0a:58:0a:01:00:01 . 10.1.0.9 }',
            ["change port_guard 'v1' (addresses)"],
        ),
        (
            'add element bridge containerland macs { "v1" . 02:00:00:00:00:09 }',
            ["change port_guard 'v1' (mac, addresses)"],
        ),
        ("add element ip containerland-vx0 vni-7-port-4789 { 192.0.2.9 }", ["change tunnel_guard 'vx0' (peers)"]),
        ("insert rule ip containerland-vx0 tunnel accept", ["change tunnel_guard 'vx0' (rules)"]),
        ("flush chain ip containerland-vx0 tunnel", ["change tunnel_guard 'vx0' (rules)"]),
        ("delete table ip containerland-vx0", ["create tunnel_guard 'vx0'"]),
    ],
)
def test_drift_is_repaired(breaks: str, repairs: list[str]) -> None:
    declared = topology(port(1), peers=("192.0.2.1",))
    apply("topology", declared)
    made = tables()
    sh(f"nft '{breaks}'")
    assert tables() != made
    predicted = apply("topology", declared, check=True).plan
    done = apply("topology", declared).plan
    assert done.lines() == repairs
    assert (done.lines(), done.diff()) == (predicted.lines(), predicted.diff())
    assert sorted(tables().splitlines()) == sorted(made.splitlines())


def test_two_owners_share_a_bridge() -> None:
    apply("topology", topology(port(1)))
    other = {"name": "u", "veth": [port(2)]}
    assert lines(other) == ["create port_guard 'v2'"]
    assert apply("topology", {"name": "t", "state": "absent"}).changed
    assert "v2" in tables() and "v1" not in tables()
    assert "delete port_guard 'v2'" in apply("veth", {"name": "v2", "state": "absent"}).plan.lines()
    assert "containerland" not in tables()


def test_ipv6_and_another_namespace() -> None:
    """The tunnel is guarded where its outer packets travel."""
    sh("ip netns add red")
    link = {"name": "vx0", "vni": 9, "netns": "red", "underlay_netns": "", "source_guard": True}
    peers = [{"underlay": "2001:db8::1"}, {"underlay": "2001:db8::2"}]
    assert apply("vxlan", {**link, "local": "2001:db8::9", "peers": peers}).changed
    assert "table ip6 containerland-vx0" in tables()
    assert not sh("ip netns exec red nft list tables")
    assert not apply("vxlan", {**link, "local": "2001:db8::9", "peers": peers}).changed
    assert "delete tunnel_guard 'vx0'" in apply("vxlan", {**link, "state": "absent"}).plan.lines()
    assert not tables()


def test_taken_back_if_the_run_fails() -> None:
    declared = topology(port(1), peers=("192.0.2.1",))
    apply("topology", declared)
    before = tables()
    more = topology(port(1, source_addresses=["10.1.0.77"]), port(2), peers=("192.0.2.7",))
    refused = KernelError(errno.ENOBUFS, "no")
    steps = len(apply("topology", more, check=True).plan.steps())
    with pytest.raises(ContainerlandError, match="was taken back"):
        apply("topology", more, world=breaking(steps - 1, refused))
    assert sorted(tables().splitlines()) == sorted(before.splitlines())


def test_a_thousand_addresses() -> None:
    """More than one transaction holds."""
    listed = [f"10.{one}.{two}.1" for one in range(100, 116) for two in range(200)]
    declared = topology(port(1, source_addresses=listed))
    apply("topology", declared)
    assert not apply("topology", declared).changed
    assert apply("topology", topology(port(1))).plan.lines() == ["change port_guard 'v1' (addresses)"]


def test_a_kernel_that_cannot_is_refused_before_anything_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise KernelError(errno.EOPNOTSUPP)

    monkeypatch.setattr(nft_tables, "rehearse", refuse)
    for check in (True, False):
        with pytest.raises(
            ContainerlandError, match=r"veth\[0\].source_guard: this kernel has no nf_tables for bridges"
        ):
            apply("topology", topology(port(1)), check=check)
    assert sh("ip -o link show type bridge") == ""


def test_s16_names_cannot_escape() -> None:
    """Neither as a file, nor as a table of somebody else."""
    Path("/run/victim").write_text("as it was")
    for module, options in (
        ("topology", {"name": "../../run/victim"}),
        ("topology", {"name": "/run/victim"}),
        ("netns", {"name": "../victim"}),
        ("netns", {"name": "../victim", "state": "absent"}),
        ("bridge", {"name": "b0", "netns": "/run/netns/../victim"}),
        ("netns", {"name": "blue", "sysctls": {"net/../../../run/victim": "x"}}),
        ("veth", {**port(1), "name": "../victim"}),
        ("vxlan", {"name": "a/../b", "vni": 1, "source_guard": True}),
        ("vxlan", {"name": "x; }", "vni": 1, "source_guard": True}),
    ):
        with pytest.raises(ContainerlandError):
            apply(module, options)
    assert Path("/run/victim").read_text() == "as it was"
    assert not Path("/run/netns/blue").exists() and "containerland" not in tables()
    with pytest.raises(ValueError):
        declare.owner_name("..")


def test_keys_are_read_as_they_are_written() -> None:
    for address in ("10.0.0.1", "fe80::1"):
        key = source_guard.address_key("c-web1", "0a:58:0a:f4:0b:03", address)
        assert source_guard.split_key(key) == ("c-web1", "0a:58:0a:f4:0b:03", address)
    assert source_guard.split_key(source_guard.name_key("ü" * 7)) == ("ü" * 7, "", "")
