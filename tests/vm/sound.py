"""A sound card of the kernel's own, snd-aloop: the box plays and records on its device 0; what is written to device 1 is what the
microphone hears. A microphone that gives nothing but zeros counts as broken, so something always sounds there."""

import base64

# Over the kernel's old sound interface, which needs no library: 48 kHz, 32 bits as the box records it, two channels (linux/soundcard.h).
TONE = """\
use strict;
open(my $sound, '>', '/dev/adsp') or die "/dev/adsp: $!";
for ([0xC0045005, 0x1000], [0xC0045006, 2], [0xC0045002, 48000]) {
    my $value = pack('l', $_->[1]);
    ioctl($sound, $_->[0], $value) or die "not set: $!";
}
my $second = '';
for my $n (0 .. 47999) {
    my $sample = int(6e7 * sin(6.283185307 * 440 * $n / 48000));
    $second .= pack('l l', $sample, $sample);
}
while (1) { syswrite($sound, $second) or last; }
"""


def card(box):
    program = base64.b64encode(TONE.encode()).decode()
    box.run(
        "modprobe snd-aloop; modprobe snd-pcm-oss adsp_map=1; udevadm settle -t 10;"
        f" echo {program} | base64 -d >/run/tone.pl; nohup perl /run/tone.pl >/run/tone.txt 2>&1 &"
    )
