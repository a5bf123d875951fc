#!/bin/sh
# One box, then two joined by a line, from the image in TARGET/image. Logs, pictures and disks: TARGET/vm.
#
#   tests/vm/run.sh TARGET          everything but what `power` does
#   tests/vm/run.sh TARGET power    twenty power-offs, ten interrupted updates, writes lost and reordered; goes on where it was stopped
set -eu

target=${1:?usage: tests/vm/run.sh TARGET [power]}
cd "$(dirname "$0")"
case $target in /*) ;; *) target=../../$target ;; esac
image=$target/image/engawa.img
export PYTHONDONTWRITEBYTECODE=1
CARGO_TARGET_DIR=$(readlink -f "$target")
export CARGO_TARGET_DIR
./bundles.sh "$image" "$target/vm/bundles"
if [ "${2:-}" = power ]; then
    exec ./power.py "$image" "$target/vm/power" --bundle "$target/vm/bundles/next.raucb"
fi
failed=
./one_box.py "$image" "$target/vm/one" || failed=yes
./two_boxes.py "$image" "$target/vm/two" || failed=yes
[ -z "$failed" ]
