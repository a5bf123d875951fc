"""Updates from a USB stick: one that is good, files that are none, and one whose daemon does not start."""

import json
import pathlib
import time

import stick
from box import Trouble
from room import devices, linked, status

# Emulated: a good start takes about a minute until the rooms are linked.
TRIAL_S = 150
CREDENTIALS = {"systemd.unit-dropin.engawa-came-up.service": f"[Service]\nEnvironment=ENGAWA_TRIAL_SECONDS={TRIAL_S}\n"}
# Where run.sh leaves what bundles.sh made of the image.
BUNDLES = pathlib.Path("bundles")


def refused(boxes, table):
    """A file that only calls itself a bundle, and a good one that was changed in one place."""
    box = boxes[0]
    bundle = bundles(box) / "next.raucb"
    garbage, changed = (box.directory / f"{name}.raucb" for name in ("garbage", "changed"))
    garbage.write_bytes(b"hsqs" + bytes(100_000))
    # A small part of it: its last bytes, where the signature is, without the system that it signs.
    changed.write_bytes(bundle.read_bytes()[-200_000:])
    for file in (garbage, changed):
        session, slot = status(box)["session"], running(box)
        old = report(box)[0]
        box.plug_stick(stick.make(box.directory / "stick.img", [(file, "engawa-bad.raucb")], mib=64))
        said = wait_for(box, ("refused", "failed"), 120, old)
        box.screenshot(f"refused-{file.stem}")
        box.pull_stick()
        now = status(box)
        good = now["link"] == "up" and now["session"] == session and running(box) == slot
        table.check(f"bundle {file.stem}", f"{said['state']}: {said['japanese']}; same session: {now['session'] == session}", good)


def from_a_stick(boxes, table):
    box = boxes[0]
    before = running(box)
    begun = time.monotonic()
    seen = install(box, bundles(box) / "next.raucb")
    table.note("update: stick plugged in → installed", "; ".join(f"{state} {after:.0f} s" for state, after in seen))
    restarted(box)
    linked(box, table, "update: stick plugged in → new system linked", begun, 300)
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 200)
    after = running(box)
    kept = box.run("cat /var/lib/rauc/came-up").replace("\n", "; ")
    table.check("update: what runs", f"{before} → {after}; {kept}", after[0] == before[0] + ".1" and after[1] != before[1])
    far = running(boxes[1])
    table.check("N+1 linked with N", f"{after[0]} and {far[0]}", status(boxes[1])["link"] == "up" and far[0] == before[0])
    version = box.run("engawa --version")
    table.check("engawa --version", version, after[0] in version)
    box.screenshot("updated")


def broken(boxes, table):
    box = boxes[0]
    before = running(box)
    begun = time.monotonic()
    install(box, bundles(box) / "broken.raucb")
    starts = 0
    # Three starts on trial, then the other slot.
    while True:
        box.wait_for_agent(600)
        starts += 1
        if running(box)[1] == before[1]:
            break
        if starts > 4:
            raise Trouble(f"{box.name}: still on trial after {starts} starts")
    devices(box)
    linked(box, table, "broken update: stick plugged in → old system linked", begun, 300)
    box.wait_until("test -e /run/engawa-update/report.json", 120)
    said = json.loads(box.run("cat /run/engawa-update/report.json"))
    table.check("broken update: rolled back", f"{starts - 1} starts; {running(box)}; {said['japanese']}", running(box) == before)
    box.screenshot("rolled-back")


def bundles(box):
    return box.directory.parent.parent / BUNDLES


def running(box):
    """Release and slot."""
    return box.run("cat /usr/lib/engawa-image/release; sed -n 's/.*rauc.slot=\\([AB]\\).*/\\1/p' /proc/cmdline").split()


def install(box, bundle):
    """Plugs a stick in and waits until the box restarts; when which state was seen first."""
    begun, old = time.monotonic(), report(box)[0]
    box.plug_stick(stick.make(box.directory / "stick.img", [(bundle, "engawa-update.raucb")], mib=1280))
    seen = []
    while not seen or seen[-1][0] != "installed":
        written, said = report(box)
        state = said.get("state", "none") if written != old else "none"
        if state in ("refused", "failed"):
            raise Trouble(f"{box.name}: {state}: {said['english']}")
        if state not in [known for known, _ in seen]:
            seen.append((state, time.monotonic() - begun))
            box.screenshot(f"update-{state}")
        if time.monotonic() - begun > 900:
            raise Trouble(f"{box.name}: not installed within 900 s: {said}")
        time.sleep(0.5)
    box.pull_stick()
    return seen


def restarted(box):
    box.wait_for_agent(600)
    devices(box)


def wait_for(box, states, seconds, old):
    """Waits for a report in one of these states that is another one than `old`."""
    end = time.monotonic() + seconds
    while True:
        written, said = report(box)
        if written != old and said.get("state") in states:
            return said
        if time.monotonic() > end:
            raise Trouble(f"{box.name}: none of {states} within {seconds} s: {said}")
        time.sleep(0.5)


def report(box):
    """Which file it is (a new one each time it is written), and what stands in it."""
    written, _, said = box.run("stat -c '%i %y' /run/engawa-update/report.json; cat /run/engawa-update/report.json", check=False).partition("\n")
    return written, json.loads(said) if said.startswith("{") else {}
