"""What the unit's walls cost: processor time of the linked daemon within them and without, in turns."""

import time

from room import STATUS

WITHOUT = """\
[Service]
NoNewPrivileges=no
RestrictAddressFamilies=
SystemCallArchitectures=
SystemCallFilter=
ProtectSystem=no
ProtectHome=no
ProtectClock=no
ProtectControlGroups=no
ProtectHostname=no
ProtectKernelLogs=no
ProtectKernelModules=no
ProtectKernelTunables=no
ProtectProc=default
PrivateTmp=no
PrivateMounts=no
DevicePolicy=auto
DeviceAllow=
LockPersonality=no
RestrictNamespaces=no
RestrictRealtime=no
RestrictSUIDSGID=no
MemoryMax=infinity
TasksMax=infinity
"""
DROP_IN = "/run/systemd/system/engawa.service.d/zz-without.conf"
ROUNDS = 3
SETTLE_S, MEASURE_S = 15, 30


def walls(boxes, table):
    box = boxes[0]
    shares = {True: [], False: []}
    filters = {}
    for _ in range(ROUNDS):
        for within in (True, False):
            if within:
                box.run(f"rm -f {DROP_IN}; systemctl daemon-reload; systemctl restart engawa.service", 120)
            else:
                box.run(f"mkdir -p $(dirname {DROP_IN}); cat >{DROP_IN} <<'END'\n{WITHOUT}END\nsystemctl daemon-reload; systemctl restart engawa.service", 120)
            box.wait_until(f"{STATUS} | grep -q '\"link\":\"up\"'", 120)
            time.sleep(SETTLE_S)
            filters[within] = box.run("sed -n 's/^Seccomp:\\t//p' /proc/$(systemctl show engawa -P MainPID)/status")
            before, begun = spent(box), uptime(box)
            time.sleep(MEASURE_S)
            shares[within].append((spent(box) - before) / (uptime(box) - begun))
    box.run(f"rm -f {DROP_IN}; systemctl daemon-reload; systemctl restart engawa.service", 120)
    box.wait_until(f"{STATUS} | grep -q '\"link\":\"up\"'", 120)
    medians = {within: sorted(found)[len(found) // 2] for within, found in shares.items()}
    ratio = medians[True] / medians[False]
    each = "; ".join(f"{'within' if within else 'without'} {' '.join(f'{share:.2f}' for share in found)}" for within, found in shares.items())
    # Emulated processor time, of two boxes on two cores: the ratio is what counts, and only roughly.
    table.check("processor time within the unit's walls : without", f"{ratio:.2f} (cores, emulated: {each}; seccomp {filters[True]} and {filters[False]})", ratio <= 1.05 and filters == {True: "2", False: "0"})


def spent(box):
    """Seconds of the unit's processor time, the drawing processes included."""
    return int(box.run("systemctl show engawa -P CPUUsageNSec")) / 1e9


def uptime(box):
    return float(box.run("cut -d ' ' -f 1 /proc/uptime"))
