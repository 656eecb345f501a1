# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 9: the plan of a fleet on the controller, beside a loop over hostvars in every host's templates.

Nodes have ten containers each, and the fleet has a hundred services. No node is asked.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import ROUNDS, Row, emit, is_quick
from benchmarks.playbooks import Played, play

CONTAINERS = 10
SERVICES = 100
SIZES = (100, 1_000, 10_000)
# So many hosts take their share, or loop over the others; all of them would take hours.
SHARES = {100: 100, 1_000: 20, 10_000: 3}
# Nobody waits for the loop at the largest size: it is extrapolated by the square.
LOOPED = (100, 1_000)

PLAN = """
- hosts: nodes
  gather_facts: false
  tasks:
    - name: plan
      containerland.net.fleet_plan: {}
      run_once: true
      register: plan
    - name: shares
      ansible.builtin.debug:
        msg:
          - "{{ containers.veth | length }}"
          - "{{ rules.iptables_chain | length }}"
          - "{{ overlay.vxlan[0].peers | length }}"
      vars:
        containers: "{{ plan | containerland.net.containers_topology(inventory_hostname) }}"
        rules: "{{ plan | containerland.net.containers_firewall(inventory_hostname) }}"
        overlay: "{{ plan | containerland.net.overlay_topology(inventory_hostname, 'vxlan0') }}"
"""

# What a host needs of the others: where they are, their subnet and MAC; and their addresses for the packet filter.
LOOP = """
- hosts: nodes
  gather_facts: false
  tasks:
    - name: shares
      ansible.builtin.debug:
        msg:
          - "{{ containers_list | length }}"
          - |
            {% for host in groups['nodes'] if host != inventory_hostname %}
            - {{ hostvars[host].ansible_host }}
            {% endfor %}
          - |
            {% for host in groups['nodes'] if host != inventory_hostname %}
            - underlay: {{ hostvars[host].ansible_host }}
              mac: 02:00:{{ '%02x:%02x:%02x:%02x' | format(*(hostvars[host].ansible_host.split('.') | map('int'))) }}
              subnet: 100.64.{{ hostvars[host].ansible_host.split('.')[3] }}.0/24
            {% endfor %}
"""

NOTHING = """
- hosts: nodes
  gather_facts: false
  tasks:
    - name: nothing
      ansible.builtin.debug:
        msg: nothing
      run_once: true
"""


def inventory(nodes: int) -> dict[str, Any]:
    """As many nodes, each with containers of its own, one of them with a published port."""

    def containers(node: int) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = [
            {"name": f"c{k}", "labels": {"app": f"app{(node * CONTAINERS + k) % SERVICES}"}} for k in range(CONTAINERS)
        ]
        made[0]["publish"] = [{"port": 8080, "to": 80}]
        return made

    hosts = {
        f"node{k}": {"ansible_host": f"10.{8 + (k >> 16)}.{k >> 8 & 255}.{k & 255}", "containers_list": containers(k)}
        for k in range(1, nodes + 1)
    }
    services = [{"name": f"app{k}", "port": 80, "select": {"app": f"app{k}"}} for k in range(SERVICES)]
    variables = {"containers_prefix": "100.64.0.0/10", "services_list": services}
    return {"nodes": {"hosts": hosts, "vars": variables}}


def rows(sizes: tuple[int, ...], rounds: int) -> Iterator[Row]:
    """A row for seconds, memory and shares of each size."""
    before: dict[str, float] = {}
    for nodes in sizes:
        with tempfile.TemporaryDirectory() as directory:
            place = Path(directory)
            (place / "hosts.json").write_text(json.dumps(inventory(nodes)), encoding="utf-8")
            for name, text in (("plan", PLAN), ("loop", LOOP), ("nothing", NOTHING)):
                (place / f"{name}.yml").write_text(text, encoding="utf-8")

            def played(name: str, hosts: int, place: Path = place) -> Played:
                return play(place / f"{name}.yml", place / "hosts.json", "--limit", f"nodes[0:{hosts - 1}]")

            shares = SHARES[nodes]
            turns = rounds if nodes < max(SIZES) else 1
            ours = [played("plan", shares) for _turn in range(turns)]
            looped = played("loop", shares).task("shares") if nodes in LOOPED else None
            nothing = played("nothing", shares).memory
        seconds = statistics.median(run.task("plan") for run in ours)
        memory = statistics.median(run.memory for run in ours)
        all_shares = statistics.median(run.task("shares") for run in ours) * nodes / shares
        yield _of_the_plan(nodes, seconds, before)
        yield Row(f"9 fleet plan, memory, {nodes:,} nodes", memory, floor=nothing, unit="MiB", note=MEMORY)
        yield _of_the_shares(nodes, seconds + all_shares, looped, before)
        before["plan"] = seconds


MEMORY = "the largest process; the floor is Ansible with this inventory and nothing to do"


def _of_the_plan(nodes: int, seconds: float, before: dict[str, float]) -> Row:
    compared = {"5 s": 5.0} if nodes == 1_000 else {}
    against = {"5 s": 1.0} if nodes == 1_000 else {}
    if before:
        compared["a tenth of the nodes"] = before["plan"]
        against["a tenth of the nodes"] = 12.0
    case = f"9 fleet plan, {nodes:,} nodes of {CONTAINERS} containers, {SERVICES} services"
    return Row(case, seconds, against=against, compared=compared, note="the task; without reading the inventory")


def _of_the_shares(nodes: int, seconds: float, looped: float | None, before: dict[str, float]) -> Row:
    measured = SHARES[nodes]
    note = "" if measured == nodes else f"the shares of {measured} nodes times {nodes // measured}"
    if looped is not None:
        loop = before["loop"] = looped * nodes / measured
    else:
        smaller = nodes // 10
        loop = before["loop"] * 100
        note += f"; the loop: that of {smaller:,} nodes times a hundred"
    return Row(f"9 plan and all shares, {nodes:,} nodes", seconds, peers={"loop over hostvars": loop}, note=note)


if __name__ == "__main__":
    emit(rows(SIZES[:1] if is_quick() else SIZES, 1 if is_quick() else ROUNDS))
