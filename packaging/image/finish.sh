#!/bin/sh
# Turns the unpacked Debian system in ROOT into that of a box. Run by mmdebstrap, before it packs the system up.
set -eu

root=$1
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "$@"; }

# The same numbers in every version: the state partition outlives the slots.
inside systemd-sysusers /usr/lib/sysusers.d/engawa-numbers.conf 2>/dev/null

# Engawa itself, with the packages that it names.
cp "$ENGAWA_PACKAGE" "$root/tmp/engawa.deb"
inside apt-get install -y -q --no-install-recommends /tmp/engawa.deb >"$ENGAWA_OUT/apt.log" 2>&1 || {
    cat "$ENGAWA_OUT/apt.log" >&2
    exit 1
}
rm "$root/tmp/engawa.deb"

# Shim and GRUB for the EFI partition.
grub=$(sed 's/[[:space:]]*#.*//' "$here/esp-packages.txt" | xargs)
# shellcheck disable=SC2086  # a list of words
(cd "$ENGAWA_OUT/esp" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download -q $grub >/dev/null 2>&1)
for package in "$ENGAWA_OUT"/esp/*.deb; do dpkg-deb -x "$package" "$ENGAWA_OUT/esp"; done

# What the package keeps for boxes; then our files, over those that packages brought.
cp -R "$root/usr/share/engawa/box/." "$root/etc/"
cp -R "$here/rootfs/." "$root/"
install -m 644 "$ENGAWA_KEYRING" "$root/etc/rauc/keyring.pem"
echo "$ENGAWA_RELEASE" >"$root/usr/lib/engawa-image/release"
chmod 644 "$root/usr/lib/engawa-image/release"
mkdir -p "$root/state" "$root/efi" "$root/etc/engawa"
echo engawa >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 engawa\n' >"$root/etc/hosts"
# No name is ever resolved.
rm -f "$root/etc/resolv.conf"
sed -i 's/^hosts:.*/hosts: files/' "$root/etc/nsswitch.conf"
ln -sf /usr/share/zoneinfo/Asia/Tokyo "$root/etc/localtime"
# Empty, not absent: GRUB hands the name over that `came-up` noted, and nothing counts as a first start.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
# Nobody has a password: base-passwd leaves root without one that could be typed. A package that set one would be a surprise.
! grep -v '^[^:]*:[*!x]' "$root/etc/passwd" || { echo "engawa: an account without a lock" >&2; exit 1; }

# Nobody logs in, anywhere; nothing runs that only an administrator would want.
inside systemctl --quiet set-default multi-user.target
inside systemctl --quiet enable systemd-networkd.service systemd-repart.service engawa-came-up.service engawa-screen.service
inside systemctl --quiet disable systemd-networkd-wait-online.service remote-fs.target 2>/dev/null || true
for unit in getty@.service serial-getty@.service autovt@.service console-getty.service container-getty@.service getty.target \
    getty-static.service debug-shell.service ctrl-alt-del.target systemd-firstboot.service systemd-journald-audit.socket \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    grub-common.service systemd-pstore.service seatd.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p "$root/etc/systemd/system-generators"
ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-getty-generator"

# Kernel and RAM disk under names that grub.cfg knows. Microcode for every Intel processor, not for the one of this machine.
printf 'IUCODE_TOOL_INITRAMFS=early\nIUCODE_TOOL_SCANCPUS=no\n' >>"$root/etc/default/intel-microcode"
inside update-initramfs -u -k all >>"$ENGAWA_OUT/apt.log" 2>&1
rm -f "$root"/vmlinuz* "$root"/initrd.img*
mv "$root"/boot/vmlinuz-* "$root/boot/vmlinuz"
mv "$root"/boot/initrd.img-* "$root/boot/initrd.img"
rm -f "$root"/boot/System.map-* "$root"/boot/config-*
rm -rf "$root/boot/grub"

# Nothing is installed on a box but whole slots. Then the lock: what is left.
unused='apt libapt-pkg7.0 debian-archive-keyring sqv'
# shellcheck disable=SC2086
inside dpkg --remove $unused >>"$ENGAWA_OUT/apt.log" 2>&1
# shellcheck disable=SC2086
"$here/lock.py" write "$root" "$ENGAWA_OUT/engawa.lock" $grub
# shellcheck disable=SC2086
inside dpkg --purge $unused >>"$ENGAWA_OUT/apt.log" 2>&1
# Not /tmp and nothing of apt's: mmdebstrap's own configuration lies there, without which its apt would work on this machine. build.sh does it.
rm -rf "$root"/var/log/* "$root"/var/backups/* \
    "$root"/etc/passwd- "$root"/etc/group- "$root"/etc/shadow- "$root"/etc/gshadow- "$root"/var/lib/dpkg/*-old "$root"/etc/.pwd.lock

# Times first, then the lists that hold times: fontconfig's and GStreamer's, without which every start is slow.
find "$root/usr" "$root/etc" "$root/boot" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
factory=/usr/share/factory/engawa
mkdir -p "$root$factory"
inside fc-cache -f >/dev/null
cp -R "$root/var/cache/fontconfig" "$root$factory/fontconfig"
inside env GST_REGISTRY=$factory/gstreamer-registry.bin /usr/bin/engawa doctor >"$ENGAWA_OUT/doctor.log" 2>&1 || true
[ -s "$root$factory/gstreamer-registry.bin" ] || { echo "engawa: GStreamer's list of plugins was not made; see doctor.log" >&2; exit 1; }
