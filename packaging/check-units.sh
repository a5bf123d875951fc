#!/bin/sh
# Reads units, users, directories and device rules as systemd does, with the given binary in the place of the installed one.
set -eu

binary=$(readlink -f "$1")
systemd=$(CDPATH='' cd "$(dirname "$0")/../systemd" && pwd)
image=$systemd/../packaging/image/rootfs/etc/systemd/system
# 2.0, lower is better; systemd counts in tenths here.
threshold=20

if ! command -v systemd-analyze >/dev/null; then
    echo "engawa: systemd-analyze is missing, the unit files are not checked" >&2
    exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for unit in "$systemd"/*.service "$systemd"/*.socket "$systemd"/*.path; do
    # What only a box has is stood for by what is everywhere.
    sed -e "s|^\(Exec[A-Za-z]*=[+-]*\)/usr/bin/engawa |\1$binary |; s|^\(ExecStart=\)/usr/bin/cage |\1/bin/true |" "$unit" >"$copy/$(basename "$unit")"
done
for unit in "$copy"/*.service "$copy"/*.socket "$copy"/*.path; do
    # A template is checked as one of its instances.
    case $unit in
    *@.service) instance=${unit%@.service}@sda1.service; ln -s "$unit" "$instance" ;;
    *) instance=$unit ;;
    esac
    said=$(systemd-analyze verify --man=no "$instance" 2>&1) || said="refused: $said"
    if [ -n "$said" ]; then
        echo "engawa: $(basename "$unit"): $said" >&2
        exit 1
    fi
done
for unit in "$systemd"/*.service "$image"/engawa-came-up.service; do
    systemd-analyze security --offline=true --no-pager --threshold="$threshold" "$unit" >"$copy/score" || {
        cat "$copy/score"
        echo "engawa: $(basename "$unit") is above $threshold tenths" >&2
        exit 1
    }
    tail -n 1 "$copy/score"
done

# Users and directories, made in a system that has nothing yet.
mkdir -p "$copy/root/etc"
if [ "$(id -u)" -eq 0 ]; then
    systemd-sysusers --root="$copy/root" "$systemd/sysusers.d/engawa.conf" 2>"$copy/said" || { cat "$copy/said"; exit 1; }
    systemd-tmpfiles --root="$copy/root" --create "$systemd/tmpfiles.d/engawa.conf"
    [ "$(stat -c %a "$copy/root/var/lib/engawa")" = 700 ] || { echo "engawa: tmpfiles.d makes no /var/lib/engawa" >&2; exit 1; }
else
    systemd-sysusers --dry-run "$systemd/sysusers.d/engawa.conf"
    echo "engawa: without root tmpfiles.d is not tried"
fi
# systemd 254 and later; tests/package.rs asks Debian 13's.
if command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1; then
    udevadm verify --resolve-names=never "$systemd"/udev/*.rules
fi
