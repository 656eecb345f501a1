# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process of its own in which the engine runs once, as in a module's run; harness.Engine puts it into an archive.

stdin: {"module": name, "options": {…}}; stdout: {"changed": …, "changes": how many, "seconds": of the engine alone}.
"""

from __future__ import annotations

import json
import sys
import time

from plugins.module_utils._core.archive import compile_once


def main() -> None:
    compile_once()  # as runner.py does, before it imports the rest
    from plugins.module_utils._core.declare import declare_one, declare_topology
    from plugins.module_utils._core.engine import converge
    from plugins.module_utils._core.kernel.node import Node
    from plugins.module_utils._core.kernel.world import KernelWorld
    from plugins.module_utils._core.lock import node_lock
    from plugins.module_utils._core.ownership import Ledger
    from plugins.module_utils._core.store import Store

    asked = json.load(sys.stdin)
    module, options = asked["module"], asked["options"]
    began = time.perf_counter()
    with Node() as node, node_lock():
        if module == "topology":
            declaration = declare_topology(options, node.canonical)
            ledger = Ledger(Store(options["name"]), options, node.is_gone)
        else:
            declaration, ledger = declare_one(module, options, node.canonical), None
        report = converge(declaration, KernelWorld(node), ledger=ledger)
    seconds = time.perf_counter() - began
    print(json.dumps({"changed": report.changed, "changes": len(report.plan.changes), "seconds": seconds}))


if __name__ == "__main__":
    main()
