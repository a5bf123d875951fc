#!/bin/sh
# Writes the disk OUT/engawa.img from OUT/root.squashfs and OUT/esp, without mounting anything.
#
#   1 MiB   128 MiB           32 MiB               2 GiB                  1 MiB
#   table │ 1 engawa-esp   │ 2 engawa-config   │ 3 engawa-a           │ copy of the table
#         │ FAT: shim, GRUB │ FAT: engawa-box.toml │ squashfs: the system │
#
# Slot B (2 GiB) and the state partition follow at the first start: rootfs/usr/lib/repart.d.
set -eu

out=$1
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
image=$out/engawa.img
mib=1048576
esp=128
config=32
slot=2048

size=$(stat -c %s "$out/root.squashfs")
if [ "$size" -gt $((slot * mib)) ]; then
    echo "engawa: the system has $((size / mib)) MiB; a slot takes $slot" >&2
    exit 1
fi

# fat FILE MIB BITS NAME ID: an empty FAT file system, the same every time.
fat() {
    truncate -s "$(($2 * mib))" "$1"
    mkfs.fat --invariant -F "$3" -n "$4" -i "$5" "$1" >/dev/null
}

tree=$out/esp/tree
mkdir -p "$tree/EFI/BOOT" "$tree/EFI/debian"
cp "$out/esp/usr/lib/shim/shimx64.efi.signed" "$tree/EFI/BOOT/BOOTX64.EFI"
cp "$out/esp/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$tree/EFI/BOOT/grubx64.efi"
options=$(sed 's/[[:space:]]*#.*//' "$here/kernel-options.txt" | xargs)
sed "s|@OPTIONS@|$options|" "$here/grub.cfg" >"$tree/EFI/debian/grub.cfg"
# An environment block is 1024 bytes: a heading, lines, number signs.
{
    printf '# GRUB Environment Block\nORDER=A B\nA_OK=1\nA_TRY=0\n'
    head -c 1024 /dev/zero | tr '\0' '#'
} | head -c 1024 >"$tree/EFI/debian/grubenv"
find "$tree" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
fat "$out/esp.fat" $esp 32 ENGAWA-ESP 45534701
# One by one: the order of a directory is not the same everywhere.
mmd -i "$out/esp.fat" ::EFI ::EFI/BOOT ::EFI/debian
for file in EFI/BOOT/BOOTX64.EFI EFI/BOOT/grubx64.efi EFI/debian/grub.cfg EFI/debian/grubenv; do
    mcopy -m -i "$out/esp.fat" "$tree/$file" "::$file"
done

cp "$here/README.txt" "$out/esp/"
touch --date="@$SOURCE_DATE_EPOCH" "$out/esp/README.txt"
fat "$out/config.fat" $config 16 ENGAWA 45534702
mcopy -m -i "$out/config.fat" "$out/esp/README.txt" ::

truncate -s $(((1 + esp + config + slot + 1) * mib)) "$image"
sfdisk --quiet "$image" <<TABLE
label: gpt
label-id: 656e6761-7761-4000-8000-000000000000
first-lba: 2048
start=1MiB, size=${esp}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=656e6761-7761-4000-8000-000000000001, name=engawa-esp
size=${config}MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=656e6761-7761-4000-8000-000000000002, name=engawa-config
size=${slot}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=656e6761-7761-4000-8000-000000000003, name=engawa-a
TABLE
place() { dd if="$1" of="$image" bs=$mib seek="$2" conv=notrunc,sparse status=none; }
place "$out/esp.fat" 1
place "$out/config.fat" $((1 + esp))
place "$out/root.squashfs" $((1 + esp + config))
rm "$out/esp.fat" "$out/config.fat"
