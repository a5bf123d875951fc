//! The Debian package: what it holds and needs, and its whole life on Debian 12 and 13, in systems made by mmdebstrap.
//!
//! ```text
//!   target/debug/engawa ─ packaging/deb.sh ─► engawa_1_amd64.deb, engawa_2_amd64.deb
//!                                                │ dpkg: install 1, upgrade to 2, remove, install, purge
//!   target/package/{bookworm,trixie} ─ overlay ──┴─► what is there, what is left
//! ```
//! No process 1 runs in there: nothing is started, and `engawa-screen.service` is started by hand, as its unit says, with a
//! display of its own that nobody sees.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;

use needs::Need;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

#[test]
fn the_package_holds_what_a_box_and_an_installer_need_and_depends_on_exactly_the_list() {
    if !Need::Package.met() {
        return;
    }
    let (first, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let package = pack(first.path(), "1.2.3");
    assert_eq!(package.file_name().unwrap(), "engawa_1.2.3_amd64.deb");
    let same = pack(again.path(), "1.2.3");
    assert!(std::fs::read(&package).unwrap() == std::fs::read(same).unwrap(), "packed twice, it is not the same");

    let field = |name: &str| said(Command::new("dpkg-deb").arg("-f").arg(&package).arg(name));
    let list = std::fs::read_to_string(root("packaging/apt-run.txt")).unwrap();
    let listed: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(field("Depends").trim().split(", ").collect::<Vec<_>>(), listed);
    assert_eq!(field("Version").trim(), "1.2.3");

    let files = said(Command::new("dpkg-deb").arg("-c").arg(&package));
    let files: BTreeSet<&str> = files.lines().filter_map(|line| line.split(" ./").nth(1)).collect();
    for file in [
        "usr/bin/engawa",
        "usr/share/engawa/engawa.toml",
        "usr/share/engawa/examples/site-a.toml",
        "usr/share/engawa/hw/keypads/numeric.toml",
        "usr/share/engawa/hw/profiles/cameras/vivid.toml",
        "usr/share/engawa/box/systemd/system.conf.d/50-engawa.conf",
        "usr/share/engawa/box/systemd/journald.conf.d/50-engawa.conf",
        "usr/share/doc/engawa/copyright",
        "usr/share/doc/engawa/changelog.gz",
        "usr/share/doc/engawa/CHANGELOG.md",
        "usr/share/doc/engawa/crates",
        "usr/lib/sysusers.d/engawa.conf",
        "usr/lib/tmpfiles.d/engawa.conf",
        "usr/share/bash-completion/completions/engawa",
        "usr/share/zsh/vendor-completions/_engawa",
        "usr/share/fish/vendor_completions.d/engawa.fish",
    ] {
        assert!(files.contains(file), "no {file} in {files:?}");
    }
    for (room, installed) in [("systemd", "usr/lib/systemd/system"), ("systemd/udev", "usr/lib/udev/rules.d")] {
        for entry in std::fs::read_dir(root(room)).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let file = format!("{installed}/{}", entry.file_name().to_str().unwrap());
            assert!(files.contains(file.as_str()), "no {file}");
        }
    }
    // Nothing under /etc: what a box is told is written by people and by `engawa take`, and dpkg never asks about it.
    assert!(!files.iter().any(|file| file.starts_with("etc") || file.starts_with("var")), "{files:?}");
    for command in commands() {
        let page = format!("usr/share/man/man1/engawa-{command}.1.gz");
        assert!(files.contains(page.as_str()), "no {page} in {files:?}");
    }
}

#[test]
fn on_debian_12_it_is_installed_upgraded_removed_and_purged_cleanly() {
    if let Some(system) = System::of("bookworm") {
        life(&system);
    }
}

#[test]
fn on_debian_13_it_is_installed_upgraded_removed_and_purged_cleanly() {
    if let Some(system) = System::of("trixie") {
        life(&system);
    }
}

