# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 6: many services of IPVS, beside ipvsadm; in User Mode Linux, for few machines have the module at hand.

There, this file runs once more, with --inside.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.harness import CHECKOUT, ROUNDS, Engine, Row, clock, emit, is_quick, medians, run

INSIDE = "--inside"
SERVERS = 10
BUILD, SAME, ONE, START = "build", "no change", "one weight changed", "start"
RESTORE, SAVE, EDIT = "ipvsadm --restore", "ipvsadm --save", "ipvsadm --edit-server"
SECONDS = "1800"


def service(number: int) -> dict[str, Any]:
    servers = [{"address": f"10.244.{number % 250}.{n + 1}", "port": 8080} for n in range(SERVERS)]
    return {"address": f"10.96.{number >> 8}.{number & 255}", "port": 80, "scheduler": "rr", "servers": servers}


def topology(number: int) -> dict[str, Any]:
    return {"name": "bench", "ipvs_service": [service(n) for n in range(number)]}


def as_saved(options: Mapping[str, Any]) -> list[str]:
    """What ipvsadm --save -n prints of a topology, and --restore takes."""
    lines = []
    for one in options["ipvs_service"]:
        place = f"-t {one['address']}:{one['port']}"
        lines.append(f"-A {place} -s {one['scheduler']}")
        for server in one["servers"]:
            weight = server.get("weight", 1)
            lines.append(f"-a {place} -r {server['address']}:{server['port']} -m -w {weight}")
    return lines


def expect(options: Mapping[str, Any]) -> None:
    # It shortens names of schedulers and orders servers as it likes.
    if sorted(run("ipvsadm", "--save", "-n").splitlines()) != sorted(as_saved(options)):
        raise SystemExit("ipvs: the services are not those that were declared")


def one_round(engine: Engine, number: int) -> Mapping[str, float]:
    options = topology(number)
    text = "".join(f"{line}\n" for line in as_saved(options))
    found = {RESTORE: clock(lambda: run("ipvsadm", "--restore", given=text))}
    expect(options)
    found[SAVE] = clock(lambda: run("ipvsadm", "--save", "-n"))
    place = ["-t", "10.96.0.0:80", "-r", "10.244.0.1:8080", "-m"]
    found[EDIT] = clock(lambda: run("ipvsadm", "--edit-server", *place, "-w", "7"))
    run("ipvsadm", "--clear")
    found[BUILD] = engine.apply("topology", options, changed=True)
    expect(options)
    found[SAME] = engine.apply("topology", options, changed=False)
    found[START] = found[SAME] - engine.inside
    options["ipvs_service"][number // 2]["servers"][3]["weight"] = 7
    found[ONE] = engine.apply("topology", options, changed=True)
    expect(options)
    engine.apply("topology", {"name": "bench", "state": "absent"}, changed=True)
    expect({"ipvs_service": []})
    return found


def inside() -> None:
    number, rounds = (10, 1) if is_quick() else (1_000, ROUNDS)
    engine = Engine()
    found = medians(lambda: one_round(engine, number), rounds)
    size = f"{number:,} services x {SERVERS} servers"
    note = f"User Mode Linux, where Python is slow: {found[START]:.2f} s of ours is its start and imports"

    def row(action: str, peer: str, **more: Any) -> Row:
        return Row(f"6 {action}, {size}", found[action], peers={peer: found[peer]}, note=note, **more)

    emit([row(BUILD, RESTORE, against={"peer": 1.0}), row(SAME, SAVE), row(ONE, EDIT)])


def outside() -> None:
    command = [sys.executable, "-m", "benchmarks.cases.ipvs", INSIDE, *(["--quick"] if is_quick() else [])]
    # Its standard error comes in the same stream; the runner takes what are rows.
    runner = [str(CHECKOUT / "tests/uml/run"), "--seconds", SECONDS, *command]
    done = subprocess.run(
        runner, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, cwd=CHECKOUT
    )
    for line in done.stdout.splitlines():
        print(line, file=sys.stdout if line.startswith("{") else sys.stderr, flush=True)
    if done.returncode:
        raise SystemExit(f"ipvs: exit {done.returncode}")


if __name__ == "__main__":
    inside() if INSIDE in sys.argv else outside()
