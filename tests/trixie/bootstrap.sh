#!/bin/sh
# Makes a Debian 13 system with what engawa needs to run, in the directory ROOT; does nothing if it is there.
# From the mirror that this machine's apt uses. Needs root.
set -eu

root=${1:?usage: tests/trixie/bootstrap.sh ROOT}
cd "$(dirname "$0")/../.."
packages=$(sed 's/#.*//' packaging/apt-run.txt | xargs | tr ' ' ',')

# Made whole or not at all; made again when the list of packages changes.
stamp=$root/.engawa-packages
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then
    exit 0
fi
# shellcheck disable=SC2016  # apt's own variable
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | grep -v security | sort -u | head -n 1)
[ -n "$mirror" ] || { echo "engawa: apt knows no Debian mirror to take Debian 13 from" >&2; exit 1; }
rm -rf "$root"
mkdir -p "$root"
# No documentation and no translations; the unit files' services are never started in a chroot.
mmdebstrap --quiet --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --aptopt='APT::Install-Recommends "false"' trixie "$root" "$mirror"
printf '%s' "$packages" >"$stamp"
