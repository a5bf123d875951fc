"""What goes wrong in offices: the line, the daemon, devices, the power."""

import base64
import time

import sound
from room import STATUS, devices, linked, status

CARD = "$(ls /sys/class/net | grep ^en | head -n 1)"
VIVID = "/sys/bus/platform/drivers/vivid"
LOOP = "/sys/bus/platform/drivers/snd_aloop"

# vivid can lose frames on purpose: at 100 % it is a camera that hangs. VIDIOC_QUERYCTRL and VIDIOC_S_CTRL, linux/videodev2.h.
DROP_FRAMES = """\
use strict;
my ($device, $percent) = @ARGV;
open(my $camera, '+<', $device) or die "$device: $!";
my $id = 0;
while (1) {
    my $control = pack('L L a32 l l l l L L L', $id | 0x80000000);
    ioctl($camera, 0xC0445624, $control) or die "no such control";
    ($id, undef, my $name) = unpack('L L Z32', $control);
    last if $name eq 'Percentage of Dropped Buffers';
}
my $set = pack('L l', $id, $percent);
ioctl($camera, 0xC008561C, $set) or die "not set: $!";
"""


def weather(boxes, table):
    box = boxes[0]
    session = status(box)["session"]
    box.run(f"modprobe sch_netem; tc qdisc add dev {CARD} root netem delay 50ms 10ms loss 5%")
    time.sleep(20)
    said = status(box)
    good = said["link"] == "up" and said["session"] == session and said["rtt_ms"] > 30
    table.check("50 ms, 5 % loss for 20 s", f"{said['link']}, round trip {said['rtt_ms']} ms, same session: {said['session'] == session}", good)
    box.run(f"tc qdisc del dev {CARD} root")


def cut(boxes, table):
    """Both kinds: frames that vanish on the way, and a cable that is out."""
    box = boxes[0]
    for end in boxes:
        end.run(f"modprobe sch_netem; tc qdisc add dev {CARD} root netem loss 100%")
    time.sleep(15)
    said = [status(box) for box in boxes]
    boxes[1].screenshot("cut")
    good = all(one["link"] == "lost" for one in said)
    table.check("all frames lost for 15 s", f"{[one['link'] for one in said]}: {(said[0]['fault'] or {}).get('ja')}", good)
    for end in boxes:
        end.run(f"tc qdisc del dev {CARD} root")
    linked(box, table, "frames pass again → link up", time.monotonic(), 60)
    box.ask("set_link", name="line", up=False)
    time.sleep(10)
    said = status(box)
    table.check("cable out for 10 s", f"{said['link']}: {(said['fault'] or {}).get('ja')}", said["link"] == "lost")
    box.ask("set_link", name="line", up=True)
    linked(box, table, "cable in again → link up", time.monotonic(), 60)


def killed(boxes, table):
    restarts = boxes[1].run("systemctl show engawa -P NRestarts")
    boxes[1].run("systemctl kill --signal=KILL engawa.service")
    begun = time.monotonic()
    boxes[1].wait_until(f"test $(systemctl show engawa -P NRestarts) -gt {restarts} && systemctl is-active --quiet engawa.service", 90)
    table.note("daemon killed → READY", f"{time.monotonic() - begun:.0f} s")
    linked(boxes[1], table, "daemon killed → link up", begun, 120)


def camera_gone(boxes, table):
    box = boxes[0]
    box.run(f"echo vivid.0 >{VIVID}/unbind")
    camera(box, table, "camera unbound", gone=True)
    box.screenshot("no-camera")
    box.run(f"echo vivid.0 >{VIVID}/bind")
    camera(box, table, "camera bound again", gone=False)


def camera_hung(boxes, table):
    box = boxes[0]
    program = base64.b64encode(DROP_FRAMES.encode()).decode()
    box.run(f"echo {program} | base64 -d >/run/drop-frames.pl")
    drop = "perl /run/drop-frames.pl $(ls /dev/v4l/by-path/*vivid* | head -n 1)"
    box.run(f"{drop} 100")
    camera(box, table, "camera hangs: no frame any more", gone=True)
    box.run(f"{drop} 0")
    camera(box, table, "camera gives frames again", gone=False)


def camera(box, table, what, gone):
    """A row: the camera is off or live, the link up."""
    begun = time.monotonic()
    is_it = "!" if gone else ""
    box.wait_until(f"{is_it} {STATUS} | grep -q '\"camera\":\"live\"'", 120, pause=0.2)
    said = status(box)
    good = said["link"] == "up" and (said["camera"] == "live") != gone
    table.check(what, f"{time.monotonic() - begun:.0f} s; link {said['link']}, camera {said['camera']}, missing {said['missing']}", good)


def sound_gone(boxes, table):
    box = boxes[0]
    # The driver waits until nobody has the card open any more.
    box.run(f"pkill -f tone.pl; (echo snd_aloop.0 >{LOOP}/unbind; touch /run/unbound) >/dev/null 2>&1 &")
    begun = time.monotonic()
    box.wait_until(f"{STATUS} | grep -q '\"missing\":\\[[^]]*\"speaker\"' && test -e /run/unbound", 90)
    said = status(box)
    good = said["link"] == "up" and {"microphone", "speaker"} <= set(said["missing"])
    table.check("sound card gone", f"{time.monotonic() - begun:.0f} s; link {said['link']}, missing {said['missing']}", good)
    box.screenshot("no-sound")
    box.run(f"echo snd_aloop.0 >{LOOP}/bind")
    sound.card(box)
    begun = time.monotonic()
    box.wait_until(f"! {STATUS} | grep -q '\"missing\":\\[\"'", 90)
    table.note("sound card back → microphone and speaker found", f"{time.monotonic() - begun:.0f} s, heard at {status(box)['heard_dbfs']} dBFS")


def plug_pulled(boxes, table):
    box = boxes[1]
    box.pull_the_plug()
    begun = time.monotonic()
    time.sleep(5)
    said = status(boxes[0])
    table.check("far box without power", f"{said['link']}: {(said['fault'] or {}).get('ja')}", said["link"] != "up")
    box.switch_on()
    box.wait_for_agent(400)
    devices(box)
    linked(box, table, "plug pulled, power on → link up", begun, 300)
    said = status(box)
    table.check("after it", f"microphone {said['microphone']}, mode {said['room']['mode']}", said["microphone"] == "closed")
