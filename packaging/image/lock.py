#!/usr/bin/env python3
"""Which packages an image holds, and as what: the lock and the bill of materials.

    lock.py write ROOT LOCK [PACKAGE…]       writes LOCK: every package of the system in ROOT, and the named ones beside it
    lock.py compare OLD NEW [--strict]       says what differs; with --strict that is an error
    lock.py bill LOCK CARGO_LOCK BILL        writes BILL (CycloneDX 1.5, JSON): Debian's packages and the crates in the daemon

A line of the lock: name, version, architecture, SHA-256 of the package as the mirror's signed index names it.
"""

import datetime
import json
import os
import subprocess
import sys
import tomllib
import uuid
from urllib.parse import quote


def write(root, lock, *beside):
    query = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\n"]
    held = {}
    for line in subprocess.check_output(query, text=True).splitlines():
        state, name, version, architecture = line.split("\t")
        if state == "installed":
            held[name] = (version, architecture)
    # Engawa is what the image is about; it comes from no mirror.
    held.pop("engawa", None)
    index = {}
    for entry in shown([*held, *beside]):
        index.setdefault(entry["Package"], []).append(entry)
    lines = []
    for name in sorted({*held, *beside}):
        # Of those beside the system the newest is taken, which apt shows first.
        version, architecture = held.get(name) or (index[name][0]["Version"], index[name][0]["Architecture"])
        hashes = {e["SHA256"] for e in index.get(name, []) if (e["Version"], e["Architecture"]) == (version, architecture)}
        if len(hashes) != 1:
            sys.exit(f"engawa: the mirror's index has {len(hashes)} packages {name} {version}, not one")
        lines.append(f"{name} {version} {architecture} {hashes.pop()}\n")
    with open(lock, "w", encoding="utf-8") as file:
        file.writelines(lines)


def shown(names):
    """What apt's index, that of the image, says of the packages: a dictionary each."""
    environment = dict(os.environ, APT_CONFIG=os.environ["MMDEBSTRAP_APT_CONFIG"])
    text = subprocess.check_output(["apt-cache", "show", *sorted(names)], text=True, env=environment)
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and not line.startswith(" "))
        if "SHA256" in fields:
            yield fields


def read(lock):
    with open(lock, encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {name: (version, architecture, digest) for name, version, architecture, digest in rows}


def compare(old, new, strict=None):
    before, now = read(old) if os.path.exists(old) else {}, read(new)
    differing = [n for n in sorted({*before, *now}) if before.get(n) != now.get(n)]
    for name in differing:
        print(f"engawa: {name}: {before.get(name, ('absent',))[0]} in the lock, {now.get(name, ('absent',))[0]} here")
    print(f"engawa: {len(now)} packages, {len(differing)} not as in packaging/image/lock")
    if differing and strict:
        sys.exit("engawa: STRICT=1: give a snapshot mirror of the lock's day in ENGAWA_MIRRORS, or take over the new lock")


def bill(lock, cargo_lock, out):
    parts = []
    for name, (version, architecture, digest) in read(lock).items():
        purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}&distro=debian-13"
        parts.append(component(name, version, purl, digest))
    with open(cargo_lock, "rb") as file:
        crates = tomllib.load(file)["package"]
    for crate in crates:
        if "checksum" in crate:
            purl = f"pkg:cargo/{crate['name']}@{quote(crate['version'], safe='')}"
            parts.append(component(crate["name"], crate["version"], purl, crate["checksum"]))
    version = next(crate["version"] for crate in crates if crate["name"] == "engawa")
    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(parts))}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "operating-system", "name": "engawa-image", "version": version},
        },
        "components": parts,
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def component(name, version, purl, digest):
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("write", "compare", "bill"):
        sys.exit(__doc__)
    {"write": write, "compare": compare, "bill": bill}[sys.argv[1]](*sys.argv[2:])
