#!/bin/sh
# Installs the Debian packages of the given lists that are missing. Does nothing, and needs no network, if all are there.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: packaging/install.sh LIST..." >&2
    exit 2
fi
if ! command -v dpkg-query >/dev/null; then
    echo "engawa: this is not Debian; install what these lists name by hand: $*" >&2
    exit 0
fi

# What an installed package provides is there too: a newer nodejs than Debian's brings npm with it.
have=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | sed -n 's/^installed //p' | sed 's/ ([^)]*)//g' | tr -s ', ' '\n')
missing=
wanted=$(sed 's/#.*//' "$@" | sort -u)
for package in $wanted; do
    printf '%s\n' "$have" | grep -qxF "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=$(command -v sudo) || {
        echo "engawa: missing packages:$missing. Run once as root: apt-get install$missing" >&2
        exit 1
    }
fi

echo "engawa: installing$missing"
install() {
    # Unquoted on purpose: both are lists of words.
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
# The package index may be old or absent; it is fetched only then.
install || { $as_root apt-get update -q && install; } || {
    echo "engawa: these packages could not be installed:$missing" >&2
    exit 1
}