#[test]
fn on_debian_13_systemd_takes_the_units_as_they_are_installed() {
    let Some(system) = System::of("trixie") else { return };
    system.run("dpkg -i /1.deb");
    // The newest systemd that Engawa meets: its own view of each unit, its own score, its own reading of the rules.
    system.run(
        "for unit in $(dpkg -L engawa | grep '/systemd/system/.*service$'); do
             name=$(basename \"$unit\" | sed s/@/@sda1/)
             verified=$(systemd-analyze verify --man=no \"$name\" 2>&1) || { echo \"$name: $verified\"; exit 1; }
             test -z \"$verified\" || { echo \"$name: $verified\"; exit 1; }
             systemd-analyze security --offline=true --no-pager --threshold=20 \"$unit\" >/score || { tail -n 1 /score; exit 1; }
         done
         udevadm verify $(dpkg -L engawa | grep 'rules$')",
    );
}

#[test]
fn on_debian_13_the_daemon_draws_on_the_compositor_that_the_unit_starts() {
    let Some(system) = System::of("trixie") else { return };
    system.run("dpkg -i /1.deb");
    let unit = std::fs::read_to_string(root("systemd/engawa-screen.service")).unwrap();
    let daemon = std::fs::read_to_string(root("systemd/engawa.service")).unwrap();
    let words =
        |unit: &str, key: &str| unit.lines().filter_map(|line| line.strip_prefix(key)).collect::<Vec<_>>().join(" ");
    // No GPU, no display: wlroots' own stand-ins. The rest is said by the units.
    let script = format!(
        "install -d -m 750 -o engawa-screen -g engawa-screen /run/engawa-screen
         install -d -m 750 -o engawa -g engawa /run/engawa /var/cache/engawa
         printf '[box]\\nlanguage = \"ja\"\\n[camera]\\nsource = \"test\"\\n[sound]\\nsource = \"test\"\\nsink = \"none\"\\n' >/etc/engawa/engawa.toml
         cd /
         compositor() {{
             (umask 0007; exec setpriv --reuid=engawa-screen --regid=engawa-screen --clear-groups --no-new-privs \\
                 env {screen} WLR_BACKENDS=headless WLR_HEADLESS_OUTPUTS=1 WLR_RENDERER=pixman {cage}) >/screen.log 2>&1 &
         }}
         shown() {{
             for attempt in $(seq 60); do
                 sleep 0.5
                 engawa status --socket /run/engawa/status.sock --json >/status.json 2>/dev/null || continue
                 grep -q '\"missing\":\\[[^]]*\"screen\"' /status.json || return 0
             done
             cat /screen.log /daemon.log
             exit 1
         }}
         compositor
         for attempt in $(seq 50); do sleep 0.1; test -S /run/engawa-screen/wayland-0 && break; done
         test \"$(stat -c '%U:%G %a' /run/engawa-screen/wayland-0)\" = 'engawa-screen:engawa-screen 770'
         (exec setpriv --reuid=engawa --regid=engawa --groups=$(getent group engawa-screen | cut -d: -f3) --no-new-privs \\
             env HOME=/ {environment} {start}) >/daemon.log 2>&1 &
         shown
         sleep 2
         setpriv --reuid=engawa-screen --regid=engawa-screen --clear-groups env XDG_RUNTIME_DIR=/run/engawa-screen \\
             WAYLAND_DISPLAY=wayland-0 grim - >/first.png
         kill $(pidof cage)
         sleep 1
         compositor
         sleep 3
         shown
         sleep 2
         setpriv --reuid=engawa-screen --regid=engawa-screen --clear-groups env XDG_RUNTIME_DIR=/run/engawa-screen \\
             WAYLAND_DISPLAY=wayland-0 grim - >/second.png",
        screen = words(&unit, "Environment="),
        cage = words(&unit, "ExecStart="),
        environment = words(&daemon, "Environment="),
        start = words(&daemon, "ExecStart="),
    );
    system.run(&script);
    for name in ["first", "second"] {
        let picture = image::open(system.work.path().join(format!("upper/{name}.png"))).unwrap().to_rgb8();
        let colours: BTreeSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
        assert!(colours.len() > 20, "the {name} picture has {} colours: the screen is empty", colours.len());
    }
}

/// Its whole life.
fn life(system: &System) {
    let before = system.files();
    system.run("dpkg -i /1.deb");
    assert_eq!(system.run("dpkg -V engawa"), "", "a file is not as it was packed");
    assert_eq!(system.run("engawa --version").trim(), format!("engawa {}", env!("CARGO_PKG_VERSION")));
    let doctor = system.run("GST_REGISTRY=/tmp/registry engawa doctor || true");
    assert!(doctor.contains("all elements are there") && doctor.contains("Noto CJK is there"), "{doctor}");
    system.run("zcat /usr/share/man/man1/engawa.1.gz | grep -q '^.SH'");
    system.run("grep -q check-config /usr/share/bash-completion/completions/engawa");
    system.run("engawa check-config /usr/share/engawa/engawa.toml");
    let owner = |path: &str| system.run(&format!("stat -c '%U:%G %a' {path}")).trim().to_owned();
    assert_eq!(owner("/etc/engawa"), "engawa:engawa 755");
    assert_eq!(owner("/var/lib/engawa"), "engawa:engawa 700");
    system.run("id -u engawa-screen");
    let enabled = |unit: &str| system.run(&format!("systemctl is-enabled {unit} || true")).trim().to_owned();
    let units =
        ["engawa.service", "engawa-reset.path", "engawa-clock.socket", "engawa-screen.service", "engawa-network.path"];
    assert_eq!(
        units.map(enabled),
        ["enabled", "enabled", "enabled", "disabled", "disabled"],
        "a machine becomes a box only when it is asked to"
    );

    // What a box was told and wrote outlives an upgrade and a removal; a unit that somebody disabled stays so.
    let kept =
        "/etc/engawa/engawa.toml /var/lib/engawa/identity.key /var/lib/engawa/ledger/1 /var/cache/engawa/registry";
    system.run(&format!("for file in {kept}; do install -D -m 600 -o engawa -g engawa /etc/hostname $file; done"));
    system.run("systemctl enable engawa-screen.service && systemctl disable engawa-clock.socket");
    system.run("dpkg -i /2.deb");
    assert_eq!(system.run("dpkg-query -W -f '${Version} ${db:Status-Status}' engawa"), "2 installed");
    assert_eq!(units.map(enabled), ["enabled", "enabled", "disabled", "enabled", "enabled"]);
    assert_eq!(system.run("dpkg -V engawa"), "");
    system.run(&format!("ls {kept}"));

    system.run("dpkg -r engawa");
    system.run(&format!("ls {kept}"));
    system.run("! test -e /usr/bin/engawa && ! test -e /usr/share/engawa && ! ls /usr/lib/systemd/system/engawa*");

    system.run("dpkg -i /2.deb && dpkg -P engawa");
    let mut left: BTreeSet<String> = system.files().difference(&before).cloned().collect();
    // The users stay, without rights, and dpkg's and systemd's own notes of what they did.
    left.retain(|file| !NOTED_BY_OTHERS.iter().any(|noted| file.starts_with(noted)));
    assert!(left.is_empty(), "purged, it leaves {left:?}");
    assert_eq!(
        before.difference(&system.files()).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "it took something with it"
    );
    system.run("getent passwd engawa | grep -q nologin");
}

const NOTED_BY_OTHERS: &[&str] = &[
    "/etc/.pwd.lock",
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow",
    "/run/systemd",
    "/var/lib/dpkg/",
    "/var/log/dpkg.log",
];

/// A Debian system of one test's own.
struct System {
    root: PathBuf,
    work: TempDir,
}

impl System {
    /// With two versions of the package at hand as `/1.deb` and `/2.deb`; `None` where it cannot be made.
    fn of(release: &str) -> Option<Self> {
        if !Need::Debian.met() {
            return None;
        }
        let room = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("package");
        let root = room.join(release);
        said(Command::new(self::root("tests/package/bootstrap.sh")).arg(release).arg(&root));
        let work = tempfile::tempdir_in(room).unwrap();
        let upper = work.path().join("upper");
        std::fs::create_dir(&upper).unwrap();
        for version in ["1", "2"] {
            let package = pack(work.path(), version);
            std::fs::rename(package, upper.join(format!("{version}.deb"))).unwrap();
        }
        Some(Self { root, work })
    }

    /// What the script said.
    fn run(&self, script: &str) -> String {
        said(Command::new(root("tests/package/inside.sh")).arg(&self.root).arg(self.work.path()).arg(script))
    }

    fn files(&self) -> BTreeSet<String> {
        self.run("find / -xdev ! -path '/proc/*' ! -path '/tmp/*'").lines().map(str::to_owned).collect()
    }
}

fn pack(directory: &Path, version: &str) -> PathBuf {
    let packed = said(
        Command::new(root("packaging/deb.sh"))
            .arg(env!("CARGO_BIN_EXE_engawa"))
            .arg(directory)
            .env("ENGAWA_VERSION", version)
            .env("ENGAWA_QUICK", "1")
            .env("SOURCE_DATE_EPOCH", "1700000000"),
    );
    PathBuf::from(packed.lines().last().unwrap())
}

/// The subcommands that `engawa --help` lists.
fn commands() -> Vec<String> {
    let help = said(Command::new(env!("CARGO_BIN_EXE_engawa")).arg("--help"));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<String> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() > 10, "{help}");
    names
}

fn said(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}{err}");
    out.into_owned()
}

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
