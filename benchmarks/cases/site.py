# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 10: the playbook site over the nodes of the lab, beside pings and beside commands (benchmarks/plain).

All three reach the nodes in the same way, as inventories/lab says. Controller and nodes share one machine, so that the
processor's seconds are those of both.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import CHECKOUT, ROUNDS, Row, emit, is_quick
from benchmarks.playbooks import Played, play

SIZES = (3, 10, 30)
# Commands take the better part of an hour for more nodes; what they take there follows from the number of them.
MOST_BY_COMMANDS = 10
INVENTORY = CHECKOUT / "inventories/lab"
PLAYBOOKS = CHECKOUT / "playbooks"
BY_COMMANDS = CHECKOUT / "benchmarks/plain/site.yml"

Figures = dict[str, float]


def measured(playbook: Path, nodes: int) -> dict[str, Figures]:
    """Figures per node of a first and a second run in a new lab; what they build is checked."""
    with_lab(nodes, "lab.yml")
    first = play(playbook, INVENTORY, LAB_NODES=str(nodes))
    again = play(playbook, INVENTORY, LAB_NODES=str(nodes))
    with_lab(nodes, "verify.yml", "-e", "verify_remote_nodes=2")
    found = {"first": per_node(first, nodes), "again": per_node(again, nodes)}
    if nodes == SIZES[0]:
        with_lab(nodes, "services.yml", "--tags", "ask", "-e", "services_requests=20")
    return found


def with_lab(nodes: int, playbook: str, *arguments: str) -> None:
    """Runs one of the playbooks that are not measured."""
    play(PLAYBOOKS / playbook, INVENTORY, *arguments, LAB_NODES=str(nodes))


def per_node(run: Played, nodes: int) -> Figures:
    """Seconds, processor's seconds, tasks as the recap counts them, and modules sent, each per node."""
    return {
        "seconds": run.seconds / nodes,
        "cpu": run.cpu / nodes,
        "tasks": run.counted("ok") / nodes,
        "sent": run.counted("sent") / nodes,
    }


def pings(number: int, nodes: int) -> Figures:
    """Figures per node of a playbook of so many pings."""
    tasks = [{"name": f"ping {k}", "ansible.builtin.ping": {}} for k in range(number)]
    with tempfile.TemporaryDirectory() as directory:
        playbook = Path(directory) / "pings.yml"
        playbook.write_text(json.dumps([{"hosts": "nodes", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        return per_node(play(playbook, INVENTORY, LAB_NODES=str(nodes)), nodes)


def state(nodes: int) -> dict[str, Any]:
    """What the network looks like to who uses it: addresses, ports, routes and tunnels of each node and container."""
    found = {}
    for node in (f"node{k}" for k in range(1, nodes + 1)):
        pid = Path(f"/run/containerland/nodes/{node}.pid").read_text(encoding="ascii").strip()
        inside = ["nsenter", f"--target={pid}", "--net", "--mount", "--uts", "--ipc", "--pid", "--"]
        for place in ([], ["-n", "web1"], ["-n", "web2"]):
            links = ask(inside, ["ip", "-j", *place, "address"])
            routes = ask(inside, ["ip", "-j", "-4", *place, "route"])
            found[" ".join([node, *place[1:]])] = {
                "addresses": sorted(
                    [link["ifname"], f"{a['local']}/{a['prefixlen']}"]
                    for link in links
                    for a in link["addr_info"]
                    if a["family"] == "inet"
                ),
                "links": sorted([x["ifname"], x.get("master", ""), x["mtu"], "UP" in x["flags"]] for x in links),
                "routes": sorted([r["dst"], r.get("gateway", ""), r["dev"]] for r in routes),
            }
        tunnels = ask(inside, ["bridge", "-j", "fdb", "show", "dev", "vxlan4096"])
        found[node]["tunnels"] = sorted(entry["dst"] for entry in tunnels if "dst" in entry)
    return found


def ask(inside: list[str], command: list[str]) -> Any:
    return json.loads(subprocess.run([*inside, *command], check=True, capture_output=True, text=True).stdout or "[]")


def one_round(nodes: int, commands: bool) -> dict[str, Figures]:
    """All figures of one round."""
    found = {f"ours {run}": figures for run, figures in measured(PLAYBOOKS / "site.yml", nodes).items()}
    built = state(nodes)
    found["pings"] = pings(round(found["ours again"]["tasks"]), nodes)
    found["pings sent"] = pings(round(found["ours again"]["sent"]), nodes)
    with_lab(nodes, "lab_teardown.yml")
    if commands:
        found.update({f"peer {run}": figures for run, figures in measured(BY_COMMANDS, nodes).items()})
        by_commands = state(nodes)
        if by_commands != built:
            raise SystemExit(f"site: commands have built something else:\n{by_commands}\nbut not\n{built}")
        with_lab(nodes, "lab_teardown.yml")
    return found


def rows(sizes: tuple[int, ...], rounds: int) -> Iterator[Row]:
    """The rows of each size."""
    os.environ.pop("LAB_NODES", None)
    commands: dict[str, Figures] = {}
    for nodes in sizes:
        by_commands = nodes <= MOST_BY_COMMANDS
        turns = [one_round(nodes, by_commands) for _turn in range(rounds if nodes == sizes[0] else 1)]
        found = {name: median(turns, name) for name in turns[0]}
        note = ""
        if by_commands:
            commands = {name: figures for name, figures in found.items() if name.startswith("peer")}
            latest = nodes
        else:
            found.update({name: more(figures, latest, nodes) for name, figures in commands.items()})
            note = f"the commands are extrapolated from {latest} nodes"
        yield from _rows(nodes, found, note)


def median(turns: list[dict[str, Figures]], name: str) -> Figures:
    return {key: statistics.median(turn[name][key] for turn in turns) for key in turns[0][name]}


def more(figures: Figures, nodes: int, wanted: int) -> Figures:
    """What commands would take for more nodes: three and a rule for each other node, two servers' rules for each."""
    each = 3 + 1 + 2
    sent = figures["sent"] + each * (wanted - nodes)
    grown = sent / figures["sent"]
    return {**figures, "sent": sent, "seconds": figures["seconds"] * grown, "cpu": figures["cpu"] * grown}


def _rows(nodes: int, found: Mapping[str, Figures], note: str) -> Iterator[Row]:
    def row(run: str, what: str, unit: str, figure: str) -> Row:
        return Row(
            f"10 {what}, {nodes} nodes, per node",
            found[f"ours {run}"][figure],
            peers={"commands": found[f"peer {run}"][figure]},
            unit=unit,
            note=note,
        )

    yield dataclasses.replace(row("first", "site, first run", "s", "seconds"), against={"peer": 0.2})
    again = row("again", "site, nothing to change", "s", "seconds")
    yield dataclasses.replace(
        again,
        floor=found["pings"]["seconds"],
        against={"floor": 1.5, "peer": 0.2},
        compared={"one ping per module sent": found["pings sent"]["seconds"]},
        note="; ".join(["floor: one ping per task that the recap counts", *([note] if note else [])]),
    )
    yield row("first", "processors, first run", "s", "cpu")
    yield dataclasses.replace(row("again", "processors, nothing to change", "s", "cpu"), floor=found["pings"]["cpu"])
    yield row("again", "tasks", "", "tasks")
    yield row("again", "modules sent", "", "sent")


if __name__ == "__main__":
    emit(rows(SIZES[:1] if is_quick() else SIZES, 1 if is_quick() else ROUNDS))
