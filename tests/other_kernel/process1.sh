# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
#
# Sourced by process 1 of another kernel, once / is an overlay over this machine's files:
# a machine for the command, the command itself, and the end.
# Given: $scratch, $modules (the directory with modules.dep), $output (the device that the command's output goes to),
# and the function `share DIRECTORY`, which mounts a directory of the host at its own path, writable.

: "${scratch:?}" "${modules:?}" "${output:?}"

machine() {
    shared=$(cat "$scratch/share") # before /dev/shm or the like hides it
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    ln -s /proc/self/fd /dev/fd
    mkdir -p /dev/pts /dev/shm /var/lib/containerland
    mount -t devpts -o ptmxmode=666 devpts /dev/pts
    for directory in /dev/shm /run /var/lib/containerland; do
        mount -t tmpfs tmpfs "$directory"
    done
    mkdir -p /lib/modules
    ln -sfn "$modules" "/lib/modules/$(uname -r)"
    printf '%s\n' "$shared" | while read -r directory; do
        mkdir -p "$directory"
        share "$directory"
    done
    hostname containerland-guest
    ip link set lo up
}

# Through a pipe, so that the command sees no terminal.
run_command() {
    mkfifo /run/output
    cat /run/output >"$output" &
    writer=$!
    status=0
    sh "$scratch/command" </dev/null >/run/output 2>&1 || status=$?

    # What the command left running may still hold the pipe.
    for process in /proc/[0-9]*; do
        case ${process#/proc/} in 1 | "$writer") ;; *) kill -KILL "${process#/proc/}" 2>/dev/null || true ;; esac
    done
    wait "$writer"
    echo "$status" >"$scratch/status"
}
