# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside a node or container: asks several servers at once, and prints what came of each as a JSON list.

Usage: python3 ask.py '[["tcp", "192.0.2.11", 8080], ...]'
Prints what the server said, or `silence`, `refused`, `unreachable`, `denied`.
"""

from __future__ import annotations

import concurrent.futures
import json
import socket
import sys

PATIENCE = 1.5  # seconds; TCP asks again after one
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def ask(protocol: str, address: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, KINDS[protocol]) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect((address, port))
            line.send(b"GET / HTTP/1.0\r\n\r\n")
            said = line.makefile("rb").read() if protocol == "tcp" else line.recv(65536)
        except TimeoutError:
            return "silence"
        except ConnectionRefusedError:
            return "refused"
        except PermissionError:
            return "denied"
        except OSError:
            return "unreachable"
        return said.decode().rpartition("\r\n\r\n")[2].strip()


def main() -> None:
    questions = json.loads(sys.argv[1])
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        print(json.dumps(list(pool.map(lambda question: ask(*question), questions))))


if __name__ == "__main__":
    main()
