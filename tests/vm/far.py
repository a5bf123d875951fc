"""The other box as an ordinary daemon of this machine, in a network of its own that the virtual machine's line ends in.

    QEMU ── tap ── 192.0.2.2 ── engawa run          all in one network namespace
"""

import json
import os
import pathlib
import subprocess
import time

from box import Trouble

TABLE = "pair,room_a,room_b,address_a,address_b,ceiling_kbps,pin\n試験,市民課,北支所,192.0.2.1/24,192.0.2.2/24,2000,246810\n"
ROOMS = ("市民課", "北支所")
# A small picture and no devices: it shares two cores with an emulated box.
QUIET = '\n[camera]\nsource = "test"\nsize = "320x180"\nfps = 5\n[sound]\nsource = "none"\nsink = "none"\n[screen]\nsink = "none"\n'


def provision(program, directory):
    """The two files of one pair, made by the program that is in the image; again gives the same ones."""
    made = directory / "made"
    if not made.exists():
        table = directory / "pairs.csv"
        table.write_text(TABLE, encoding="utf-8")
        subprocess.run([program, "provision", table, "--out", made], check=True, stdout=subprocess.DEVNULL)
    return [made / "試験" / name / "engawa-box.toml" for name in ROOMS]


class FarBox:
    """The second box of the pair that `file` was made for. `line` is what QEMU's -netdev takes, `prefix` what QEMU is started behind."""

    def __init__(self, program, file, directory):
        self.program, self.directory = program, pathlib.Path(directory)
        self.space = f"engawa-vm-{os.getpid()}"
        self.prefix = ["ip", "netns", "exec", self.space]
        self.line = "tap,ifname=line,script=no,downscript=no"
        _run("ip", "netns", "add", self.space)
        self.daemon = None
        try:
            self._network()
            self._take(file)
        except BaseException:
            self.end()
            raise

    def _network(self):
        _run(*self.prefix, "ip", "link", "set", "lo", "up")
        _run(*self.prefix, "ip", "tuntap", "add", "line", "mode", "tap")
        _run(*self.prefix, "ip", "address", "add", "192.0.2.2/24", "dev", "line")
        _run(*self.prefix, "ip", "link", "set", "line", "up")

    def _take(self, file):
        etc, state = self.directory / "etc", self.directory / "state"
        if not (etc / "engawa.toml").exists():
            for path in (etc, state):
                path.mkdir(parents=True, exist_ok=True)
            # A copy: the original stays for the next run of this test.
            _run(self.program, "take", file, "--etc", etc, "--state", state, "--report", self.directory / "report.json")
            config = (etc / "engawa.toml").read_text(encoding="utf-8")
            places = f'[box]\nstate_directory = "{state}"\nstatus_socket = "{self.directory}/status.sock"\n'
            (etc / "engawa.toml").write_text(config.replace("[box]\n", places) + QUIET, encoding="utf-8")
        log = open(self.directory / "far.log", "ab")  # noqa: SIM115: the daemon's, for as long as it lives
        command = [*self.prefix, self.program, "--log", "text", "run", "--config", etc / "engawa.toml"]
        self.daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def status(self):
        socket = self.directory / "status.sock"
        done = subprocess.run([self.program, "status", "--socket", socket, "--json"], capture_output=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_linked(self, seconds, up=True):
        """Waits until the link is up here (or is not); seconds that took."""
        begun = time.monotonic()
        while (self.status().get("link") == "up") != up:
            if time.monotonic() - begun > seconds:
                raise Trouble(f"the far box's link is {self.status().get('link')} after {seconds} s")
            time.sleep(0.2)
        return time.monotonic() - begun

    def end(self):
        if self.daemon:
            self.daemon.terminate()
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        subprocess.run(["ip", "netns", "del", self.space], check=False)


def _run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
