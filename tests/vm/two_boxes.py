#!/usr/bin/env python3
"""Two boxes from the image that ships, joined by a virtual line, with real kernel devices: vivid as camera, snd-aloop as sound card.

    two_boxes.py IMAGE DIRECTORY

                 box-1 ═══ dgram over UNIX sockets ═══ box-2
    vivid ─ V4L2 ─┘ 192.0.2.1                192.0.2.2 └─ V4L2 ─ vivid
"""

import argparse
import json
import pathlib
import sys
import time

from box import Box, Trouble
from table import Table

# Small: two boxes are emulated on two cores.
CONFIG = """\
[box]
name = "{name}"

[peer]
address = "{far}:7420"

[trunk]
listen = "{near}:7420"

[camera]
source = "auto"
size = "320x180"
fps = 5
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    table = Table()
    ends = [str((arguments.directory / f"line-{n}").resolve()) for n in (1, 2)]
    boxes = []
    try:
        for number in (1, 2):
            near, far = ends[number - 1], ends[2 - number]
            line = f"dgram,local.type=unix,local.path={near},remote.type=unix,remote.path={far}"
            boxes.append(Box(f"box-{number}", arguments.image, arguments.directory / f"box-{number}", line=line))
        for box in boxes:
            box.switch_on()
        for number, box in enumerate(boxes, 1):
            box.wait_for_agent(400)
            prepare(box, number)
        pair(boxes)
        link(boxes, table)
    except Trouble:
        table.trouble("the run")
    finally:
        for box in boxes:
            box.pull_the_plug()
    sys.exit(table.finish())


def prepare(box, number):
    """Address, devices and configuration."""
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 600)
    near, far = f"192.0.2.{number}", f"192.0.2.{3 - number}"
    box.run(f"n=$(ls /sys/class/net | grep ^en | head -n 1); ip link set $n up; ip address add {near}/24 dev $n")
    box.run("modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0; modprobe snd-aloop")
    config = CONFIG.format(name=f"Room {number}", near=near, far=far)
    box.run(f"cat >/etc/engawa/engawa.toml <<'END'\n{config}END\nchmod 644 /etc/engawa/engawa.toml")


def pair(boxes):
    """On a bench: each takes the other's exported key, as the daemon's user."""
    as_daemon = "setpriv --reuid=engawa --regid=engawa --clear-groups engawa identity"
    for box in boxes:
        box.run("install -d -o engawa -g engawa -m 0700 /var/lib/engawa")
    keys = [box.run(f"{as_daemon} export --config /etc/engawa/engawa.toml") for box in boxes]
    for box, key in zip(boxes, reversed(keys)):
        box.run(f"cat >/tmp/other.key <<'END'\n{key}\nEND\n{as_daemon} import --config /etc/engawa/engawa.toml - </tmp/other.key")


def link(boxes, table):
    begun = time.monotonic()
    for box in boxes:
        box.run("systemctl start --no-block engawa.service")
    up = "engawa status --config /etc/engawa/engawa.toml --json | grep -q '\"link\":\"up\"'"
    for box in boxes:
        try:
            box.wait_until(up, 300, pause=3)
            table.check(f"{box.name}: daemon started → link up", f"{time.monotonic() - begun:.0f} s", True)
        except Trouble as trouble:
            table.check(f"{box.name}: daemon started → link up", trouble, False)
    time.sleep(20)
    for box in boxes:
        said = json.loads(box.run("engawa status --config /etc/engawa/engawa.toml --json"))
        came = said["picture_in"]
        good = said["camera"] == "live" and said["far_camera"] == "live" and not {"camera", "speaker", "screen"} & set(said["missing"])
        shown = f"camera {said['camera']}, far {said['far_camera']} {came['width']}×{came['height']}, {came['fps']} fps; missing {said['missing']}"
        table.check(f"{box.name}: real devices", shown, good)
        table.note(f"{box.name}: picture of the kiosk's screen", box.screenshot("linked"))


if __name__ == "__main__":
    main()
