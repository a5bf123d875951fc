#!/bin/sh
# Builds the image of a box: target/image/engawa.img.gz, with its package list (engawa.lock) and its bill of materials
# (engawa.sbom.json) beside it. Needs root, a Debian mirror and nothing else from the network. Does nothing if the image of the same inputs is there.
#
#   mmdebstrap ── finish.sh ──▶ root ── mksquashfs ──▶ slot A ─────┐
#   shim, GRUB, grub.cfg ── mtools ──▶ EFI partition ──────────────┼─ disk.sh ──▶ engawa.img ── gzip ──▶ engawa.img.gz
#   README.txt ── mtools ──▶ engawa-config ────────────────────────┘
#
#   ENGAWA_MIRRORS   the mirror's lines ("URL SUITE COMPONENT…", separated by ;) instead of those this machine's apt uses; a snapshot, for STRICT
#   STRICT=1         fails if a package differs from packaging/image/lock
#   ENGAWA_KEYRING   the certificate that update bundles are checked with; a builder's own, target/update-keys, unless set
#   ENGAWA_RELEASE   what the image calls itself; the package's version and the time below (0.1.0+20261123.0214) unless set
#   FRESH=1          builds although the inputs are the same (the mirror may have newer packages)
#   SOURCE_DATE_EPOCH  the time written into the image; the last commit's unless set
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
top=$(CDPATH='' cd "$here/../.." && pwd)
out=${CARGO_TARGET_DIR:-$top/target}/image

fail() {
    echo "engawa: $*" >&2
    exit 1
}
[ "$(id -u)" -eq 0 ] || fail "make image needs root: it unpacks a Debian system with its owners"

# The package, exactly one.
set -- "$(dirname "$out")"/debian/engawa_*.deb
[ -e "$1" ] || fail "no package in $(dirname "$out")/debian: run make deb first"
[ $# -eq 1 ] || fail "several packages in $(dirname "$out")/debian; keep the one to install: $*"
package=$1
keys=$(dirname "$out")/update-keys
keyring=${ENGAWA_KEYRING:-}
if [ -z "$keyring" ]; then
    "$here/keys.sh" "$keys"
    keyring=$keys/ca.pem
fi

# From the mirror that this machine's apt uses, unless told otherwise.
mirrors=${ENGAWA_MIRRORS:-}
if [ -z "$mirrors" ]; then
    # shellcheck disable=SC2016  # apt's own variable
    sites=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
    main=$(echo "$sites" | grep -v security | head -n 1)
    security=$(echo "$sites" | grep security | head -n 1)
    [ -n "$main" ] || fail "apt knows no Debian mirror to take Debian 13 from"
    mirrors="$main trixie main non-free-firmware"
    [ -z "$security" ] || mirrors="$mirrors;$security trixie-security main non-free-firmware"
fi

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
release_wished=${ENGAWA_RELEASE:-}
: "${ENGAWA_RELEASE:=$(dpkg-deb -f "$package" Version)+$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M)}"
export ENGAWA_RELEASE

# What the image is made of, but not from when the last commit is.
inputs=$({
    echo "$release_wished"
    cd "$here" && find . -type f ! -name lock -print0 | sort -z | xargs -0 sha256sum
    sha256sum <"$package"
    sha256sum <"$keyring"
    echo "$mirrors"
} | sha256sum | cut -c 1-16)
if [ -z "${FRESH:-}" ] && [ "$(cat "$out/inputs" 2>/dev/null)" = "$inputs" ] && [ -e "$out/engawa.img.gz" ]; then
    echo "engawa: the image of these inputs is there: $out/engawa.img.gz"
    exit 0
fi

begun=$(date +%s)
# A build that was killed leaves its /proc and /dev mounted there.
if grep -q " $out/root/" /proc/mounts; then
    fail "an earlier build is still mounted below $out/root: umount what /proc/mounts names there, then try again"
fi
rm -rf --one-file-system "$out"
mkdir -p "$out/esp"
words() { sed 's/[[:space:]]*#.*//' "$1" | xargs; }

# The list of sources, as apt reads it. Debian 13's keys come with this machine's debian-archive-keyring.
echo "$mirrors" | tr ';' '\n' | sed 's/^ *//; s/^[^[]/deb &/' >"$out/sources.list"

echo "engawa: building the system, about five minutes …"
excludes=$(words "$here/excluded.txt" | tr ' ' '\n' | sed 's/^/--dpkgopt=path-exclude=/')
# Unquoted on purpose: one option a word. Licences stay.
set -f
# shellcheck disable=SC2086
ENGAWA_PACKAGE=$package ENGAWA_OUT=$out ENGAWA_KEYRING=$keyring \
    mmdebstrap --quiet --mode=root --variant=apt --format=directory \
    --include="$(words "$here/packages.txt" | tr ' ' ',')" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    $excludes --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --setup-hook="cp -R '$here/rootfs/.' \"\$1/\"" \
    --customize-hook="'$here/finish.sh' \"\$1\"" --skip=cleanup/apt \
    trixie "$out/root" "$out/sources.list" || fail "the Debian system could not be built; see the lines above"
set +f
# What mmdebstrap still needed at its end.
rm -rf "$out"/root/etc/apt "$out"/root/var/lib/apt "$out"/root/var/cache/* "$out"/root/var/log/* "$out"/root/tmp/*
"$here/lock.py" compare "$here/lock" "$out/engawa.lock" ${STRICT:+--strict}
"$here/lock.py" bill "$out/engawa.lock" "$top/Cargo.lock" "$out/engawa.sbom.json"

echo "engawa: writing slot A …"
# gzip: GRUB reads it (zstd in squashfs it does not). Kernel and RAM disk are compressed already.
mksquashfs "$out/root" "$out/root.squashfs" -comp gzip -b 256K -no-progress -quiet -no-xattrs -action 'uncompressed@subpathname(boot)' >/dev/null
rm -rf --one-file-system "$out/root"
"$here/disk.sh" "$out"
rm -r "$out/esp" "$out/root.squashfs"
echo "$ENGAWA_RELEASE" >"$out/release"

# Little to gain, slots are compressed already; but the file is small, and every program that writes images reads it.
echo "engawa: compressing …"
gzip --keep --force -1 --no-name "$out/engawa.img"
echo "$inputs" >"$out/inputs"
echo "engawa: $out/engawa.img.gz: $(($(stat -c %s "$out/engawa.img.gz") / 1000000)) MB compressed," \
    "$(wc -l <"$out/engawa.lock") packages, built in $(($(date +%s) - begun)) s"
