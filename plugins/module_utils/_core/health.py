# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server of a service answers: the question, and what is made of the answers."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")
_LONGEST_LINE = 4096


@dataclass(frozen=True)
class Check:
    """How servers are asked.

    Attributes:
        type: tcp (a connection comes about) or http (GET is answered with a status from 200 to 399).
        path: of the URL, for http.
        port: another port than that of the server; 0 = the server's own.
        interval, timeout: seconds.
        rise, fall: so many answers, or misses, one after the other, change the opinion.
    """

    type: str = "tcp"
    path: str = "/"
    port: int = 0
    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 3

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Check:
        return cls(**{name: value for name, value in said.items() if name in cls.__dataclass_fields__})


def problem_of(check: Check, address: str, port: int, host: str) -> str:
    """Asks once; '' if the server answers, else why not.

    Args:
        host: what an HTTP server sees as the name that it is asked for.
    """
    try:
        if check.type == "http":
            return _http_problem(check, address, check.port or port, host)
        socket.create_connection((address, check.port or port), check.timeout).close()
    except OSError as problem:
        return str(problem) or type(problem).__name__
    return ""


def _http_problem(check: Check, address: str, port: int, host: str) -> str:
    """By hand, for http.client's time-out begins anew with every byte: a server that drips would hold its asker."""
    until = time.monotonic() + check.timeout
    with socket.create_connection((address, port), check.timeout) as connection:
        connection.sendall(f"GET {check.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        line = b""
        while b"\n" not in line and len(line) < _LONGEST_LINE:
            connection.settimeout(max(until - time.monotonic(), 0.001))
            part = connection.recv(_LONGEST_LINE)
            if not part:
                break
            line += part
    status = _STATUS.match(line)
    if status is None:
        return "no answer in HTTP"
    return "" if 200 <= int(status[1]) < 400 else f"HTTP status {int(status[1])}"


class Judge:
    """The opinion of one server, which a single answer or miss does not change.

    Attributes:
        failing: the opinion.
    """

    def __init__(self, failing: bool = False) -> None:
        self.failing = failing
        self._against = 0

    def hear(self, answered: bool, check: Check) -> bool:
        """Whether this answer, or miss, changes the opinion."""
        if answered != self.failing:
            self._against = 0
            return False
        self._against += 1
        if self._against < (check.rise if self.failing else check.fall):
            return False
        self.failing, self._against = not self.failing, 0
        return True
