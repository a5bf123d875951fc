#!/bin/sh
# One box, then two joined by a line, from the image in TARGET/image. Logs, pictures and disks: TARGET/vm.
set -eu

target=${1:?usage: tests/vm/run.sh TARGET}
cd "$(dirname "$0")"
case $target in /*) ;; *) target=../../$target ;; esac
image=$target/image/engawa.img
export PYTHONDONTWRITEBYTECODE=1
failed=
./one_box.py "$image" "$target/vm/one" || failed=yes
./two_boxes.py "$image" "$target/vm/two" || failed=yes
[ -z "$failed" ]
