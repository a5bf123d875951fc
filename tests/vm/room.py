"""What people in the two rooms do and see: the link, pairing, keys."""

import json
import time

import sound
from box import Trouble

CONFIG = "--config /etc/engawa/engawa.toml"
AS_DAEMON = "setpriv --reuid=engawa --regid=engawa --clear-groups engawa"
STATUS = f"engawa status {CONFIG} --json"


def devices(box):
    """What a start of the box forgets: the test's devices. The keyboard is QEMU's, on USB."""
    box.run("modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0")
    sound.card(box)


def link(boxes, table):
    begun = time.monotonic()
    for box in boxes:
        box.run("systemctl restart --no-block engawa.service")
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


def pair_in_place(boxes, table):
    """Both forget the other's key; a code read on one screen and typed at the other pairs them anew."""
    for box in boxes:
        box.run("systemctl stop engawa.service; rm /var/lib/engawa/peer.key")
    boxes[0].run(f"({AS_DAEMON} pair {CONFIG} >/tmp/pair.txt 2>&1; echo ended $? >>/tmp/pair.txt) >/dev/null 2>&1 &")
    code = boxes[0].wait_until("sed -n 's/.*code: //p' /tmp/pair.txt | grep .", 60)
    wrong = boxes[1].run(f'{AS_DAEMON} pair {CONFIG} --code {other(code)} 2>&1 || true', 120)
    said = boxes[1].run(f'{AS_DAEMON} pair {CONFIG} --code {code} 2>&1', 120, check=False)
    time.sleep(3)
    near = boxes[0].run("cat /tmp/pair.txt")
    words = [text.strip() for text in near.splitlines() if text.startswith("    ")]
    begun = time.monotonic()
    for box in boxes:
        box.run("systemctl start --no-block engawa.service")
    found = f"{words}; before it, with a wrong code: {wrong.splitlines()[-1]}" if words else f"{near} / {said}"
    table.check("pairing in place", found, words and words[0] in said)
    linked(boxes[1], table, "paired anew → link up", begun, 200)


def other(code):
    return code[:-1] + ("1" if code[-1] != "1" else "2")


def keys(boxes, table):
    """F1 asks for the far room's ear, F1 there answers; F2 opens a meeting; F4 draws the curtain and opens it."""
    one, two = boxes
    session = status(one)["session"]
    # Who presses what, what the other box then shows, and which microphones are open: near and far.
    for box, key, shows, mode, open_ones in (
        (one, "f1", '"knocked":true', "quiet", ["open", "closed"]),
        (two, "f1", '"mode":"talking"', "talking", ["open", "open"]),
        (one, "f2", '"mode":"meeting"', "meeting", None),
        (one, "f4", '"mode":"curtain"', "curtain", ["closed", "closed"]),
        (one, "f4", '"mode":"quiet"', "quiet", ["closed", "closed"]),
    ):
        other = two if box is one else one
        begun = time.monotonic()
        box.press(key)
        try:
            other.wait_until(f"{STATUS} | grep -q '{shows}'", 20, pause=0.1)
            took = f"{time.monotonic() - begun:.1f} s"
        except Trouble:
            took = "never"
        # An emulated microphone is late now and then.
        end = time.monotonic() + 15
        while True:
            said = [status(box) for box in boxes]
            modes, heard = [one["room"]["mode"] for one in said], [one["microphone"] for one in said]
            if (modes == [mode, mode] and (not open_ones or heard == open_ones)) or time.monotonic() > end:
                break
            time.sleep(0.5)
        same = said[0]["session"] == session
        good = took != "never" and same and modes == [mode, mode] and (not open_ones or heard == open_ones)
        table.check(f"key {key.upper()} at {box.name} → {shows} at the other", f"{took}; {modes}, microphones {heard}, same session: {same}", good)
        other.screenshot(f"key-{mode}")


def linked(box, table, what, begun, seconds):
    """A row with the time until the link was up."""
    try:
        box.wait_until(f"{STATUS} | grep -q '\"link\":\"up\"'", seconds)
        table.check(what, f"{time.monotonic() - begun:.0f} s", True)
    except Trouble as trouble:
        table.check(what, trouble, False)


def status(box):
    return json.loads(box.run(STATUS))
