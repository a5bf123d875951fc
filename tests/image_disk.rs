//! The image finds its own disk: what somebody named like its partitions on a stick is never taken for them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A made tree of /sys: an NVMe disk with slots A and B, a USB stick with the same.
fn sys() -> TempDir {
    let sys = tempfile::tempdir().unwrap();
    let at = |name: &str| sys.path().join(name);
    for home in ["dev/block", "class/block"] {
        std::fs::create_dir_all(at(home)).unwrap();
    }
    for (disk, partitions) in [
        ("devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1", &[("nvme0n1p3", "259:3"), ("nvme0n1p4", "259:4")][..]),
        (
            "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host0/target0:0:0/0:0:0:0/block/sda",
            &[("sda3", "8:3")][..],
        ),
    ] {
        let block = disk.replace("nvme0/nvme0n1", "nvme0/block/nvme0n1");
        for (partition, number) in partitions {
            let home = at(&block).join(partition);
            std::fs::create_dir_all(&home).unwrap();
            std::fs::write(home.join("partition"), "3\n").unwrap();
            symlink(&home, at("dev/block").join(number)).unwrap();
            symlink(&home, at("class/block").join(partition)).unwrap();
        }
        let name = Path::new(&block).file_name().unwrap();
        symlink(at(&block), at("class/block").join(name)).unwrap();
    }
    sys
}

#[test]
fn only_partitions_of_the_running_slots_disk_are_its_own() {
    let sys = sys();
    let own = |partition: &str, root: &str| {
        let mut script = Command::new(image("usr/lib/engawa-image/own-disk"));
        script.arg(partition).arg(sys.path()).arg(root).status().unwrap().success()
    };
    assert!(own("nvme0n1p3", "259:3") && own("nvme0n1p4", "259:3") && own("nvme0n1p3", "259:4"));
    assert!(!own("sda3", "259:3"), "a stick");
    assert!(own("sda3", "8:3") && !own("nvme0n1p3", "8:3"), "a box that runs from a stick");
    assert!(!own("nvme0n1", "259:3") && !own("sda", "259:3"), "a whole disk");
    assert!(!own("nvme0n1p3", "0:33") && !own("loop0", "259:3"), "neither root nor partition that there is");
}

#[test]
fn the_ram_disk_takes_the_slot_inside_the_box_and_a_stick_only_where_there_is_nothing_else() {
    let sys = sys();
    // What `blkid` would say of disks that this machine does not have.
    let programs = tempfile::tempdir().unwrap();
    let chosen = |root: &str, listed: &str| {
        let blkid = programs.path().join("blkid");
        std::fs::write(&blkid, format!("#!/bin/sh\n[ \"$*\" = '-o device -t {root}' ] || exit 2\nprintf '{listed}'\n"))
            .unwrap();
        Command::new("chmod").arg("755").arg(&blkid).status().unwrap();
        let conf = programs.path().join("param.conf");
        let _ = std::fs::remove_file(&conf);
        let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
        let status = Command::new(image("etc/initramfs-tools/scripts/local-top/engawa"))
            .env("PATH", path)
            .env("ROOT", root)
            .env("ENGAWA_SYS", sys.path())
            .env("ENGAWA_CONF", &conf)
            .env("ENGAWA_TRIES", "2")
            .status();
        assert!(status.unwrap().success(), "the RAM disk goes on whatever happens");
        std::fs::read_to_string(conf).unwrap_or_default()
    };
    let root = "PARTUUID=656e6761-7761-4000-8000-000000000003";
    assert_eq!(chosen(root, "/dev/sda3\\n/dev/nvme0n1p3\\n"), "ROOT=/dev/nvme0n1p3\n");
    assert_eq!(chosen(root, "/dev/nvme0n1p3\\n/dev/sda3\\n"), "ROOT=/dev/nvme0n1p3\n");
    assert_eq!(chosen(root, "/dev/sda3\\n"), "ROOT=/dev/sda3\n");
    assert_eq!(chosen(root, ""), "", "left to the RAM disk's own way");
    assert_eq!(chosen("/dev/vda3", "/dev/sda3\\n"), "", "somebody said which");
}

#[test]
fn nothing_in_the_image_looks_for_a_partition_by_its_name_alone() {
    let mut seen = 0;
    let mut homes = vec![image(""), image("../grub.cfg")];
    while let Some(path) = homes.pop() {
        if path.is_dir() {
            homes.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let said = text.lines().filter(|line| !line.starts_with('#'));
        assert!(!said.clone().any(|line| line.contains("by-partlabel")), "{}", path.display());
        seen += said.filter(|line| line.contains("/dev/engawa/")).count();
    }
    // fstab twice, RAUC twice, repart and what it waits for, what notes that the slot came up.
    assert!(seen >= 7, "{seen}");
}

fn image(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/image/rootfs").join(name)
}
