#!/bin/sh
# Reads the unit files as systemd does, with the given binary in the place of the installed one.
set -eu

binary=$(readlink -f "$1")
units=$(CDPATH='' cd "$(dirname "$0")/../systemd" && pwd)
# The aim is at most 2.0; systemd counts in tenths here.
threshold=20

if ! command -v systemd-analyze >/dev/null; then
    echo "engawa: systemd-analyze is missing, the unit files are not checked" >&2
    exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
sed "s|^ExecStart=/usr/bin/engawa |ExecStart=$binary |" "$units/engawa.service" >"$copy/engawa.service"
systemd-analyze verify --man=no "$copy/engawa.service"
systemd-analyze security --offline=true --no-pager --threshold="$threshold" "$units/engawa.service" | tail -n 1
systemd-sysusers --dry-run "$units/sysusers.d/engawa.conf"
