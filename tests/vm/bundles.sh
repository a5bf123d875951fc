#!/bin/sh
# Updates for the virtual machines, from the image in IMAGE's directory: what ships, with the next release's name, and the same with a
# daemon that does not start. Leaves OUT/next.raucb and OUT/broken.raucb; made once for an image.
set -eu

image=${1:?usage: tests/vm/bundles.sh IMAGE OUT}
out=${2:?usage: tests/vm/bundles.sh IMAGE OUT}
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
made=$(cat "$(dirname "$image")/inputs")
if [ "$(cat "$out/inputs" 2>/dev/null)" = "$made" ]; then
    exit 0
fi
rm -rf "$out"
mkdir -p "$out"

# Slot A: the third partition. squashfs knows its own length.
start=$(sfdisk --json "$image" | python3 -c 'import json, sys; print(next(p["start"] for p in json.load(sys.stdin)["partitiontable"]["partitions"] if p["name"] == "engawa-a"))')
unsquashfs -quiet -no-progress -offset "$((start * 512))" -dest "$out/root" "$image" >/dev/null
release=$out/root/usr/lib/engawa-image/release
now=$(cat "$release")

# pack NAME RELEASE
pack() {
    echo "$2" >"$release"
    mksquashfs "$out/root" "$out/$1.squashfs" -comp gzip -b 256K -no-progress -quiet -no-xattrs -action 'uncompressed@subpathname(boot)' >/dev/null
    ENGAWA_ROOT=$out/$1.squashfs ENGAWA_BUNDLE=$out/$1.raucb "$top/packaging/image/bundle.sh"
    rm "$out/$1.squashfs"
}
pack next "${now}.1"
printf '#!/bin/sh\nexit 1\n' >"$out/root/usr/bin/engawa"
pack broken "${now}.2"
rm -rf "$out/root"
echo "$made" >"$out/inputs"
