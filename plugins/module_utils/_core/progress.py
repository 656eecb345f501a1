# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is doing, for who waits for it, and how long each phase took, for who tunes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

PHASES = ("observe", "plan", "apply", "verify")


class Progress:
    """Told by the engine.

    Attributes:
        seconds: by the wall clock, for each of PHASES that the run came to.
        tell: takes one line on what is being done; does nothing unless somebody may be waiting.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.tell: Callable[[str], None] = lambda line: None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self.tell(name)
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
