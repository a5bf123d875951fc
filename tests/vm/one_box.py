#!/usr/bin/env python3
"""One box from the image that ships: first start, second start, what listens, what shows, and power cuts in the middle of writes.

    one_box.py IMAGE DIRECTORY [--cuts N] [--again]
"""

import argparse
import pathlib
import re
import sys
import time

from box import Box, Trouble
from table import Table

# What docs/flows.md lets a box listen to.
PORTS = {7420, 7422, 7423, 7424, 443, 631, 5353}

CONFIG = """\
[box]
name = "試験 1"

[peer]
address = "192.0.2.20:7420"

[trunk]
listen = "[::]:7420"

[camera]
source = "test"
size = "320x180"
fps = 5
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="with the disk of an earlier run, from its second start on")
    arguments = parser.parse_args()
    table = Table()
    box = Box("box-1", arguments.image, arguments.directory, keep=arguments.again)
    try:
        if arguments.again:
            box.switch_on()
            box.wait_for_agent()
        else:
            first_start(box, table)
        second_start(box, table)
        nobody_gets_in(box, table)
        screen(box, table)
        for number in range(arguments.cuts):
            power_cut(box, table, number + 1)
    except Trouble:
        table.trouble("the run")
        box.evidence()
    finally:
        box.pull_the_plug()
    sys.exit(table.finish())


def first_start(box, table):
    begun = time.monotonic()
    box.switch_on()
    box.wait_for_agent()
    table.note("first start: power-on → takes commands", f"{time.monotonic() - begun:.0f} s")
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 300)
    table.note("first start: power-on → slot B and state made", f"{time.monotonic() - begun:.0f} s, {box.cpu_seconds():.0f} CPU s")
    secure = box.run("od -An -t u1 -j 4 -N 1 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c; cat /sys/kernel/security/lockdown", check=False)
    table.check("Secure Boot, kernel lockdown", " ".join(secure.split()), secure.startswith("1") and "[integrity]" in secure)
    layout = box.run("lsblk -rno PARTLABEL,SIZE,FSTYPE,MOUNTPOINTS | grep engawa")
    table.check("partitions", "; ".join(layout.splitlines()), all(f"engawa-{x}" in layout for x in ("esp", "config", "a", "b", "state")))
    # The system in slot A, not the partition's unused rest.
    same = box.run("n=$(stat -fc '%b %S' / | { read -r a b; echo $((a * b)); }); cmp -n $n /dev/engawa/a /dev/engawa/b && echo same $n", 300)
    table.check("slot B is slot A", same, same.startswith("same"))
    # A fixed address, as most offices give: without network.toml the box asks for one (DHCP, UDP 68 of systemd-networkd).
    box.run("printf '%s\\n' 'address = \"192.0.2.10/24\"' >/etc/engawa/network.toml")
    box.run(f"cat >/etc/engawa/engawa.toml <<'END'\n{CONFIG}END\nchmod 644 /etc/engawa/engawa.toml")
    # Paired with a box that is not there, so that everything listens that ever does.
    box.run(
        "echo '[box]\nstate_directory = \"/tmp/other\"' >/tmp/other.toml && engawa identity export --config /tmp/other.toml >/tmp/other.key"
        " && setpriv --reuid=engawa --regid=engawa --clear-groups engawa identity import --config /etc/engawa/engawa.toml - </tmp/other.key"
    )
    box.run("echo kept >/var/lib/engawa/vm-test; sync; cat /etc/machine-id >/state/lib/vm-test-machine")


def second_start(box, table):
    before = box.run("cat /etc/machine-id; cat /proc/sys/kernel/random/boot_id").split()
    begun = time.monotonic()
    box.reboot()
    box.wait_until("systemctl is-active --quiet engawa.service", 240)
    table.note("second start: orderly restart → READY", f"{time.monotonic() - begun:.0f} s, {box.cpu_seconds():.0f} CPU s of the emulator")
    ready = int(box.run("systemctl show engawa -P ActiveEnterTimestampMonotonic")) / 1e6
    began = int(box.run("systemctl show engawa -P InactiveExitTimestampMonotonic")) / 1e6
    busy = box.run("awk '/^cpu /{print ($2+$3+$4+$7+$8)/100}' /proc/stat")
    table.note("second start: kernel start → READY", f"{ready:.1f} s ({began:.1f} s until the daemon began), {busy} CPU s in the box")
    box.wait_until("! systemctl is-system-running | grep -q -e starting -e initializing", 120)
    table.note("processor time while nothing happens", box.run("top -b -n 2 -d 10 | awk '/^top/{n++} n==2' | sed -n '3p;8,11p'", check=False))
    now = box.run("cat /etc/machine-id; cat /proc/sys/kernel/random/boot_id").split()
    kept = box.run("cat /var/lib/engawa/vm-test; ls /var/log/journal; journalctl --list-boots -q | wc -l", check=False).split()
    table.check("state kept over a restart", " ".join(kept), kept[0] == "kept" and int(kept[-1]) >= 2)
    table.check("same machine, new boot", f"{before[0][:8]} {now[0][:8]}", before[0] == now[0] and before[1] != now[1])
    notes = box.run("grub-editenv /efi/EFI/debian/grubenv list").replace("\n", " ")
    table.check("GRUB's notes", notes, "A_OK=1" in notes and "A_TRY=0" in notes and "B_OK=1" in notes)
    failed = box.run("systemctl --failed --plain --no-legend --no-pager")
    table.check("failed units", failed or "none", not failed)
    warned = box.run("journalctl -b -p err --no-pager -o cat | sort | uniq -c | sort -rn | head -n 12", check=False)
    table.note("errors in the journal", warned.replace("\n", "; ") or "none")
    blame = box.run("systemd-analyze; systemd-analyze blame | head -n 15; systemd-analyze critical-chain engawa.service", 300)
    (box.directory / "budget.txt").write_text(blame + "\n", encoding="utf-8")
    table.note("systemd-analyze", blame.splitlines()[0])


def nobody_gets_in(box, table):
    sockets = box.run("ss -H -lntup")
    strange = []
    for line in sockets.splitlines():
        port = re.search(r":(\d+)\s", line)
        if not port or int(port.group(1)) not in PORTS or '"engawa"' not in line:
            strange.append(" ".join(line.split()))
    table.check("listening sockets", f"{len(sockets.splitlines())}, all Engawa's" if not strange else "; ".join(strange), not strange and sockets)
    raw = box.run("ss -H -l -w -p; ss -H -l -0 -p")
    table.note("raw and packet sockets", raw.replace("\n", "; ") or "none")
    prompts = [line for line in box.serial().splitlines() if re.search(r"login:|password|grub>|\(initramfs\)|press enter", line, re.I)]
    table.check("login prompts on the serial line", prompts or "none", not prompts)
    shells = box.run("cat /proc/[0-9]*/comm | grep -E -c 'getty|login$|sulogin' || true")
    table.check("login programs running", shells, shells == "0")
    opened = box.run("awk -F: '$2 !~ /^([!*]|x$)/ {print $1}' /etc/passwd; awk -F: '$2 !~ /^[!*]/ {print $1}' /etc/shadow")
    table.check("accounts with a password", opened or "none", not opened)
    root = box.run("findmnt -no FSTYPE,OPTIONS /; touch /etc/x /usr/x 2>&1", check=False)
    table.check("root", root.splitlines()[0], root.startswith("squashfs ro") and "Read-only" in root)
    radio = box.run(r"find /usr/lib/modules | grep -cE '/(net/(wireless|usb|wwan|mac80211|bluetooth|nfc)|drivers/(bluetooth|nfc)|ipwireless)/.*\.ko' || true")
    table.check("drivers of radios and USB networks", radio, radio == "0")
    table.note("watchdog", box.run("journalctl -b --no-pager -o cat _PID=1 | grep -i watchdog | tail -n 2", check=False).replace("\n", "; "))


def screen(box, table):
    time.sleep(10)
    state = box.run("systemctl is-active engawa-screen.service; ls -l /run/engawa-screen/ | tail -n +2", check=False).replace("\n", "; ")
    table.check("kiosk", state, state.startswith("active") and "wayland-0" in state)
    table.note("picture of the kiosk's screen", box.screenshot("kiosk"))


def power_cut(box, table, number):
    """Pulls the plug while files, the journal and the daemon's state are written."""
    box.run(
        "nohup sh -c 'i=0; while :; do i=$((i+1)); head -c 200000 /dev/urandom >/var/lib/engawa/vm-new;"
        " { echo; echo $i; } >>/var/lib/engawa/vm-new; sync /var/lib/engawa/vm-new; mv /var/lib/engawa/vm-new /var/lib/engawa/vm-old;"
        " sync /var/lib/engawa; echo $i >/run/vm-reached; logger write $i; done' >/dev/null 2>&1 &"
    )
    time.sleep(3 + number)
    reached = box.run("cat /run/vm-reached")
    box.pull_the_plug()
    begun = time.monotonic()
    box.switch_on()
    box.wait_for_agent()
    box.wait_until("systemctl is-active --quiet engawa.service", 300)
    came = f"{time.monotonic() - begun:.0f} s to READY"
    kept = box.run("cat /var/lib/engawa/vm-test; tail -n 1 /var/lib/engawa/vm-old; stat -c %s /var/lib/engawa/vm-old").split()
    repaired = box.run("journalctl -b --no-pager -o cat -t systemd-fsck | tail -n 1", check=False)
    failed = box.run("systemctl --failed --plain --no-legend --no-pager")
    good = kept[0] == "kept" and int(kept[1]) >= int(reached) and int(kept[2]) > 200000 and not failed
    table.check(f"power cut {number} in write {reached}", f"{came}; write {kept[1]} whole; {repaired}; failed units: {failed or 'none'}", good)


if __name__ == "__main__":
    main()
