# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machines of the fleet boot: a disk with a small Debian 12, and the kernel of tests/vm.

All is made once in .cache/fleet of the checkout; remove the directory to get newer packages.
`python3 -m fleet.image` in tests does that before it is needed, so with a network; it needs root.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from other_kernel.guest import CHECKOUT, NotRunError, program
from vm import image as kernel

CACHE = CHECKOUT / ".cache" / "fleet"
#: What is made: the disk, the initramfs, the key that opens the machines, and the key that proves them.
DISK, INITRAMFS, KEY, HOST_KEY = (CACHE / name for name in ("disk", "initramfs", "key", "host_key.pub"))
SOURCES = (Path(__file__), Path(__file__).with_name("initramfs"))
RELEASE = "bookworm"
PACKAGES = (
    *("systemd-sysv", "udev", "openssh-server", "sudo", "python3", "python3-pyroute2"),
    *("iproute2", "iptables", "ipset", "kmod", "procps", "iputils-ping"),
)
MODULES = ("virtio_pci", "virtio_blk")
USER = "admin"
MEBIBYTES = 640
#: Enabled beside what the packages enable: the address comes with the kernel's command line.
UNITS = {
    "multi-user.target.wants": ("systemd-networkd.service",),
    "network-online.target.wants": ("systemd-networkd-wait-online.service",),
    "sysinit.target.wants": ("systemd-network-generator.service",),
}
#: What a machine that lives for minutes does not need; emulated, it would cost seconds of each boot.
IDLE = ("e2scrub_reap.service", "systemd-pstore.service", "remote-fs.target", "getty@tty1.service")


def image() -> None:
    """Make DISK, INITRAMFS, KEY and HOST_KEY if they are not current."""
    if is_current():
        return
    kernel.image()
    CACHE.mkdir(parents=True, exist_ok=True)
    with kernel.locked(CACHE / "lock"):
        if not is_current():
            make()


def is_current() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return (CACHE / "stamp").read_text() == stamp()
    return False


def stamp() -> str:
    """Names the files that say how it is made, and the kernel whose modules are on the disk."""
    parts = [path.read_bytes() for path in SOURCES]
    parts.append(kernel.modules_of(kernel.SYSTEM).name.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make() -> None:
    if os.geteuid() != 0:
        raise NotRunError("only root can make the file system of the machines")
    (CACHE / "stamp").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="make-", dir=CACHE) as name:
        root, start = Path(name, "root"), Path(name, "initramfs")
        bootstrap(root)
        furnish(root)
        write_disk(root, Path(name, "disk"))
        start.mkdir()
        kernel.write_initramfs(start, INITRAMFS, SOURCES[1], MODULES)
    (CACHE / "stamp").write_text(stamp())


def bootstrap(root: Path) -> None:
    """Debian's packages, without what nobody reads there."""
    unread = (f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man"))
    hook = f'--customize-hook=chroot "$1" useradd --create-home --shell /bin/bash {USER}'
    options = ["--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", *unread, hook]
    kernel.command(program("mmdebstrap", "mmdebstrap"), *options, RELEASE, str(root))


def furnish(root: Path) -> None:
    """The way in, the kernel's modules, and which units start."""
    shutil.copytree(kernel.modules_of(kernel.SYSTEM), root / "lib" / "modules" / kernel.modules_of(kernel.SYSTEM).name)
    let_in(root)
    for name, units in UNITS.items():
        directory = root / "etc" / "systemd" / "system" / name
        directory.mkdir(exist_ok=True)
        for unit in units:
            (directory / unit).symlink_to(f"/lib/systemd/system/{unit}")
    wants = root / "etc" / "systemd" / "system"
    shutil.rmtree(wants / "timers.target.wants")
    for unit in IDLE:
        for link in wants.glob(f"*.wants/{unit}"):
            link.unlink()
    # As an installer writes it. Whoever becomes root has sudo ask for the machine's own name, and nobody answers there.
    names = "".join(f"192.0.2.{10 + number} node{number}\n" for number in (1, 2, 3))
    (root / "etc" / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{names}")
    (root / "etc" / "resolv.conf").write_text("")
    # Each machine gets its own from the kernel's command line.
    (root / "etc" / "machine-id").write_text("")
    (root / "etc" / "hostname").unlink(missing_ok=True)


def let_in(root: Path) -> None:
    """A key for the user, who becomes root without a password; of the machine's own keys, one."""
    for path in (KEY, KEY.with_suffix(".pub")):
        path.unlink(missing_ok=True)
    keygen = program("ssh-keygen", "openssh-client")
    kernel.command(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f", str(KEY))
    home = root / "home" / USER
    owner = home.stat()
    (home / ".ssh").mkdir(mode=0o700)
    authorized = home / ".ssh" / "authorized_keys"
    shutil.copy(KEY.with_suffix(".pub"), authorized)
    for path in (home / ".ssh", authorized):
        os.chown(path, owner.st_uid, owner.st_gid)
    sudoers = root / "etc" / "sudoers.d" / USER
    sudoers.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    sudoers.chmod(0o440)
    for path in (root / "etc" / "ssh").glob("ssh_host_*_key*"):
        if "ed25519" not in path.name:
            path.unlink()
    shutil.copy(root / "etc" / "ssh" / "ssh_host_ed25519_key.pub", HOST_KEY)


def write_disk(root: Path, target: Path) -> None:
    """An ext4 file system with the content of a directory (mke2fs(8), -d)."""
    with target.open("wb") as file:
        file.truncate(MEBIBYTES << 20)
    kernel.command(program("mkfs.ext4", "e2fsprogs"), "-q", "-F", "-m", "0", "-d", str(root), str(target))
    target.rename(DISK)


if __name__ == "__main__":
    try:
        image()
    except (NotRunError, OSError, subprocess.SubprocessError) as problem:
        sys.exit(f"tests/fleet: {problem}")
