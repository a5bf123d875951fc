#!/bin/sh
# Makes an update of the image: target/image/engawa-RELEASE.raucb, signed. Needs rauc and squashfs-tools, neither root nor a network.
#
#   engawa.img ── slot A ──▶ rootfs.img ─┐
#                         manifest.raucm ┴─ rauc bundle (verity) ── signer ──▶ engawa-RELEASE.raucb ── checked with the keyring
#
#   ENGAWA_ROOT         the squashfs of a system, instead of slot A of target/image/engawa.img
#   ENGAWA_RELEASE      what it calls itself; what is written in the image unless set
#   ENGAWA_SIGN_CERT, ENGAWA_SIGN_KEY   who signs: PEM files or PKCS#11 URLs; a builder's own (target/update-keys) unless set
#   ENGAWA_KEYRING      what boxes trust; the builder's own unless set
#   ENGAWA_BUNDLE       where to, instead of target/image/engawa-RELEASE.raucb
set -eu

here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
top=$(CDPATH='' cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
image=$target/image/engawa.img
keys=$target/update-keys

fail() {
    echo "engawa: $*" >&2
    exit 1
}
command -v rauc >/dev/null || fail "rauc is missing: packaging/apt-image.txt names what make bundle needs"

if [ -n "${ENGAWA_SIGN_CERT:-}" ] || [ -n "${ENGAWA_SIGN_KEY:-}" ]; then
    [ -n "${ENGAWA_KEYRING:-}" ] || fail "ENGAWA_SIGN_CERT and ENGAWA_SIGN_KEY need ENGAWA_KEYRING, which the bundle is checked with"
    cert=${ENGAWA_SIGN_CERT:?} key=${ENGAWA_SIGN_KEY:?}
else
    "$here/keys.sh" "$keys"
    cert=$keys/signer.pem key=$keys/signer.key
fi
keyring=${ENGAWA_KEYRING:-$keys/ca.pem}

mkdir -p "$target/image"
work=$(mktemp -d "$target/image/bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/content"
root=$work/content/rootfs.img
if [ -n "${ENGAWA_ROOT:-}" ]; then
    cp "$ENGAWA_ROOT" "$root"
else
    [ -e "$image" ] || fail "no $image: run make image first, or name a squashfs with ENGAWA_ROOT"
    # Slot A is partition 3; a squashfs says itself how long it is.
    begin=$(sfdisk --dump "$image" | sed -n 's/.*start= *\([0-9]*\),.*name="engawa-a".*/\1/p')
    [ -n "$begin" ] || fail "$image has no slot A"
    length=$(od -An -t u8 -j $((begin * 512 + 40)) -N 8 "$image" | tr -d ' ')
    blocks=$(((length + 4095) / 4096))
    dd if="$image" of="$root" bs=4096 skip=$((begin / 8)) count="$blocks" status=none
fi
[ "$(head -c 4 "$root")" = hsqs ] || fail "the system is no squashfs"

release=${ENGAWA_RELEASE:-$(unsquashfs -cat "$root" usr/lib/engawa-image/release 2>/dev/null || true)}
case $release in
'' | [!0-9]* | *[!A-Za-z0-9.+~-]*) fail "\"$release\" is no release" ;;
esac
bundle=${ENGAWA_BUNDLE:-$target/image/engawa-$release.raucb}
compatible=$(sed -n 's/^compatible=//p' "$here/rootfs/etc/rauc/system.conf")
cat >"$work/content/manifest.raucm" <<MANIFEST
[update]
compatible=$compatible
version=$release

[bundle]
format=verity

[image.rootfs]
filename=rootfs.img
MANIFEST

rauc --cert="$cert" --key="$key" --keyring="$keyring" bundle "$work/content" "$work/new.raucb" >"$work/said" 2>&1 || {
    cat "$work/said" >&2
    fail "the bundle was not made"
}
# As a box will check it.
sed "s|^path=.*|path=$keyring|" "$here/rootfs/etc/rauc/system.conf" >"$work/system.conf"
rauc --conf="$work/system.conf" info "$work/new.raucb" >"$work/said" 2>&1 || {
    cat "$work/said" >&2
    fail "boxes would not trust this bundle"
}
mv "$work/new.raucb" "$bundle"
echo "engawa: $bundle: $(($(stat -c %s "$bundle") / 1000000)) MB, release $release"
