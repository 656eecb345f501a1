# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runners of other kernels (tests/uml/run, tests/vm/run) share: the command's way in and out, and the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).absolute().parents[2]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMED_OUT = 124
NOT_RUN = 125
# Waits for the end of its input, so for the end of this process, even by SIGKILL; then kills the kernel's
# process group and removes the scratch directory.
GUARD = 'cat; kill -KILL "-$1" 2>/dev/null; rm -rf -- "$2"'

#: (scratch directory, memory in MiB, descriptor for the command's output) → the kernel, leader of a process group.
Boot = Callable[[Path, int, int], "subprocess.Popen[bytes]"]


class NotRunError(Exception):
    """The second kernel could not run the command; the message says why."""


def program(name: str, package: str, path: str = SYSTEM_PATH) -> str:
    """Return the path of a program, or raise NotRunError naming the Debian package that has it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{path}")
    if found is None:
        raise NotRunError(f"{name} not found: install the package {package}")
    return found


def write_job(scratch: Path, command: list[str], share: str | None) -> None:
    """Leave in the scratch directory, which the guest sees too, what its process 1 is to do."""
    environment = [f"{name}={value}" for name, value in os.environ.items()]
    line = shlex.join(["exec", "env", "-i", *environment, *command])
    job = f"cd {shlex.quote(str(CHECKOUT))} || exit\n{line}\n"
    (scratch / "command").write_text(job, errors="surrogateescape")
    (scratch / "share").write_text(f"{scratch}\n{share}\n" if share else f"{scratch}\n")


@contextlib.contextmanager
def guarded(kernel: subprocess.Popen[bytes], scratch: Path) -> Iterator[None]:
    """See to it that nothing of the kernel is left, however this process ends."""
    command = ["sh", "-c", GUARD, "guard", str(kernel.pid), str(scratch)]
    quiet = subprocess.DEVNULL
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate()
        kernel.wait()


def stream(output: int, seconds: float) -> bool:
    """Copy the guest's output to stdout until the kernel has ended; False if that took too long."""
    deadline = time.monotonic() + seconds
    while select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
        data = os.read(output, 65536)
        if not data:
            return True
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return False


def status_of(scratch: Path) -> int:
    """Return the exit status that the guest's process 1 wrote."""
    try:
        return int((scratch / "status").read_text())
    except (FileNotFoundError, ValueError):
        console = (scratch / "console").read_text(errors="replace").replace("\r", "")
        raise NotRunError(f"the second kernel ended before the command; its console:\n{console}") from None


def run(options: argparse.Namespace, boot: Boot, scratch: Path) -> int:
    """Run the command in the guest and return its exit status."""
    write_job(scratch, options.command, options.share)
    reader, writer = os.pipe()
    kernel = boot(scratch, options.memory, writer)
    os.close(writer)
    with guarded(kernel, scratch):
        if not stream(reader, options.seconds):
            print(f"{options.prog}: stopped after {options.seconds:g} s", file=sys.stderr)
            return TIMED_OUT
        return status_of(scratch)


def arguments(prog: str, description: str) -> argparse.Namespace:
    """Parse the command line; everything from the first word that is not an option on is the command."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.set_defaults(prog=prog)
    add = parser.add_argument
    add("--seconds", type=float, default=600, help="time limit, boot included (%(default)s)")
    add("--memory", type=int, default=1024, metavar="MIB", help="the guest's memory (%(default)s)")
    add("--share", metavar="DIR", help="absolute path of a directory that the guest may write to")
    add("command", nargs=argparse.REMAINDER, metavar="CMD …")
    options = parser.parse_args()
    if not options.command:
        parser.error("no command given")
    return options


def leave(number: int, _frame: object) -> None:
    """Turn a signal into an orderly end, so that the kernel is killed and the scratch directory removed."""
    sys.exit(128 + number)


def main(prog: str, description: str, boot: Boot, scratch_base: Callable[[int], str]) -> int:
    """The whole runner.

    Args:
        prog: its name in messages.
        boot: starts the kernel.
        scratch_base: memory in MiB → where to make the scratch directory.
    """
    # With stdin closed, a pipe would get descriptor 0, which the kernel's own stdin then replaces.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    options = arguments(prog, description)
    scratch = None
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f"containerland-guest-{os.getpid()}-", dir=scratch_base(options.memory)))
        return run(options, boot, scratch)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
        return 128 + signal.SIGPIPE
    except NotRunError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return NOT_RUN
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
