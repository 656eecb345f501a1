# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as hosts: what ansible-inventory says of them, and ordinary modules that run inside of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.support.lab import in_lab
from tests.integration.support.run import CHECKOUT

pytestmark = pytest.mark.shared_network

PLUGIN = "containerland.net.containers"
LAB = ("inventories/lab", "inventories/containers.yml")
NODES: dict[str, Any] = {
    "nodes": {
        "hosts": {
            "node1": {"ansible_host": "192.0.2.11", "first": "web1"},
            "node2": {"ansible_host": "192.0.2.12", "containers_list": []},
        },
        "vars": {
            "ansible_user": "admin",
            "ansible_become": True,
            "containers_prefix": "10.99.0.0/16",
            "containers_list": [
                {"name": "{{ first }}", "address": 20, "labels": {"app": "w-b"}, "command": "{{ no }}"}
            ],
        },
    }
}


def asked(*arguments: str, sources: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    paths = [word for source in sources for word in ("-i", source)]
    environment = {**os.environ, "LAB_NODES": "2"}
    return subprocess.run(
        ["ansible-inventory", *paths, *arguments],
        cwd=CHECKOUT,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


def written(directory: Path, nodes: dict[str, Any], **options: Any) -> tuple[str, str]:
    """An inventory of nodes, and the file of the plugin."""
    files = {"hosts.yml": nodes, "containers.yml": {"plugin": PLUGIN, **options}}
    for name, content in files.items():
        (directory / name).write_text(yaml.safe_dump(content))
    return str(directory / "hosts.yml"), str(directory / "containers.yml")


def test_the_lab_has_its_containers_in_groups_and_its_nodes_as_before() -> None:
    done = asked("--graph", sources=LAB)
    assert done.returncode == 0, done.stderr
    members = "".join(f"  |  |--{name}.node{node}\n" for node in (1, 2) for name in ("web1", "web2"))
    assert f"  |--@containers:\n{members}" in done.stdout
    assert f"  |--@app_web:\n{members}" in done.stdout
    assert "  |--@on_node2:\n  |  |--web1.node2\n  |  |--web2.node2\n" in done.stdout
    assert "  |  |--@nodes:\n  |  |  |--node1\n  |  |  |--node2\n  |  |--@outside" in done.stdout


def test_constructed_features_see_the_containers_and_variables_beside_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "node2.yml").write_text("containers_list: [{name: db, attach: 'docker:db'}]\n")
    sources = written(
        tmp_path,
        NODES,
        strict=True,
        leading_separator=False,
        label_groups=False,
        compose={"url": "'http://' ~ container_address"},
        groups={"first": "container_name == 'web1'"},
        keyed_groups=[{"key": "container_labels.app | default(container_netns)"}],
    )
    done = asked("--list", sources=sources)
    assert done.returncode == 0, done.stderr
    # ansible-core from 2.19 on marks text that is no template.
    found = json.loads(done.stdout, object_hook=lambda entry: entry.get("__ansible_unsafe", entry))
    assert found["containers"]["hosts"] == ["web1.node1", "db.node2"]
    assert (found["first"]["hosts"], found["docker_db"]["hosts"]) == (["web1.node1"], ["db.node2"])
    web, database = (found["_meta"]["hostvars"][name] for name in ("web1.node1", "db.node2"))
    assert (web["url"], web["container_labels"]) == ("http://10.99.11.20", {"app": "w-b"})
    assert (web["ansible_nsenter_target"], database["ansible_nsenter_target"]) == ("web1", "docker:db")
    assert (web["ansible_become_method"], web["ansible_nsenter_sudo"]) == ("containerland.net.nsenter", True)
    assert web["ansible_user"] == "{{ hostvars[container_node].ansible_user }}"
    assert "app_w_b" not in found and "w_b" in found
    resolved = subprocess.run(
        ["ansible", "-i", sources[0], "-i", sources[1], "containers", "-m", "debug", "-a"]
        + ["msg={{ ansible_user }}@{{ ansible_host }}"],
        cwd=CHECKOUT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert {"admin@192.0.2.11", "admin@192.0.2.12"} <= set(resolved.stdout.split('"')), resolved


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        ({"containers_list": [{"name": "a/b"}]}, {}, "node1: containers_list[0].name: must be at most 63 letters"),
        ({"containers_list": [{"name": "{{ nobody }}"}]}, {}, "node1: containers_list: "),
        ({"containers_node_length": "wide"}, {}, "node1: argument 'node_length' is of type "),
        (
            {},
            {"nodes_group": "servers"},
            "nodes_group: the inventory sources before have no hosts in the group 'servers'",
        ),
        ({}, {"strict": True, "compose": {"url": "nobody"}}, "Could not set url for host web1.node1"),
    ],
)
def test_refused_in_one_sentence(tmp_path: Path, change: dict[str, Any], options: dict[str, Any], problem: str) -> None:
    group = NODES["nodes"]
    done = asked(
        "--list", sources=written(tmp_path, {"nodes": {**group, "vars": {**group["vars"], **change}}}, **options)
    )
    assert done.returncode != 0
    assert problem in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_any_module_runs_inside_of_the_containers_of_all_nodes() -> None:
    done = in_lab(
        "ansible-playbook playbooks/site.yml\n"
        f"ansible-playbook -i {LAB[0]} -i {LAB[1]} playbooks/inside.yml\n"
        # From one container the other node's are reached, and a node's own address is not inside.
        f"ansible -i {LAB[0]} -i {LAB[1]} web1.node1 -m uri -a 'url=http://10.244.12.195/ return_content=true'\n"
        f"ansible -i {LAB[0]} -i {LAB[1]} web1.node2 -m command -a 'ip -brief address'\n"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for node, subnet in (("node1", "10.244.11"), ("node2", "10.244.12")):
        for name, number in (("web1", 195), ("web2", 196)):
            line = f"{name}@{node} has {subnet}.{number} and says: {name}@{node} 127.0.0.1"
            assert line in done.stdout
    assert '"content": "web1@node2 10.244.11.195\\n"' in done.stdout
    inside = done.stdout.rpartition("web1.node2 | CHANGED")[2]
    assert "10.244.12.195/24" in inside
    assert "192.0.2.12" not in inside
