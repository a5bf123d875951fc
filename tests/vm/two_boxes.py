#!/usr/bin/env python3
"""Two boxes from the image that ships, joined by a virtual line, with real kernel devices: vivid as camera, snd-aloop as sound card, a USB keyboard.

    two_boxes.py IMAGE DIRECTORY [--only STEP]… [--again]

                 box-1 ═══ datagrams over UNIX sockets ═══ box-2
    vivid ─ V4L2 ─┘ 192.0.2.1                    192.0.2.2 └─ V4L2 ─ vivid      its clock stands in 2016
    snd-aloop ─ ALSA                                   ALSA ─ snd-aloop
"""

import argparse
import pathlib
import re
import shutil
import sys
import time

import far
import faults
import forgets
import hardened
import room
import update
from box import Box, Trouble
from room import AS_DAEMON, CONFIG, linked, status
from table import Table

STEPS = (
    room.link,
    room.pair_in_place,
    room.keys,
    faults.weather,
    faults.cut,
    faults.killed,
    faults.camera_gone,
    faults.camera_hung,
    faults.sound_gone,
    hardened.walls,
    faults.plug_pulled,
    update.refused,
    update.from_a_stick,
    update.broken,
    forgets.everything,
    forgets.memory_lost,
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="the link, then this step alone")
    parser.add_argument("--again", action="store_true", help="with the disks of an earlier run")
    arguments = parser.parse_args()
    table = Table()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    ends = [str((arguments.directory / f"line-{n}").resolve()) for n in (1, 2)]
    files = provision(arguments)
    boxes = []
    try:
        for number in (1, 2):
            near, far = ends[number - 1], ends[2 - number]
            line = f"dgram,local.type=unix,local.path={near},remote.type=unix,remote.path={far}"
            box = Box(f"box-{number}", arguments.image, arguments.directory / f"box-{number}", line=line, keep=arguments.again)
            box.credentials |= update.CREDENTIALS
            if not arguments.again:
                box.put(files[number - 1], "engawa-box.toml")
            boxes.append(box)
        begun = time.monotonic()
        for box in boxes:
            box.switch_on()
        for number, box in enumerate(boxes):
            if arguments.again:
                box.wait_for_agent(400)
                room.devices(box)
                box.wait_until("systemctl is-active --quiet engawa.service", 300)
            else:
                set_up(box, table, files[number], begun)
        if not arguments.again:
            same_words(boxes, table, arguments.directory)
        # From here on. A start would bring it back to when the image was made: systemd's epoch.
        boxes[1].run("date --set '2016-01-01 12:00'")
        for step in STEPS:
            if step is STEPS[0] or not arguments.only or step.__name__ in arguments.only:
                one(step, boxes, table)
    except Trouble:
        table.trouble("the run")
        for box in boxes:
            box.evidence()
    finally:
        for box in boxes:
            box.pull_the_plug()
    sys.exit(table.finish())


def one(step, boxes, table):
    """A step that fails leaves the others their turn."""
    try:
        step(boxes, table)
    except Trouble:
        table.trouble(step.__name__)
        for box in boxes:
            box.evidence(step.__name__)


def provision(arguments):
    if not arguments.again:
        shutil.rmtree(arguments.directory / "made", ignore_errors=True)
    return far.provision(arguments.image.parent.parent / "release/engawa", arguments.directory)


def set_up(box, table, file, begun):
    """From power-on until the box took its file, and has devices. Small pictures: two boxes are emulated on two cores."""
    box.wait_for_agent(400)
    box.wait_until("test -e /etc/engawa/engawa.toml", 600)
    table.note(f"{box.name}: power-on → took its file", f"{time.monotonic() - begun:.0f} s")
    box.screenshot("taken")
    box.run("printf '%s\\n' '[camera]' 'size = \"320x180\"' 'fps = 5' >>/etc/engawa/engawa.toml")
    room.devices(box)
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 600)
    table.note(f"{box.name}: power-on → slot B made, daemon ready", f"{time.monotonic() - begun:.0f} s, {box.cpu_seconds():.0f} CPU s")
    key = re.search(r'identity = "([0-9a-f]{32,})"', file.read_text(encoding="utf-8")).group(1)
    left = box.run(f"grep -c {key} /dev/engawa/config || true")
    table.check(f"{box.name}: secret key left on the config partition", "no" if left == "0" else "yes", left == "0")
    failed = box.run("systemctl --failed --plain --no-legend --no-pager")
    table.check(f"{box.name}: failed units", failed or "none", not failed)


def same_words(boxes, table, directory):
    sheet = (directory / "made/試験/確認票.txt").read_text(encoding="utf-8")
    words = [box.run(f"{AS_DAEMON} identity words {CONFIG}").splitlines()[-1].strip() for box in boxes]
    table.check("six words: sheet, box-1, box-2", words[0], words[0] == words[1] and words[0] in sheet)


if __name__ == "__main__":
    main()
