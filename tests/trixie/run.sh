#!/bin/sh
# The end-to-end core on Debian 12 and on Debian 13 (GStreamer 1.26), the same binary, results side by side. Needs root.
#
#   this machine (Debian 12)                     target/trixie/root (Debian 13)
#   tests ── namespaces, faults, clocks ──────── chroot … engawa run      twice, one in each namespace
#
# The tests run here both times; only the daemons move. ENGAWA_QUICK=1 leaves out the cut of five minutes.
set -eu

cd "$(dirname "$0")/../.."
here=$PWD
target=${CARGO_TARGET_DIR:-$here/target}
root=$target/trixie/root
out=$target/trixie
filter='binary(net_faults) | binary(mitm_engawa)'
ignored=all
[ -z "${ENGAWA_QUICK:-}" ] || ignored=default

if [ "$(id -u)" -ne 0 ]; then
    echo "engawa: make test-trixie needs root: it makes a chroot and network namespaces" >&2
    exit 1
fi
tests/trixie/bootstrap.sh "$root"
# Mounts in a namespace of their own: they are gone with it, whatever happens.
if [ -z "${ENGAWA_MOUNTED:-}" ]; then
    ENGAWA_MOUNTED=1 exec unshare --mount --propagation private "$here/tests/trixie/run.sh"
fi
cargo build --locked
cargo nextest run --locked --no-run --test net_faults --test mitm_engawa
for place in /proc /sys /dev /tmp; do
    mount --rbind "$place" "$root$place"
done
# One binary for both systems, safe from builds meanwhile; the tests' files lie under /tmp.
cp "$target/debug/engawa" "$out/engawa"
mkdir -p "$root$out"
mount --bind "$out" "$root$out"
wrapper=$out/engawa-in-debian13
cat >"$wrapper" <<WRAPPER
#!/bin/sh
exec chroot '$root' '$out/engawa' "\$@"
WRAPPER
chmod +x "$wrapper"

# system NAME [VARIABLE=VALUE]: runs the tests; keeps the log, a line per test and a line per figure.
failed=
system() {
    name=$1
    shift
    echo "engawa: $name …"
    env "$@" TMPDIR=/tmp cargo nextest run --locked --profile ci --no-fail-fast --run-ignored "$ignored" \
        --status-level pass --success-output immediate -E "$filter" >"$out/$name.log" 2>&1 || failed="$failed $name"
    sed -n 's/^ *\(PASS\|FAIL\|TERMINATING\) *\[ *\([0-9.]*s\)\].*engawa::\(.*\)$/test \3|\1 \2/p' "$out/$name.log" |
        sort -u >"$out/$name.results"
    sed -n 's/^ *measured: \(.*\): \([^:]*\)$/\1|\2/p' "$out/$name.log" | sort -u >>"$out/$name.results"
}

system debian12 "ENGAWA_BIN=$out/engawa"
# Its registry of plugins is written once, not by two daemons at the same moment.
"$wrapper" doctor >"$out/doctor.log" 2>&1 || true
system debian13 "ENGAWA_BIN=$wrapper"

printf '\n%-88s  %-24s  %s\n' 'end-to-end core' 'Debian 12' 'Debian 13'
LC_ALL=C awk -F '|' '
    FNR == 1 { column++ }
    { if (!($1 in seen)) { seen[$1] = 1; order[++count] = $1 } value[$1, column] = $2 }
    END { for (i = 1; i <= count; i++) printf "%-88s  %-24s  %s\n", order[i], value[order[i], 1], value[order[i], 2] }
' "$out/debian12.results" "$out/debian13.results"
if [ -n "$failed" ]; then
    echo "engawa: failed on$failed; see $out/*.log" >&2
    exit 1
fi
