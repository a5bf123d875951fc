# shellcheck shell=sh
# Runs what the test sends over virtio-serial, one command after the other. Not in the image: it comes as a credential (box.py).
#
#   host ──  NUMBER BASE64(command) ──▶ sh
#   host ◀── NUMBER EXITCODE BASE64(output)
exec 3<>/dev/virtio-ports/engawa.test
printf 'here\n' >&3
while read -r number command <&3; do
    printf %s "$command" | base64 -d >/run/vm-test.cmd
    sh /run/vm-test.cmd >/run/vm-test.out 2>&1 </dev/null
    printf '%s %s %s\n' "$number" "$?" "$(base64 -w 0 /run/vm-test.out)" >&3
done
