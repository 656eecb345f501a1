#!/bin/sh
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the roles have to know of a node before they change it; run by tasks/look.yml, which says what the lines mean.
# Usage: sh look.sh PYTHON KINDS FILES PROXY PACKAGE=PROGRAM...

python=$1 kinds=$2 files=$3 proxy=$4
shift 4
PATH=$PATH:/usr/sbin:/sbin

[ ! -r /etc/os-release ] || (. /etc/os-release && echo "os $ID ${ID_LIKE:-}")
for package in "$@"; do
    program=${package#*=}
    case $program in
        python:*) "$python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('${program#python:}') is None)" ;;
        *) command -v "$program" >/dev/null ;;
    esac || echo "missing ${package%%=*}"
done

# A scratch namespace is the test that cannot lie: it finds built-in features, loads modules, and harms nothing.
# shellcheck disable=SC2016,SC2086  # for the shell inside; a word for each kind
unshare --net sh -c '
    for kind in "$@"; do
        case $kind in
            vxlan) set -- id 1 dstport 4789 ;;
            *) set -- ;;
        esac
        if ip link add name probe type "$kind" "$@" >/dev/null 2>&1; then
            echo "has $kind"
            ip link delete probe 2>/dev/null
        else
            echo "lacking $kind"
        fi
    done' sh $kinds

# Only where somebody may use it, for it is a module to load; in check mode it is not loaded.
case $proxy in
    none | iptables) ;;
    check) if [ -e /proc/net/ip_vs ] || modprobe -n -q ip_vs; then echo "has ipvs"; fi ;;
    *) if { [ -e /proc/net/ip_vs ] || modprobe -q ip_vs; } && [ -e /proc/net/ip_vs ]; then echo "has ipvs"; fi ;;
esac 2>/dev/null

for family in -4 -6; do
    ip -o $family route show table all | grep -oE 'via (inet6 )?[^ ]+' | sed -E 's/via (inet6 )?/gateway /'
done
ip -o address show | sed -nE 's/^[0-9]+: +([^ ]+) +inet6? ([^ /]+).*/address \2 \1/p'
for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    [ ! -r "$file" ] || sed -nE 's/^nameserver[[:space:]]+([^[:space:]%]+).*/nameserver \1/p' "$file"
done

[ ! -d /run/systemd/system ] || echo "init systemd"
for file in $files; do
    [ ! -e "$file" ] || echo "file $file $(stat -c '%a %u %g' "$file") $(sha256sum <"$file" | cut -d' ' -f1)"
done
for file in /var/lib/containerland/*.json /var/lib/containerland/*/*.json /run/containerland/commands/*.json; do
    [ ! -e "$file" ] || echo "state ${file%.json}"
done
sed -n 's/^# BEGIN containerland.net /names /p' /etc/hosts /etc/netns/*/hosts 2>/dev/null | sort -u
for file in /run/containerland.health/*.json; do
    [ ! -r "$file" ] || { name=${file##*/}; echo "failing ${name%.json} $(tr -d '\n' <"$file")"; }
done
true
