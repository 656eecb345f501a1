# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module works with the capabilities that its documentation names and no others, and says which one it lacks."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.privileges import NUMBERS

from tests.integration.support.cases import FOREIGN
from tests.integration.support.kernel import same, sh, snapshot
from tests.integration.support.modules import Said, call, keep_only
from tests.integration.support.run import CHECKOUT

ADMIN, RAW, SYS = "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"
PREPARE = FOREIGN + "ip netns add web1\n"
FILTERS = "ipset create s0 hash:ip; iptables -N OLD; iptables-legacy -N OLD"
RULES = {"chain": "SHOP", "rules": ["-s 10.0.0.0/8 -j ACCEPT"]}
ipvs = pytest.mark.other_kernel("ipvs")
SLEEP = {"name": "one", "command": ["sleep", "60"]}

#: (module, options, exactly what that needs)
CASES: list[Any] = [
    ("netns", {"name": "blue", "sysctls": {"net.ipv4.ip_forward": 1}}, {ADMIN, SYS}),
    ("netns", {"name": "web1", "state": "absent"}, {ADMIN, SYS}),
    ("bridge", {"name": "br1", "addresses": ["10.1.0.1/24"], "ports": ["fvx"]}, {ADMIN}),
    ("bridge", {"name": "br1", "netns": "web1"}, {ADMIN, SYS}),
    ("veth", {"name": "v0", "peer": {"name": "v1"}, "master": "fbr"}, {ADMIN}),
    ("veth", {"name": "v0", "peer": {"name": "v1", "netns": "web1"}}, {ADMIN, SYS}),
    ("vxlan", {"name": "vx0", "vni": 7, "local": "203.0.113.1", "peers": [{"underlay": "203.0.113.7"}]}, {ADMIN}),
    ("vxlan", {"name": "vx0", "vni": 7, "netns": "web1"}, {ADMIN, SYS}),
    ("link", {"name": "mv0", "kind": "macvlan", "parent": "fbr", "mtu": 1400}, {ADMIN}),
    ("link", {"name": "lo", "netns": "web1", "mtu": 1400}, {ADMIN, SYS}),
    ("route", {"dest": "10.0.0.0/8", "gateway": "203.0.113.2"}, {ADMIN}),
    ("route", {"dest": "10.0.0.0/8", "type": "blackhole", "netns": "web1"}, {ADMIN, SYS}),
    ("rule", {"priority": 50, "from": "10.0.0.0/8", "table": "main"}, {ADMIN}),
    ("rule", {"priority": 50, "from": "10.0.0.0/8", "table": "main", "netns": "web1"}, {ADMIN, SYS}),
    ("neighbor", {"address": "203.0.113.8", "device": "fbr", "mac": "02:00:00:00:00:08"}, {ADMIN}),
    (
        "neighbor",
        {"address": "203.0.113.8", "device": "fo1", "mac": "02:00:00:00:00:08", "netns": "foreign"},
        {ADMIN, SYS},
    ),
    ("fdb", {"mac": "02:00:00:00:00:09", "device": "fvx", "destination": "203.0.113.9"}, {ADMIN}),
    ("fdb", {"mac": "02:00:00:00:00:09", "device": "fo1", "netns": "foreign", "target": "self"}, {ADMIN, SYS}),
    ("iptables_chain", RULES, {ADMIN, SYS}),
    ("iptables_chain", {"chain": "OLD", "state": "absent"}, {ADMIN}),
    ("iptables_chain", {**RULES, "backend": "legacy"}, {ADMIN, SYS, RAW}),
    ("iptables_chain", {**RULES, "rules": ["-m set --match-set s0 src -j DROP"]}, {ADMIN, SYS, RAW}),
    ("ipset", {"name": "s1", "type": "hash:ip", "entries": ["10.0.0.1"]}, {ADMIN, SYS}),
    ("ipset", {"name": "s0", "state": "absent"}, {ADMIN}),
    pytest.param("ipvs_service", {"address": "10.9.0.1", "port": 80}, {ADMIN}, marks=ipvs),
    pytest.param("ipvs_service", {"address": "10.9.0.1", "port": 80, "netns": "web1"}, {ADMIN, SYS}, marks=ipvs),
    pytest.param("ipvs_info", {}, {ADMIN}, marks=ipvs),
    pytest.param("ipvs_info", {"netns": ["web1"]}, {ADMIN, SYS}, marks=ipvs),
    ("topology", {"name": "t", "sysctls": {"net.ipv4.ip_forward": 1}, "bridge": [{"name": "br1"}]}, {ADMIN}),
    ("topology", {"name": "t", "namespaces": [{"name": "w"}], "bridge": [{"name": "br1"}]}, {ADMIN, SYS}),
    ("topology", {"name": "t", "iptables_chain": [{**RULES, "backend": "legacy"}]}, {ADMIN, SYS, RAW}),
    ("network_info", {}, {SYS}),
    ("network_info", {"kinds": ["iptables_chain"]}, {ADMIN, SYS}),
    ("reachability", {"targets": ["203.0.113.1"]}, {RAW}),
    ("reachability", {"targets": ["203.0.113.1"], "sources": [{"name": "f", "netns": "foreign"}]}, {RAW, SYS}),
    ("netns_commands", {"name": "t", "supervisor": "loop", "commands": [{**SLEEP, "netns": "web1"}]}, {SYS}),
    ("netns_hosts", {"name": "t", "state": "absent"}, set()),
    ("node_program", {"path": "/run/program"}, set()),
    ("service_health", {"name": "t", "services": []}, set()),
    ("confirm", {"action": "look"}, set()),
]
#: It runs on the controller.
ELSEWHERE = {"fleet_plan"}


