#!/usr/bin/env python3
"""Two boxes from the image that ships, joined by a virtual line, with real kernel devices: vivid as camera, snd-aloop as sound card.

    two_boxes.py IMAGE DIRECTORY

                 box-1 ═══ datagrams over UNIX sockets ═══ box-2
    vivid ─ V4L2 ─┘ 192.0.2.1                    192.0.2.2 └─ V4L2 ─ vivid
    snd-aloop ─ ALSA                                   ALSA ─ snd-aloop
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
STATUS = "engawa status --config /etc/engawa/engawa.toml --json"
CARD = "$(ls /sys/class/net | grep ^en | head -n 1)"
VIVID = "/sys/bus/platform/drivers/vivid"
LOOP = "/sys/bus/platform/drivers/snd_aloop"


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
        for step in (weather, cut, killed, camera_gone, sound_gone, plug_pulled):
            step(boxes, table)
    except Trouble:
        table.trouble("the run")
        for box in boxes:
            box.evidence()
    finally:
        for box in boxes:
            box.pull_the_plug()
    sys.exit(table.finish())


def prepare(box, number):
    """Address, devices and configuration."""
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 600)
    near, far = f"192.0.2.{number}", f"192.0.2.{3 - number}"
    config = CONFIG.format(name=f"Room {number}", near=near, far=far)
    box.run(f"cat >/etc/engawa/engawa.toml <<'END'\n{config}END\nchmod 644 /etc/engawa/engawa.toml")
    devices(box, number)


def devices(box, number):
    """What a start of the box forgets: its address and the test's devices."""
    box.run(f"ip link set {CARD} up; ip address add 192.0.2.{number}/24 dev {CARD}")
    box.run("modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0; modprobe snd-aloop")


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
    for box in boxes:
        linked(box, table, f"{box.name}: daemon started → link up", begun, 300)
    time.sleep(20)
    for box in boxes:
        said = status(box)
        came = said["picture_in"]
        good = said["camera"] == "live" and said["far_camera"] == "live" and not {"camera", "speaker", "screen"} & set(said["missing"])
        shown = f"camera {said['camera']}, far {said['far_camera']} {came['width']}×{came['height']}, {came['fps']} fps; missing {said['missing']}"
        table.check(f"{box.name}: real devices", shown, good)
        table.note(f"{box.name}: picture of the kiosk's screen", box.screenshot("linked"))


def weather(boxes, table):
    box = boxes[0]
    session = status(box)["session"]
    box.run(f"tc qdisc add dev {CARD} root netem delay 50ms 10ms loss 5%")
    time.sleep(20)
    said = status(box)
    good = said["link"] == "up" and said["session"] == session
    table.check("50 ms, 5 % loss for 20 s", f"{said['link']}, round trip {said['rtt_ms']} ms, same session: {said['session'] == session}", good)
    box.run(f"tc qdisc del dev {CARD} root")


def cut(boxes, table):
    box = boxes[0]
    box.run(f"ip link set {CARD} down")
    time.sleep(10)
    state = status(box)["link"]
    box.screenshot("cut")
    box.run(f"ip link set {CARD} up")
    linked(box, table, f"cut of 10 s (link {state}) → link up", time.monotonic(), 60)


def killed(boxes, table):
    boxes[1].run("systemctl kill --signal=KILL engawa.service")
    begun = time.monotonic()
    boxes[1].wait_until("systemctl is-active --quiet engawa.service", 60)
    linked(boxes[1], table, "daemon killed → link up", begun, 120)


def camera_gone(boxes, table):
    box = boxes[0]
    box.run(f"echo vivid.0 >{VIVID}/unbind")
    box.wait_until(f"{STATUS} | grep -q '\"missing\":\\[[^]]*\"camera\"'", 60)
    said = status(box)
    table.check("camera unbound", f"link {said['link']}, camera {said['camera']}", said["link"] == "up" and said["camera"] != "live")
    box.run(f"echo vivid.0 >{VIVID}/bind")
    begun = time.monotonic()
    box.wait_until(f"{STATUS} | grep -q '\"camera\":\"live\"'", 90)
    table.note("camera bound again → live", f"{time.monotonic() - begun:.0f} s")


def sound_gone(boxes, table):
    box = boxes[0]
    box.run(f"echo snd_aloop.0 >{LOOP}/unbind", seconds=90)
    box.wait_until(f"{STATUS} | grep -q '\"missing\":\\[[^]]*\"speaker\"'", 90)
    said = status(box)
    table.check("sound card gone", f"link {said['link']}, missing {said['missing']}", said["link"] == "up")
    box.run(f"echo snd_aloop.0 >{LOOP}/bind")
    begun = time.monotonic()
    box.wait_until(f"! {STATUS} | grep -q '\"missing\":\\[[^]]*\"speaker\"'", 90)
    table.note("sound card back → speaker found", f"{time.monotonic() - begun:.0f} s")


def plug_pulled(boxes, table):
    box = boxes[1]
    box.pull_the_plug()
    begun = time.monotonic()
    box.switch_on()
    box.wait_for_agent(400)
    devices(box, 2)
    linked(box, table, "plug pulled, power on → link up", begun, 300)


def linked(box, table, what, begun, seconds):
    """A row with the time until the link was up."""
    try:
        box.wait_until(f"{STATUS} | grep -q '\"link\":\"up\"'", seconds)
        table.check(what, f"{time.monotonic() - begun:.0f} s", True)
    except Trouble as trouble:
        table.check(what, trouble, False)


def status(box):
    return json.loads(box.run(STATUS))


if __name__ == "__main__":
    main()
