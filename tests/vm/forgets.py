"""A box that is made to forget everything and set up anew from a stick, and one whose memory cannot be read."""

import time

import stick
from room import devices, linked


def everything(boxes, table):
    """As on the day it came; then the installer's stick."""
    box = boxes[1]
    begun = time.monotonic()
    box.send(0, "engawa reset --yes-forget-everything")
    box.wait_for_agent(400)
    box.wait_until("systemctl is-active --quiet engawa.service", 300)
    table.note("forgets everything → its guide", f"{time.monotonic() - begun:.0f} s")
    left = box.run("cd /; find /etc/engawa /var/lib/engawa -type f -name '*.key' -o -type f -name '*.toml' | grep -v panel || true")
    journals = box.run("journalctl --list-boots -q | wc -l")
    table.check("left of it", f"{left or 'no key, no setting'}; {journals} start(s) in the journal", not left and journals == "1")
    time.sleep(10)
    table.note("picture of the guide", box.screenshot("forgot"))
    file = box.directory.parent / "made/試験/北支所/engawa-box.toml"
    begun = time.monotonic()
    box.plug_stick(stick.make(box.directory / "stick.img", [(file, "engawa-box.toml")]))
    box.wait_until("test -e /etc/engawa/engawa.toml", 120)
    box.screenshot("taken-again")
    box.run("printf '%s\\n' '[camera]' 'size = \"320x180\"' 'fps = 5' >>/etc/engawa/engawa.toml")
    devices(box)
    linked(box, table, "file on a stick → linked", begun, 300)
    box.pull_stick()
    key = file.read_text(encoding="utf-8").split('identity = "')[1].split('"')[0]
    wiped = key.encode() not in stick.read(box.directory / "stick.img", "engawa-box.toml")
    table.check("secret key left on the stick", "no" if wiped else "yes", wiped)


def memory_lost(boxes, table):
    """The state partition is overwritten and the plug pulled: people must see why, not darkness."""
    box = boxes[1]
    box.run("dd if=/dev/zero of=/dev/engawa/state bs=1M count=64 conv=fsync status=none")
    box.pull_the_plug()
    begun = time.monotonic()
    box.switch_on()
    box.wait_for_agent(400)
    box.wait_until("systemctl is-active --quiet engawa.service", 300)
    time.sleep(10)
    state = box.run("findmnt -no SOURCE /state || echo 'not mounted'", check=False)
    table.check("state partition overwritten → guide", f"{time.monotonic() - begun:.0f} s, /state {state}", state == "not mounted")
    table.note("picture of it", box.screenshot("memory-lost"))
