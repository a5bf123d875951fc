"""What a power cut can leave of a disk that forgets what it was not told to keep: replays a log of writes, cut short and reordered.

    log      W W W F W W F W W W W            W write, F flush
    replay   └─── all ──┘ └ some, in any order, the last one perhaps torn between two sectors

Format of the log: linux/drivers/md/dm-log-writes.c, which QEMU's blklogwrites writes too.
"""

import json
import random
import struct
import subprocess

FLUSH, FUA, DISCARD = 1, 2, 4
MAGIC = 0x6A736677736872
SECTOR = 512


class Log:
    """The entries, in the box's order: (at, length, flags, place of the data in the file), bytes."""

    def __init__(self, path):
        self.file = open(path, "rb")  # noqa: SIM115: read for as long as the log is
        magic, _version, count, size = struct.unpack("<QQQL", self.file.read(28))
        if magic != MAGIC:
            raise ValueError(f"{path} is no log of writes")
        self.entries, at = [], size
        end = path.stat().st_size
        # The count in the head is not written at every entry: whoever pulled the plug finds fewer there.
        while at + 32 <= end:
            self.file.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", self.file.read(32))
            if not sectors and not flags:
                break
            data = at + size
            at = data + (0 if flags & DISCARD else sectors * SECTOR)
            if at > end:
                break
            self.entries.append((sector * SECTOR, sectors * SECTOR, flags, data))
        self.count = count

    def flushes(self):
        """Places in `entries` after which everything before is kept."""
        return [place for place, entry in enumerate(self.entries) if entry[2] & FLUSH]

    def apply(self, disk, start, entry, length=None):
        """One entry, or its first bytes, onto a partition that begins at `start` of the disk."""
        at, whole, flags, data = entry
        length = whole if length is None else length
        if flags & DISCARD or not length:
            return
        self.file.seek(data)
        content = self.file.read(length)
        skip = max(0, start - at)
        if skip < len(content):
            disk.seek(at + skip - start)
            disk.write(content[skip:])


def partition(disk, label):
    """Start and length of a partition, bytes."""
    said = subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True, text=True).stdout
    for found in json.loads(said)["partitiontable"]["partitions"]:
        if found.get("name") == label:
            return found["start"] * SECTOR, found["size"] * SECTOR
    raise ValueError(f"no partition {label} on {disk}")


def cut(log, base, copy, start, length, generator):
    """Makes `copy` of `base` (a partition) as a cut at a random moment may leave it, and another one, `copy`.safe, of what the box
    had been promised is kept. Both are files; how many entries of each kind, for the table."""
    inside = [place for place, entry in enumerate(log.entries) if entry[0] < start + length and entry[0] + entry[1] > start and entry[1]]
    at = generator.choice(inside[len(inside) // 20 :])
    kept = max((place for place in log.flushes() if place <= at), default=-1)
    open_ones = [place for place in inside if kept < place <= at]
    chosen = [place for place in open_ones if log.entries[place][2] & FUA or generator.random() < 0.5]
    generator.shuffle(chosen)
    safe = copy.with_suffix(".safe")
    for path in (copy, safe):
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", base, path], check=True)
        with open(path, "r+b") as disk:
            for place in inside:
                if place > kept:
                    break
                log.apply(disk, start, log.entries[place])
            if path is copy:
                for number, place in enumerate(chosen):
                    entry = log.entries[place]
                    torn = number == len(chosen) - 1 and generator.random() < 0.5
                    log.apply(disk, start, entry, generator.randrange(0, entry[1] + 1, SECTOR) if torn else None)
    return len([place for place in inside if place <= kept]), len(open_ones), len(chosen)


def repair(partition_image):
    """What the box does at its start; the exit code of e2fsck: 0 or 1 is a whole file system."""
    return subprocess.run(["e2fsck", "-p", partition_image], capture_output=True, check=False).returncode


def file_of(partition_image, path):
    """A file of an ext4 image, without mounting it; empty if there is none."""
    return subprocess.run(["debugfs", "-R", f"cat {path}", partition_image], capture_output=True, check=False).stdout


def seeded(seed):
    return random.Random(seed)
