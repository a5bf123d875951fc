"""USB sticks of an installer, as disk images."""

import os
import subprocess

# Where the one partition begins, as sticks from the shop have it.
START_MIB = 1


def make(path, files, mib=64):
    """A stick with a partition table and FAT32; `files`: (file on this machine, name at the top of the stick)."""
    path.unlink(missing_ok=True)
    with open(path, "wb") as disk:
        os.truncate(disk.fileno(), mib << 20)
    table = f"label: dos\nstart={START_MIB}MiB, type=c\n"
    subprocess.run(["sfdisk", "--quiet", path], input=table, text=True, check=True)
    size = (mib - START_MIB) << 10
    subprocess.run(["mkfs.fat", "-F", "32", "-n", "STICK", f"--offset={START_MIB << 11}", path, str(size)], check=True, stdout=subprocess.DEVNULL)
    for file, name in files:
        subprocess.run(["mcopy", "-o", "-i", f"{path}@@{START_MIB}M", file, f"::{name}"], check=True)
    return path


def read(path, name):
    """A file of a stick that is pulled out."""
    done = subprocess.run(["mtype", "-i", f"{path}@@{START_MIB}M", f"::{name}"], check=True, capture_output=True)
    return done.stdout
