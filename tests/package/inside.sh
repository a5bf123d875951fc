#!/bin/sh
# Runs SCRIPT as root in the system that ROOT is, with all that it changes kept in WORK: ROOT stays as it was made. Whatever SCRIPT
# started ends with it.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: tests/package/inside.sh ROOT WORK SCRIPT" >&2
    exit 2
fi
if [ -z "${ENGAWA_INSIDE:-}" ]; then
    ENGAWA_INSIDE=1 exec unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"
fi
root=$1 work=$2 script=$3
mkdir -p "$work/upper" "$work/scratch" "$work/system"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/scratch" "$work/system"
mount -t proc proc "$work/system/proc"
mkdir -p "$work/system/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$work/system/dev/shm"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    chroot "$work/system" /bin/sh -euc "$script"
