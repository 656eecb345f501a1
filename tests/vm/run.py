# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in this checkout in a virtual machine: Debian's kernel, with this machine's files.

Output streams to stdout, the command's exit status is passed on. 124 says that the time limit was reached,
125 that the machine could not run the command at all (its console is then on stderr).
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[1]))

from other_kernel import guest
from vm.image import image

# Debian 12 has it with QEMU, later releases have a package of that name.
FILE_SERVER_PATH = "/usr/libexec:/usr/lib/qemu"


def scratch_base(_mebibytes: int) -> str:
    return tempfile.gettempdir()


def machine(scratch: Path, mebibytes: int) -> list[str]:
    """Return the command that runs the machine; its standard output is that of the guest's command."""
    made = image()
    accelerator = (made / "accelerator").read_text()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        accelerator = "tcg"
    kernel_line = f'console=ttyS0 quiet panic=-1 mitigations=off checkout="{guest.CHECKOUT}" scratch={scratch}'
    return [
        *(guest.program("qemu-system-x86_64", "qemu-system-x86"), "-nodefaults", "-nographic", "-no-reboot"),
        *("-accel", accelerator, "-cpu", "max", "-m", f"{mebibytes}M", "-nic", "none"),
        *("-kernel", str(made / "system" / "kernel"), "-initrd", str(made / "initramfs"), "-append", kernel_line),
        *("-chardev", f"file,id=console,path={scratch}/console,append=on", "-serial", "chardev:console"),
        *("-chardev", "file,id=output,path=/dev/stdout,append=on", "-device", "virtio-serial-pci"),
        *("-device", "virtserialport,chardev=output"),
        *("-object", f"memory-backend-memfd,id=memory,size={mebibytes}M,share=on", "-numa", "node,memdev=memory"),
        *("-chardev", f"socket,id=files,path={scratch}/files", "-device", "vhost-user-fs-pci,chardev=files,tag=host"),
    ]


def file_server(descriptor: int) -> list[str]:
    """Return the command that serves this machine's files to who connects to that socket."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    server = guest.program("virtiofsd", "virtiofsd or qemu-system-common", FILE_SERVER_PATH)
    options = ["-o", "source=/", "-o", "sandbox=chroot", "-o", "cache=always", f"--rlimit-nofile={limit}"]
    return [server, f"--fd={descriptor}", *options]


def boot(scratch: Path, mebibytes: int, output: int) -> subprocess.Popen[bytes]:
    """Start the machine and the server of its files in one process group."""
    if os.geteuid() != 0:
        # Overlays open files with O_NOATIME, which is for their owner only (open(2)).
        raise guest.NotRunError("only root can serve this machine's files to the virtual machine")
    command = machine(scratch, mebibytes)
    with socket.socket(socket.AF_UNIX) as listener, open(scratch / "console", "ab") as console:
        listener.bind(f"{scratch}/files")
        listener.listen()
        server = file_server(listener.fileno())
        kernel = start(command, 0, output, console.fileno())
        # Only the server has the socket then: if it fails, the machine does too.
        start(server, kernel.pid, console.fileno(), console.fileno(), listener.fileno())
    return kernel


def start(command: list[str], group: int, output: int, errors: int, *descriptors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        pass_fds=descriptors,
        preexec_fn=lambda: os.setpgid(0, group),
    )


if __name__ == "__main__":
    sys.exit(guest.main("tests/vm/run", __doc__.splitlines()[0], boot, scratch_base))
