#!/bin/sh
# Makes a Debian system (bookworm or trixie) with what the package depends on, in the directory ROOT; does nothing if it is there.
# From the mirror that this machine's apt uses. Needs root.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: tests/package/bootstrap.sh bookworm|trixie ROOT" >&2
    exit 2
fi
release=$1 root=$2
cd "$(dirname "$0")/../.."

# systemd and udev: the package's users, directories and units. Debian 13's cage is the first that the kiosk can use; grim looks at it.
more=systemd,udev
[ "$release" = bookworm ] || more=$more,cage,grim
packages=$(sed 's/#.*//' packaging/apt-run.txt | xargs | tr ' ' ','),$more

mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9
# Made whole or not at all; made again when the list of packages changes.
stamp=$root/.engawa-packages
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then
    exit 0
fi
# shellcheck disable=SC2016  # apt's own variable
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | grep -v security | sort -u | head -n 1)
[ -n "$mirror" ] || { echo "engawa: apt knows no Debian mirror to take Debian from" >&2; exit 1; }
rm -rf "$root"
mkdir -p "$root"
# Without documentation, for speed; the package's own is to be installed, so that the rule does not stay.
# shellcheck disable=SC2016  # mmdebstrap's own parameter
mmdebstrap --quiet --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --customize-hook='rm "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
    --aptopt='APT::Install-Recommends "false"' "$release" "$root" "$mirror"
printf '%s' "$packages" >"$stamp"