def with_only(names: set[str], module: str, options: dict[str, Any]) -> Said:
    """The module in a child that has only these capabilities."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            keep_only({NUMBERS[name] for name in names})
            said = call(module, options)
            os.write(writer, json.dumps([said.result, said.stderr]).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0, f"{module} raised something: {text}"
    result, stderr = json.loads(text)
    return Said(result, "", stderr)


@pytest.mark.parametrize(("module", "options", "needed"), CASES)
def test_with_just_these_it_works_and_without_one_it_says_so(
    module: str, options: dict[str, Any], needed: set[str]
) -> None:
    sh(PREPARE + ("modprobe ip_vs" if module.startswith("ipvs") else FILTERS))
    before = snapshot()
    for missing in sorted(needed):
        said = with_only(needed - {missing}, module, options)
        assert missing in said.problem and "\n" not in said.problem, said
        same(snapshot(), before, f"without {missing}, but something has changed")
    assert with_only(needed, module, options).problem == ""
    if module == "netns_commands":
        sh("ip netns pids web1 | xargs kill -KILL")


def documented(module: str) -> set[str]:
    """The capabilities that the notes of a module name."""
    text = (CHECKOUT / "plugins" / "modules" / f"{module}.py").read_text()
    found = re.search(r'DOCUMENTATION = r"""(.*?)"""', text, re.DOTALL)
    assert found is not None
    notes = " ".join(yaml.safe_load(found[1]).get("notes", []))
    assert "C(become: true)" in notes and ("C(CAP_" in notes or "no capability" in notes), notes
    return set(re.findall(r"C\((CAP_\w+)\)", notes))


def test_the_documentation_names_what_is_needed_and_no_more() -> None:
    rows = [row.values if hasattr(row, "values") else row for row in CASES]
    needed: dict[str, set[str]] = {}
    for module, _options, capabilities in rows:
        needed.setdefault(module, set()).update(capabilities)
    modules = {path.stem for path in Path(CHECKOUT, "plugins", "modules").glob("*.py")} - ELSEWHERE
    assert set(needed) == modules
    assert {module: documented(module) for module in modules} == needed


def test_no_capability_is_checked_that_is_not_there() -> None:
    assert {name: NUMBERS[name] for name in (ADMIN, RAW, SYS)} == {ADMIN: 12, RAW: 13, SYS: 21}
    assert sys.platform == "linux"
