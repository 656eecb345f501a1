# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the modules' documentation, run as they are printed, each module's in namespaces of its own.

Every task is run twice, and the second time it must change nothing.
"""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = CHECKOUT / "plugins" / "modules"
PREFIX = "containerland.net."
Task = dict[str, Any]

# What a reader of the examples has already: shell commands before the first task.
UNDERLAY = (
    "ip link add eth0 type veth peer name cable0",
    "ip address add 192.0.2.11/24 dev eth0",
    "ip -6 address add fd00:192::11/64 dev eth0 nodad",
    "ip link set eth0 up && ip link set cable0 up",
)
PORTS = tuple(f"ip link add {name} type veth peer name {name}-far" for name in ("web1", "web2", "db"))
CARDS = tuple(f"ip link add eth{n} type veth peer name cable{n}" for n in (1, 2, 3, 4))
CONTAINER = (
    "ip netns add web1",
    "ip -n web1 link add eth0 type veth peer name cable0",
    "ip -n web1 address add 10.244.1.10/24 dev eth0",
    "ip -n web1 link set eth0 up && ip -n web1 link set cable0 up",
)
PREPARATIONS: dict[str, tuple[str, ...]] = {
    "netns": (),
    "veth": ("ip link add shop0 type bridge", "ip netns add web1", "ip netns add db"),
    "bridge": (
        *PORTS,
        "ip netns add switch",
        "ip link add uplink type veth peer name uplink-far",
        "ip link add office type veth peer name office-far",
    ),
    "vxlan": (*UNDERLAY, "ip link add shop0 type bridge", "ip netns add web1"),
    "link": ("ip netns add web1", "ip netns add web2", *CARDS, "ip link set eth1 up"),
    "route": (*UNDERLAY, *CONTAINER),
    "rule": ("ip netns add router",),
    "neighbor": (*UNDERLAY, *CONTAINER),
    "fdb": (
        *UNDERLAY,
        "ip link add overlay0 type vxlan id 42 local 192.0.2.11 dstport 4789",
        "ip link add shop0 type bridge",
        *PORTS,
        "ip link set web1 master shop0",
    ),
    "ipset": ("ip netns add router", "ipset create partners hash:net"),
    "ipvs_info": (),
    "ipvs_service": ("ip link set lo up", "ip netns add balancer", "ip -n balancer link set lo up"),
    "iptables_chain": ("ip netns add web1", "ip netns exec web1 iptables -A FORWARD -j REJECT"),
    "topology": (*UNDERLAY, "ip netns add router"),
    "network_info": (
        "ip netns add web1 && ip netns add db",
        "ip link add web1 type veth peer name eth0 netns web1",
        "ip -n web1 address add 10.244.1.10/24 dev eth0",
        "ip -n web1 link set eth0 up && ip link set web1 up",
    ),
}
# Link kinds that every kernel has which this collection is developed on; the others may need another kernel.
EVERYWHERE = {"macvlan", "ifb"}
# Their examples are run in check mode here; test_wireguard.py runs them on a kernel that has it.
CHECKED_ONLY = {"wireguard"}
INSIDE = """
set -e
mkdir -p /run/netns
mount -t tmpfs examples /run/netns
[ -d /var/lib/containerland ] || { mount -t tmpfs examples /var/lib && mkdir /var/lib/containerland; }
mount -t tmpfs examples /var/lib/containerland
ip link set lo up
exec "$@"
"""


def examples(module: str) -> list[Task]:
    for node in ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES":
            tasks: list[Task] = yaml.safe_load(ast.literal_eval(node.value))
            return tasks
    raise AssertionError(f"{module} has no examples")


def own_module(task: Task) -> str | None:
    return next((key for key in task if key.startswith(PREFIX)), None)


def features(task: Task) -> set[str]:
    """What the task needs that not every kernel has (the names are those of tests/other_kernel/features.py)."""
    options = task.get(own_module(task) or "") or {}
    found = {options["kind"]} if "kind" in options else set()
    found |= {"ipvs"} if own_module(task) == f"{PREFIX}ipvs_service" else set()
    return found - EVERYWHERE | ({"bridge_vlan_filtering"} if options.get("vlan_filtering") else set())


def cases() -> Iterator[Any]:
    """Per module, the examples that run on any kernel, and those that need one with more in it."""
    for module in PREPARATIONS:
        tasks = examples(module)
        rare = [task for task in tasks if features(task) - CHECKED_ONLY]
        yield pytest.param(module, [task for task in tasks if task not in rare], id=module)
        if rare:
            needed = sorted(set().union(*map(features, rare)))
            yield pytest.param(module, rare, id=f"{module}-rare", marks=pytest.mark.other_kernel(*needed))


def twice(task: Task) -> Iterator[Task]:
    """The task, and once more, when it must have nothing left to do."""
    checked = task.get("check_mode") or bool(features(task) & CHECKED_ONLY)
    yield {**task, "check_mode": True} if checked else task
    if own_module(task) and not checked:
        yield {**task, "name": f"Again - {task['name']}", "register": "again"}
        said = "{{ again.plan | default([]) }}"
        yield {"name": "Compare", "ansible.builtin.assert": {"that": "not again.changed", "fail_msg": said}}


def playbook(module: str, tasks: list[Task]) -> list[dict[str, Any]]:
    before = [{"name": "Prepare", "ansible.builtin.shell": "\n".join(("set -e", *PREPARATIONS[module]))}]
    after = [step for task in tasks for step in twice(task)]
    return [{"name": "Examples", "hosts": "localhost", "gather_facts": False, "tasks": [*before, *after]}]


def run_in_namespaces(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Runs it as root with nothing of the machine's network in sight."""
    private = ["unshare", "--net", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    environment = {
        **os.environ,
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "true",
    }
    whole = [*private, "sh", "-c", INSIDE, "sh", *command]
    return subprocess.run(
        whole, capture_output=True, text=True, check=False, env=environment, cwd=CHECKOUT, timeout=300
    )


def run_by_the_core(module: str, tasks: list[Task]) -> None:
    """The same without Ansible, which takes minutes where a kernel is emulated."""
    sh("\n".join(PREPARATIONS[module]))
    for task in tasks:
        name = own_module(task)
        if name is None:
            continue
        checked = task.get("check_mode") or bool(features(task) & CHECKED_ONLY)
        apply(name[len(PREFIX) :], task[name], check=checked)
        if not checked:
            assert apply(name[len(PREFIX) :], task[name]).plan.lines() == [], task["name"]


@pytest.mark.parametrize(("module", "tasks"), list(cases()))
def test_examples(module: str, tasks: list[Task], tmp_path: Path) -> None:
    if any(features(task) - CHECKED_ONLY for task in tasks):
        run_by_the_core(module, tasks)
        return
    play = tmp_path / "examples.yml"
    play.write_text(yaml.safe_dump(playbook(module, tasks), sort_keys=False), encoding="utf-8")
    result = run_in_namespaces(["ansible-playbook", "--diff", str(play)], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_module_with_a_plan_is_here() -> None:
    """Those whose options come from the engine; the others' examples need more than a namespace."""
    ours = {path.stem for path in MODULES.glob("*.py") if "_ansible.runner import" in path.read_text(encoding="utf-8")}
    assert ours == set(PREPARATIONS)
