#!/bin/sh
# Packs a built engawa for Debian 12 and 13: packaging/deb.sh BINARY DIRECTORY. Leaves DIRECTORY/engawa_VERSION_ARCHITECTURE.deb.
#
# dpkg-deb alone, of what stands below: one binary and some forty small files need no build system. Two runs of the same commit give
# the same bytes. ENGAWA_VERSION gives another version, ENGAWA_QUICK=1 packs quickly and large; both are for tests.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: packaging/deb.sh BINARY DIRECTORY" >&2
    exit 2
fi
binary=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
cd "$(dirname "$0")/.."

version=${ENGAWA_VERSION:-$("$binary" --version | cut -d ' ' -f 2)}
architecture=$(dpkg --print-architecture)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 1)}"
export SOURCE_DATE_EPOCH LC_ALL=C

umask 022
stage=$(mktemp -d "$out/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT
# put MODE TARGET FILE...: as install(1), with the directory.
put() {
    mode=$1 target=$stage/$2
    shift 2
    mkdir -p "$target"
    install -m "$mode" -t "$target" "$@"
}

put 755 usr/bin "$binary"
[ "$(basename "$binary")" = engawa ] || mv "$stage/usr/bin/$(basename "$binary")" "$stage/usr/bin/engawa"
strip --strip-unneeded --remove-section=.comment "$stage/usr/bin/engawa"

put 644 usr/lib/systemd/system systemd/*.service systemd/*.socket systemd/*.path
put 644 usr/lib/sysusers.d systemd/sysusers.d/engawa.conf
put 644 usr/lib/tmpfiles.d systemd/tmpfiles.d/engawa.conf
put 644 usr/lib/udev/rules.d systemd/udev/*.rules

# The defaults are compiled in; these say them. What belongs to a box, not to an installer's PC, is laid over /etc by hand or by the image.
put 644 usr/share/engawa config/engawa.toml
put 644 usr/share/engawa/examples config/examples/*.toml
put 644 usr/share/engawa/hw/keypads hw/keypads/*.toml
for room in hw/profiles/*/; do put 644 "usr/share/engawa/$room" "$room"*.toml; done
cp -r systemd/box "$stage/usr/share/engawa/box"

put 644 usr/share/doc/engawa README.md CHANGELOG.md docs/*.md hw/UNTRIED.md packaging/deb/copyright
# What is linked in, and under which licence.
cargo tree --locked --offline --edges normal --no-dedupe --prefix none --format '{p}: {l}' |
    sed 's/ (proc-macro)//; s/ ([^)]*)//' | sort -u >"$stage/usr/share/doc/engawa/crates"
# In Debian's form, which only says where the changes stand.
printf 'engawa (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^Maintainer: //p' packaging/deb/control)" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" |
    gzip -9n >"$stage/usr/share/doc/engawa/changelog.gz"

"$binary" papers "$stage/papers"
put 644 usr/share/man/man1 "$stage"/papers/man/*.1
gzip -9n "$stage"/usr/share/man/man1/*.1
put 644 usr/share/bash-completion/completions "$stage/papers/completions/engawa.bash"
mv "$stage/usr/share/bash-completion/completions/engawa.bash" "$stage/usr/share/bash-completion/completions/engawa"
put 644 usr/share/zsh/vendor-completions "$stage/papers/completions/_engawa"
put 644 usr/share/fish/vendor_completions.d "$stage/papers/completions/engawa.fish"
rm -r "$stage/papers"

depends=$(sed 's/#.*//' packaging/apt-run.txt | xargs | sed 's/ /, /g')
size=$(du -sk --apparent-size "$stage" | cut -f 1)
(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage.md5sums"
put 755 DEBIAN packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm
mv "$stage.md5sums" "$stage/DEBIAN/md5sums"
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@DEPENDS@/$depends/" \
    packaging/deb/control >"$stage/DEBIAN/control"
chmod -R u=rwX,go=rX "$stage"

pack=-Zxz
[ -z "${ENGAWA_QUICK:-}" ] || pack='-Zgzip -z1'
# Unquoted on purpose: a list of words.
# shellcheck disable=SC2086
dpkg-deb --root-owner-group $pack --build "$stage" "$out/engawa_${version}_$architecture.deb" >&2
echo "$out/engawa_${version}_$architecture.deb"
