#!/usr/bin/env python3
"""Hard power-offs of one box whose far box is a daemon of this machine: in the middle of writes, and in the middle of updates.

    power.py IMAGE DIRECTORY [--offs 20] [--updates 10] [--replays 40] [--bundle FILE]

Goes on where an earlier run was stopped: DIRECTORY/tally.json holds what was tried so far. `rm -r DIRECTORY` begins anew.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import replay
import stick
from box import Box, Trouble
from far import FarBox, provision
from table import Table
from update import CREDENTIALS, report

# Files, the journal and the daemon's ledger, as fast as the disk takes them. `vm-old` ends with its number and is whole, always.
WRITER = (
    "nohup sh -c 'i=$(tail -n 1 /var/lib/engawa/vm-old 2>/dev/null || echo 0); while :; do i=$((i+1));"
    " { head -c 100000 /dev/zero | tr \"\\\\0\" x; echo; echo $i; } >/var/lib/engawa/vm-new;"
    " sync /var/lib/engawa/vm-new; mv /var/lib/engawa/vm-new /var/lib/engawa/vm-old; sync /var/lib/engawa; echo $i >/run/vm-reached;"
    " logger write $i; done' >/dev/null 2>&1 &"
    " nohup sh -c 'while :; do for mode in curtain quiet; do engawa mode --config /etc/engawa/engawa.toml $mode; sleep 1; done; done' >/dev/null 2>&1 &"
)
WRITTEN_BYTES = 100001


class Tally:
    """What was tried so far, on disk after every try."""

    def __init__(self, directory):
        self.path = directory / "tally.json"
        self.tries = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else []

    def add(self, kind, good, text):
        self.tries.append({"kind": kind, "good": bool(good), "text": text})
        self.path.write_text(json.dumps(self.tries, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        number, came = self.count(kind)
        print(f"{'  ' if good else '✗ '}{kind} {number}: {text} — so far {came} of {number} came back", flush=True)

    def count(self, kind):
        same = [one for one in self.tries if one["kind"] == kind]
        return len(same), sum(one["good"] for one in same)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("image", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--offs", type=int, default=20)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--replays", type=int, default=40)
    parser.add_argument("--bundle", type=pathlib.Path)
    arguments = parser.parse_args()
    directory = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    program = (arguments.image.parent.parent / "release/engawa").resolve()
    table, tally = Table(), Tally(directory)
    files = provision(program, directory)
    far = FarBox(program, files[1], directory / "far")
    box = None
    try:
        fresh = not (directory / "box/disk.img").exists()
        box = Box("box-1", arguments.image, directory / "box", line=far.line, prefix=far.prefix, keep=True)
        box.credentials |= CREDENTIALS
        if fresh:
            box.put(files[0], "engawa-box.toml")
        begin(box, far)
        while tally.count("power-off")[0] < arguments.offs:
            power_off(box, far, tally)
        if arguments.bundle and tally.count("update")[0] < arguments.updates:
            updates(box, far, tally, arguments)
        if tally.count("replay")[0] < arguments.replays:
            replays(box, far, tally, arguments.replays)
    except Trouble:
        table.trouble("the run")
        box.evidence()
    finally:
        if box:
            box.pull_the_plug()
        far.end()
    for kind in ("power-off", "update", "replay"):
        number, came = tally.count(kind)
        if number:
            table.check(kind, f"{came} of {number} came back", came == number)
    sys.exit(table.finish())


def begin(box, far):
    """The box as the next try needs it: linked. Small pictures: it is emulated."""
    box.switch_on()
    box.wait_for_agent(400)
    box.wait_until("test -e /etc/engawa/engawa.toml", 600)
    if box.run("grep -c 320x180 /etc/engawa/engawa.toml || true") == "0":
        box.run("printf '%s\\n' '[camera]' 'source = \"test\"' 'size = \"320x180\"' 'fps = 5' >>/etc/engawa/engawa.toml; sync; systemctl restart engawa.service")
    box.wait_until("systemctl is-active --quiet engawa-came-up.service", 600)
    box.run("cd /var/lib/engawa; test -e vm-old || { head -c 100000 /dev/zero | tr '\\0' x; echo; echo 0; } >vm-old; sync")
    far.wait_linked(300)


def power_off(box, far, tally):
    generator = replay.seeded(f"power-off {tally.count('power-off')[0]}")
    box.run(WRITER)
    time.sleep(generator.uniform(2, 15))
    reached = int(box.run("cat /run/vm-reached"))
    box.pull_the_plug()
    far.wait_linked(30, up=False)
    begun = time.monotonic()
    box.switch_on()
    try:
        far.wait_linked(400)
    except Trouble as trouble:
        box.evidence(f"power-off-{tally.count('power-off')[0]}")
        tally.add("power-off", False, str(trouble))
        box.pull_the_plug()
        return begin(box, far)
    came = time.monotonic() - begun
    box.wait_for_agent()
    good, text = whole(box, reached)
    tally.add("power-off", good, f"in write {reached}, linked {came:.0f} s after power-on; {text}")


def whole(box, reached):
    """Whether everything that the box had been promised is there."""
    box.wait_until("! systemctl is-system-running | grep -q -e starting -e initializing", 300)
    size, number = box.run("stat -c %s /var/lib/engawa/vm-old; tail -n 1 /var/lib/engawa/vm-old").split()
    ledger = box.run("engawa ledger --verify --directory /var/lib/engawa", check=False).splitlines()[-1:]
    failed = box.run("systemctl --failed --plain --no-legend --no-pager")
    good = int(number) >= reached and int(size) == WRITTEN_BYTES + len(number) + 1 and not failed
    verified = box.run("engawa ledger --verify --directory /var/lib/engawa >/dev/null 2>&1 && echo yes || echo no")
    return good and verified == "yes", f"write {number} whole; ledger: {' '.join(ledger)}; failed units: {failed or 'none'}"


def updates(box, far, tally, arguments):
    """Each interrupted update begins with the same disk, whose system is older than the bundle."""
    before = box.directory / "before.img"
    orderly(box)
    # Left by a run that was stopped: that one began with it.
    there = before.exists()
    subprocess.run(["cp", "--sparse=always", *((before, box.disk) if there else (box.disk, before))], check=True)
    while tally.count("update")[0] < arguments.updates:
        begin(box, far)
        interrupted_update(box, far, tally, arguments.bundle)
        orderly(box)
        subprocess.run(["cp", "--sparse=always", before, box.disk], check=True)
    before.unlink()
    begin(box, far)


def orderly(box):
    """Switched off by its power button."""
    box.ask("system_powerdown")
    try:
        box.qemu.wait(120)
    except subprocess.TimeoutExpired:
        raise Trouble("the power button did not switch the box off within 120 s") from None
    box.pull_the_plug()


def interrupted_update(box, far, tally, bundle):
    """The plug is pulled at another point each time: while the stick is read, the slot written, the new system tried. A point that was
    not reached counts as a failure."""
    number = tally.count("update")[0]
    points = ("receiving", "checking", "installing 5", "installing 30", "installing 50", "installing 70", "installing 95", "installed", "restarted", "trial")
    point = points[number % len(points)]
    image = stick.make(box.directory / "stick.img", [(bundle, "engawa-update.raucb")], mib=1536)
    before = box.run("cat /usr/lib/engawa-image/release; sed -n 's/.*rauc.slot=\\([AB]\\).*/\\1/p' /proc/cmdline").split()
    old = report(box)[0]
    box.plug_stick(image)
    text, reached = f"cut while {point}, running {' '.join(before)}", True
    try:
        wait_for_point(box, point, old)
    except Trouble as trouble:
        text, reached = f"{text} (not reached: {trouble})", False
    box.pull_the_plug()
    far.wait_linked(30, up=False)
    begun = time.monotonic()
    box.switch_on()
    try:
        far.wait_linked(900)
        came = time.monotonic() - begun
        box.wait_for_agent()
        box.wait_until("systemctl is-active --quiet engawa-came-up.service", 300)
        after = box.run("cat /usr/lib/engawa-image/release; sed -n 's/.*rauc.slot=\\([AB]\\).*/\\1/p' /proc/cmdline").split()
        good, said = whole(box, 0)
        tally.add("update", good and reached, f"{text}; linked {came:.0f} s after power-on with {' '.join(after)}; {said}")
    except Trouble as trouble:
        box.evidence(f"update-{number}")
        tally.add("update", False, f"{text}: {trouble}")
        box.pull_the_plug()
        box.switch_on()
        box.wait_for_agent(400)


def wait_for_point(box, point, old):
    state, _, percent = point.partition(" ")
    if state in ("restarted", "trial"):
        # The box restarts by itself; then either GRUB and kernel are under way, or the daemon is.
        box.agent.wait_for("here", 600)
        if state == "trial":
            box.wait_until("systemctl is-active --quiet engawa.service", 300, pause=0.2)
        return
    end = time.monotonic() + 600
    while time.monotonic() < end:
        written, said = report(box)
        if written != old and said.get("state") == state and said.get("percent", 0) >= int(percent or 0):
            return
        if written != old and said.get("state") in ("refused", "failed"):
            raise Trouble(said["english"])
        time.sleep(0.1)
    raise Trouble(f"not {point} within 600 s")


def replays(box, far, tally, count):
    """One more life with every write noted; what of it a disk may forget is then tried on copies of the state partition."""
    box.run("sync", check=False)
    box.pull_the_plug()
    base, copy, log = (box.directory / name for name in ("state.base", "state.copy", "writes.log"))
    log.unlink(missing_ok=True)
    log.touch()
    start, length = replay.partition(box.disk, "engawa-state")
    subprocess.run(
        ["dd", f"if={box.disk}", f"of={base}", "bs=1M", "iflag=skip_bytes,count_bytes", f"skip={start}", f"count={length}", "conv=sparse", "status=none"],
        check=True,
    )
    box.write_log = log
    begin(box, far)
    box.run(WRITER)
    time.sleep(40)
    box.pull_the_plug()
    box.write_log = None
    noted = replay.Log(log)
    while tally.count("replay")[0] < count:
        number = tally.count("replay")[0]
        kept, left, chosen = replay.cut(noted, base, copy, start, length, replay.seeded(f"replay {number}"))
        safe = copy.with_suffix(".safe")
        codes = [replay.repair(path) for path in (copy, safe)]
        numbers = [number_of(path) for path in (copy, safe)]
        good = all(code in (0, 1) for code in codes) and numbers[0] is not None and numbers[1] is not None and numbers[0] >= numbers[1]
        tally.add("replay", good, f"{kept} writes kept, {chosen} of {left} more in any order; e2fsck {codes[0]}; write {numbers[0]}, promised {numbers[1]}")
    for path in (base, copy, copy.with_suffix(".safe"), log):
        path.unlink(missing_ok=True)


def number_of(image):
    """The number at the end of the written file; none if the file is not whole."""
    content = replay.file_of(image, "/lib/vm-old")
    number = content[WRITTEN_BYTES:].decode(errors="replace").strip()
    return int(number) if number.isdigit() and content[: WRITTEN_BYTES - 1].strip(b"x") == b"" else None


if __name__ == "__main__":
    main()
