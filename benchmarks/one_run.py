# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine, as a module's: python -m benchmarks.one_run MODULE [--only-import] <OPTIONS.json.

Imports nothing of the benchmark, which would count.
"""

from __future__ import annotations

import gc
import json
import sys


def main() -> None:
    gc.disable()  # as runner.py does
    from plugins.module_utils._core.declare import declare_one
    from plugins.module_utils._core.engine import converge
    from plugins.module_utils._core.kernel.node import Node
    from plugins.module_utils._core.kernel.world import KernelWorld
    from plugins.module_utils._core.kinds import DECLARATIONS

    module = sys.argv[1]
    if "--only-import" in sys.argv:
        _ = DECLARATIONS[module]
        return
    options = json.load(sys.stdin)
    with Node() as node:
        if module == "topology":
            from plugins.module_utils._core.declare import declare_topology
            from plugins.module_utils._core.ownership import Ledger
            from plugins.module_utils._core.store import Store

            declared = declare_topology(options, node.canonical)
            ledger = Ledger(Store(options["name"]), options, node.is_gone)
            report = converge(declared, KernelWorld(node), ledger=ledger)
        else:
            report = converge(declare_one(module, options, node.canonical), KernelWorld(node))
    print(json.dumps({"changed": report.changed, "plan": report.plan.lines()[:3]}))


if __name__ == "__main__":
    main()
