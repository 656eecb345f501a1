# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples that need a fleet, run as they are printed on two nodes of the lab.

Those of the modules that do not come from the engine, of filters, of nsenter and of the inventory plugin.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.support.lab import in_lab
from tests.integration.test_examples import CHECKOUT, MODULES, PREPARATIONS, examples

pytestmark = pytest.mark.shared_network

FILTERS = CHECKOUT / "plugins" / "filter"
Task = dict[str, Any]
#: What a reader has already: an address beyond the nodes, a Python of its own, and nothing of the machine's to change.
BEFORE = """
set -e
mount -t tmpfs examples /opt
mount -t tmpfs examples /usr/local/sbin
mkdir -p /opt/net/venv/bin
ln -s "$(command -v python3)" /opt/net/venv/bin/python
sysctl -q net.ipv4.ip_forward=1
ip address add 192.0.2.{{ 1 if inventory_hostname == 'node1' else 254 }}/32 dev lo
"""
#: Containers without rules ask with their own addresses, to which nobody else knows the way.
MASQUERADE = "iptables -t nat -A POSTROUTING -s 10.244.0.0/16 -o eth0 -j MASQUERADE"
#: The order in which the examples build on each other. `measured` is what the filters for reachability are for.
MEASURE: Task = {
    "name": "Ping as the filters say",
    "containerland.net.reachability": {},
    "register": "measured",
}
SERVICES: Task = {
    "services_prefix": "10.96.0.0/16",
    "services_list": [{"name": "web", "port": 80, "select": {"app": "web"}, "health": {"type": "tcp"}}],
}
#: This kernel may lack IPVS; what the example says is made on one that has it (test_services_ipvs.py).
TOLD_ONLY = {"services_topology"}


def of_plugin(path: Path) -> str:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES":
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no examples")


def of_filter(name: str) -> Any:
    return yaml.safe_load(yaml.safe_load((FILTERS / f"{name}.yml").read_text(encoding="utf-8"))["EXAMPLES"])


def told(task: Task) -> Task:
    """The task with its module's options shown instead of done."""
    options = next(value for key, value in task.items() if key.startswith("containerland.net."))
    return {"name": task["name"], "ansible.builtin.debug": {"msg": options}, "vars": task.get("vars", {})}


def away(owner: str) -> Task:
    return {"name": f"{owner} away", "containerland.net.topology": {"name": owner, "state": "absent"}}


def tasks() -> list[Task]:
    measure = {
        **MEASURE,
        "containerland.net.reachability": {**of_filter("reachability_sources"), **of_filter("reachability_targets")},
    }
    nsenter = {
        "name": "On a node that Ansible gets into by nsenter itself",
        "block": yaml.safe_load(of_plugin(CHECKOUT / "plugins" / "become" / "nsenter.py")),
        "vars": {"ansible_nsenter_through": "node:{{ inventory_hostname }}", "ansible_nsenter_namespaces": "net"},
    }
    return [
        {"name": "Prepare", "ansible.builtin.shell": BEFORE},
        *examples("fleet_plan"),
        *of_filter("containers_topology"),
        {"name": "Let containers out", "ansible.builtin.command": MASQUERADE},
        *examples("reachability"),
        *of_filter("containers_firewall"),
        *of_filter("routed_routes"),
        away("routed"),
        *of_filter("overlay_topology"),
        measure,
        *of_filter("reachability_report"),
        *of_filter("reachability_matrix"),
        *map(told, of_filter("services_topology")),
        *of_filter("services_foreign"),
        *of_filter("services_hosts"),
        *examples("service_health"),
        *examples("netns_hosts"),
        *examples("netns_commands"),
        nsenter,
        *examples("node_program"),
        *examples("confirm"),
        *of_filter("topology_svg"),
        away("overlay"),
        away("containers"),
    ]


def test_every_example_is_run_somewhere() -> None:
    here = {key.rpartition(".")[2] for task in tasks() for key in task if key.startswith("containerland.net.")}
    assert {path.stem for path in MODULES.glob("*.py")} - here <= set(PREPARATIONS)
    text = json.dumps(tasks())
    missing = {path.stem for path in FILTERS.glob("*.yml") if f"containerland.net.{path.stem}" not in text}
    assert not missing


def with_file(name: str, content: Any, then: str) -> str:
    """A script that writes the file into the lab, whose directories are its own, and goes on there."""
    text = yaml.safe_dump(content, sort_keys=False)
    return f"mkdir /run/examples\ncat >/run/examples/{name} <<'END OF FILE'\n{text}END OF FILE\n{then}"


def test_examples_on_a_fleet() -> None:
    play = {"name": "Examples", "hosts": "nodes", "gather_facts": False, "vars": SERVICES, "tasks": tasks()}
    run = "ansible-playbook -v -i inventories/lab /run/examples/play.yml; cat /run/examples/fleet.svg"
    done = in_lab(with_file("play.yml", [play], run), nodes=2)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "</svg>" in done.stdout[-100:] and '"watched": ["web"]' in done.stdout


def test_examples_of_the_inventory_plugin() -> None:
    """Each is a file of its own, passed after an inventory, as its comment says."""
    documents = yaml.safe_load_all(of_plugin(CHECKOUT / "plugins" / "inventory" / "containers.py"))
    for options in documents:
        run = "ansible-inventory -i inventories/lab -i /run/examples/containers.yml --list"
        done = in_lab(with_file("containers.yml", options, run), nodes=2)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert "web1.node1" in found["containers"]["hosts"]
        if "compose" in options:
            assert "web1.node1" in found["at_node1"]["hosts"]
            assert "http://" in json.dumps(found["_meta"]["hostvars"]["web1.node1"]["url"])
