"""One box in a virtual machine: the image that ships, started by its UEFI firmware with Secure Boot, in software emulation.

    this program ── QMP ───────────▶ QEMU: screen, keys, power
                 ── virtio-serial ─▶ agent.sh in the box: commands and their output

Nothing of this is in the image. The agent is a unit that systemd takes from the machine's SMBIOS table (type 11) as a credential.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

# Ended from outside, a test still ends its machines.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

HERE = pathlib.Path(__file__).resolve().parent
FIRMWARE = pathlib.Path("/usr/share/OVMF")

# Where the parts of the image begin; packaging/image/disk.sh puts them there.
CONFIG_OFFSET_MIB = 129
DISK_GIB = 8

AGENT_UNIT = """\
[Unit]
Description=Test agent
DefaultDependencies=no
After=systemd-udevd.service
Conflicts=shutdown.target
StartLimitIntervalSec=0
[Service]
ImportCredential=vm-test.sh
ExecStart=sh %d/vm-test.sh
Restart=always
RestartSec=1
"""
AGENT_WANTED = "[Unit]\nWants=vm-test.service\n"
# An emulated processor is far slower than a mini-PC's, and shared here: the daemon gets ten times its deadlines.
PATIENCE = "[Service]\nTimeoutStartSec=100\nWatchdogSec=50\n"


class Trouble(Exception):
    """The box did not do what it must."""


class Box:
    """A machine with a disk of its own below `directory`. Times are seconds; those of the box are of its monotonic clock."""

    def __init__(self, name, image, directory, line=None, clock="utc", prefix=(), keep=False):
        """`line`: QEMU's -netdev after "id=line,"; `clock`: QEMU's -rtc base; `prefix`: what QEMU is started behind, as `ip netns exec X`;
        `keep`: goes on with the disk that an earlier run left."""
        self.name, self.directory = name, pathlib.Path(directory)
        self.line, self.clock, self.prefix = line or "user,restrict=on", clock, list(prefix)
        self.write_log = None
        self.credentials = {
            "systemd.extra-unit.vm-test.service": AGENT_UNIT,
            "systemd.unit-dropin.sysinit.target": AGENT_WANTED,
            "systemd.unit-dropin.engawa.service": PATIENCE,
            "vm-test.sh": (HERE / "agent.sh").read_text(encoding="utf-8"),
        }
        self.qemu = self.agent = self.monitor = None
        self.number = 0
        self.disk = self.directory / "disk.img"
        if keep and self.disk.exists():
            return
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        subprocess.run(["cp", "--sparse=always", image, self.disk], check=True)
        os.truncate(self.disk, DISK_GIB << 30)
        shutil.copy(FIRMWARE / "OVMF_VARS_4M.ms.fd", self.directory / "vars.fd")

    def put(self, file, name):
        """Lays a file on the engawa-config partition, as an installer does."""
        place = f"{self.disk}@@{CONFIG_OFFSET_MIB}M"
        subprocess.run(["mcopy", "-o", "-i", place, file, f"::{name}"], check=True)

    def switch_on(self):
        """Starts the machine. The serial line's text is added to serial.log."""
        path = self.directory
        for name in ("qmp", "agent"):
            (path / name).unlink(missing_ok=True)
        arguments = [
            *self.prefix, "qemu-system-x86_64", "-name", self.name, "-nodefaults", "-display", "none",
            "-machine", "q35,smm=on", "-accel", "tcg,thread=multi", "-cpu", os.environ.get("ENGAWA_VM_CPU", "Nehalem"),
            "-smp", "2", "-m", "2048",
            "-global", "driver=cfi.pflash01,property=secure,value=on",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.ms.fd",
            "-drive", f"if=pflash,format=raw,unit=1,file={path}/vars.fd",
            *self._disk(),
            "-device", "virtio-blk-pci,drive=disk,bootindex=0",
            "-device", "VGA,xres=1280,yres=720", "-device", "qemu-xhci,id=usb", "-device", "usb-kbd,bus=usb.0",
            "-device", "virtio-rng-pci", "-device", "i6300esb",
            # The emulated firmware now and then hangs after a restart (two processors, each a thread, in system management mode): a
            # restart is a new emulator.
            "-action", "watchdog=reset,reboot=shutdown",
            "-netdev", _netdev(self.line), "-device", f"virtio-net-pci,netdev=line,mac={mac(self.name)}",
            "-rtc", f"base={self.clock}",
            "-chardev", f"file,id=serial,path={path}/serial.log,append=on", "-serial", "chardev:serial",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={path}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=engawa.test",
            "-qmp", f"unix:{path}/qmp,server=on,wait=off",
            *self._smbios(),
        ]
        with open(path / "qemu.log", "ab") as log:
            self.qemu = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.monitor = _Lines(path / "qmp", self.qemu)
        self.monitor.read(10)
        self.ask("qmp_capabilities")
        self.agent = _Lines(path / "agent", self.qemu)

    def wait_for_agent(self, seconds=240):
        """Waits until the box, started or restarting, takes commands."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.agent.wait_for("here", end - time.monotonic())
            except (Trouble, OSError):
                try:
                    self.qemu.wait(5)
                except subprocess.TimeoutExpired:
                    raise Trouble(f"{self.name}: no answer within {seconds} s") from None
                self.pull_the_plug()
                self.switch_on()

    def run(self, command, seconds=60, check=True):
        """Runs a shell command in the box as root; its output. With `check`, another exit code than 0 is trouble."""
        self.number += 1
        self.send(self.number, command)
        while True:
            words = self.agent.read(seconds).split(" ")
            if words[0] == str(self.number):
                break
        output = base64.b64decode(words[2] if len(words) > 2 else "").decode(errors="replace").strip()
        if check and words[1] != "0":
            raise Trouble(f"{self.name}: `{command}` ended with {words[1]}: {output}")
        return output

    def send(self, number, command):
        """Hands a command over, whose end nobody waits for here."""
        self.agent.write(f"{number} {base64.b64encode(command.encode()).decode()}\n")

    def wait_until(self, command, seconds, pause=1.0):
        """Repeats a command until it succeeds; its output."""
        end = time.monotonic() + seconds
        while True:
            output = self.run(f"{command} && echo :yes", check=False)
            if output.endswith(":yes"):
                return output.removesuffix(":yes").strip()
            if time.monotonic() > end:
                raise Trouble(f"{self.name}: not within {seconds} s: `{command}`: {output}")
            time.sleep(pause)

    def screenshot(self, name):
        """Takes a picture of the display; its path."""
        path = self.directory / f"{name}.png"
        self.ask("screendump", filename=str(path), format="png")
        return path

    def evidence(self, name="trouble"):
        """After trouble: what the box was doing, as files beside its disk."""
        if not self.agent:
            return
        try:
            self.screenshot(name)
            said = self.run("systemctl list-jobs --no-pager; systemctl --failed --no-pager; journalctl -b --no-pager", check=False)
            (self.directory / f"{name}.txt").write_text(said + "\n", encoding="utf-8")
        except (Trouble, OSError) as trouble:
            (self.directory / f"{name}.txt").write_text(f"not to be had: {trouble}\n", encoding="utf-8")

    def ask(self, execute, **arguments):
        """One command to QEMU's monitor; its answer."""
        self.monitor.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
        while True:
            answer = json.loads(self.monitor.read(30))
            if "error" in answer:
                raise Trouble(f"{self.name}: QEMU refused {execute}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def press(self, *keys):
        """Presses and lets go one key of the keyboard on USB after the other; QEMU's names, such as "kp_1" or "f1"."""
        for key in keys:
            for down in (True, False):
                code = {"type": "qcode", "data": key}
                self.ask("input-send-event", events=[{"type": "key", "data": {"down": down, "key": code}}])
                time.sleep(0.2)

    def plug_stick(self, image):
        """Plugs in a USB stick with this disk image."""
        self.ask("blockdev-add", **{"driver": "raw", "node-name": "stick", "file": {"driver": "file", "filename": str(image)}})
        self.ask("device_add", driver="usb-storage", id="stick", bus="usb.0", drive="stick", removable=True)

    def pull_stick(self):
        """Pulls it out; QEMU closes its image as soon as it is gone."""
        self.ask("device_del", id="stick")
        end = time.monotonic() + 30
        while True:
            try:
                self.ask("blockdev-del", **{"node-name": "stick"})
                return
            except Trouble:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def reboot(self):
        """An orderly restart, until the box takes commands again."""
        self.send(0, "systemctl --no-block reboot")
        self.wait_for_agent()

    def pull_the_plug(self):
        """Ends the machine between two instructions. What the box had handed to its disk is on it, nothing else."""
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
            self.qemu.wait()
        for channel in (self.agent, self.monitor):
            if channel:
                channel.close()

    def cpu_seconds(self):
        """Processor time that the emulator took on this machine since it was switched on."""
        fields = pathlib.Path(f"/proc/{self.qemu.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def serial(self):
        """What stood on the serial line so far, without the control sequences."""
        text = (self.directory / "serial.log").read_text(encoding="utf-8", errors="replace")
        return re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]", "", text)

    def _disk(self):
        """The disk; with `write_log`, every write and flush is noted in that file too, in the order in which the box gave them."""
        file = f"driver=file,node-name=file,discard=unmap,filename={self.disk}"
        if not self.write_log:
            return "-blockdev", file, "-blockdev", "driver=raw,node-name=disk,discard=unmap,file=file"
        log = f"driver=file,node-name=log,filename={self.write_log}"
        return "-blockdev", file, "-blockdev", log, "-blockdev", "driver=blklogwrites,node-name=disk,file=file,log=log,log-sector-size=512"

    def _smbios(self):
        for name, content in self.credentials.items():
            file = self.directory / f"{name}.credential"
            encoded = base64.b64encode(content.encode()).decode()
            file.write_text(f"io.systemd.credential.binary:{name}={encoded}", encoding="ascii")
            yield from ("-smbios", f"type=11,path={file}")


class _Lines:
    """Lines over a UNIX socket, with deadlines."""

    def __init__(self, path, process):
        end = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(str(path))
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise Trouble(f"QEMU did not start; see {path.parent}/qemu.log") from None
                time.sleep(0.1)
        self.rest = b""

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0:
                raise Trouble(f"no answer within {seconds} s")
            self.socket.settimeout(left)
            try:
                news = self.socket.recv(65536)
            except TimeoutError:
                continue
            if not news:
                raise Trouble("QEMU ended")
            self.rest += news
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def wait_for(self, wanted, seconds):
        end = time.monotonic() + seconds
        while self.read(max(0.1, end - time.monotonic())) != wanted:
            pass

    def write(self, text):
        self.socket.sendall(text.encode())

    def close(self):
        self.socket.close()


def mac(name):
    """An address of QEMU's range, the same for the same name."""
    return "52:54:00:00:00:%02x" % (sum(name.encode()) % 256)


def _netdev(line):
    kind, _, rest = line.partition(",")
    return f"{kind},id=line" + (f",{rest}" if rest else "")
