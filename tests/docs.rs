//! What is written for people is run by machines: commands in the papers, example configurations, unit files and package
//! lists say what the program does.

use engawa::cli::doctor::ELEMENTS;
use engawa::config::{Config, DEFAULTS};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn every_command_in_the_papers_exists() {
    let makefile = read("Makefile");
    let mut seen = 0;
    for paper in ["README.md", "packaging/INSTALL.md", "hw/UNTRIED.md", "docs/provisioning.md"] {
        for command in commands(&read(paper)) {
            let words: Vec<&str> = command.split_whitespace().collect();
            match words.as_slice() {
                ["make", target, ..] => {
                    assert!(makefile.contains(&format!("\n{target}:")), "{paper}: {command}: no such target");
                }
                [program, arguments @ ..] if is_engawa(program) => {
                    let help = help_of(arguments);
                    for flag in arguments.iter().filter(|word| word.starts_with("--")) {
                        let name = flag.split('=').next().unwrap_or_default();
                        assert!(help.contains(name), "{paper}: {command}: no {name} in\n{help}");
                    }
                }
                _ => continue,
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "the papers name {seen} commands");
}

#[test]
fn every_command_of_the_units_exists() {
    let mut seen = 0;
    for unit in std::fs::read_dir(root("systemd")).expect("units").map(|entry| entry.expect("an entry").path()) {
        let Ok(text) = std::fs::read_to_string(&unit) else { continue };
        for line in text.lines().filter(|line| line.starts_with("Exec")) {
            let Some((_, command)) = line.split_once("/usr/bin/engawa ") else { continue };
            let words: Vec<&str> = command.split_whitespace().collect();
            let help = help_of(&words);
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{}: {line}: no {flag}", unit.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 6, "the units run engawa {seen} times");
}

#[test]
fn the_reader_of_papers_finds_commands() {
    let paper = "Text `engawa status --json` and `engawa`'s.\n\n```sh\n$ make demo SECONDS=20 # see\nsudo engawa pair --config A | less\n\
                 ls\n```\n\n| `make test` | x |\n";
    assert_eq!(
        commands(paper),
        ["engawa status --json", "make demo SECONDS=20", "engawa pair --config A", "make test"]
    );
}

#[test]
fn every_example_configuration_passes_the_programs_own_check() {
    let mut examples: Vec<PathBuf> = std::fs::read_dir(root("config/examples"))
        .expect("examples")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    examples.push(root("config/engawa.toml"));
    assert!(examples.len() >= 5);
    for path in examples {
        let output = engawa(&["check-config", path.to_str().expect("a name")]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("valid"), "{}: {output:?}", path.display());
    }
}

#[test]
fn a_refused_configuration_is_answered_on_standard_error_with_exit_code_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("engawa.toml");
    std::fs::write(&path, "[trunk]\nlistne = \"\"\n").expect("written");
    let output = engawa(&["check-config", path.to_str().expect("a name")]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, format!("{}:2: trunk.listne: there is no such setting; did you mean listen?\n", path.display()));
}

#[test]
fn every_setting_is_explained_above_it() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        let setting = line.starts_with(char::is_alphabetic);
        assert!(!setting || explained, "config/engawa.toml: {line} has no comment above it");
        explained = line.starts_with('#');
    }
}

#[test]
fn the_unit_gives_the_daemon_the_directories_of_the_default_configuration() {
    let unit = read("systemd/engawa.service");
    let config = Config::parse(DEFAULTS, Path::new("/etc/engawa/engawa.toml")).expect("valid");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).expect("in the unit");
    assert_eq!(config.state_directory, Path::new("/var/lib").join(value("StateDirectory")));
    assert_eq!(config.status_socket.parent(), Some(Path::new("/run").join(value("RuntimeDirectory")).as_path()));
    for promise in ["Type=notify", "Restart=always", "StartLimitIntervalSec=0", "LimitCORE=1", "NoNewPrivileges=yes"] {
        assert!(unit.lines().any(|line| line == promise), "the unit lacks {promise}");
    }
    // Camera, sound, screen and keypad pass the unit's wall; the clock is set by a unit that can do nothing else.
    for device in ["video4linux", "media", "alsa", "drm", "input"] {
        assert!(unit.contains(&format!("DeviceAllow=char-{device} rw")), "the unit takes {device} away");
    }
    assert!(unit.contains("\nProtectClock=yes\n") && !unit.contains("CAP_SYS_TIME") && !unit.contains("@clock"));
    assert!(read("systemd/engawa-clock@.service").contains("\nCapabilityBoundingSet=CAP_SYS_TIME\n"));
    assert!(unit.contains("MALLOC_ARENA_MAX=2") && unit.contains("MALLOC_MMAP_THRESHOLD_=131072"));
    let start: Vec<&str> = value("ExecStart").split(' ').collect();
    assert!(is_engawa(start[0]) && help_of(&start[1..]).contains("--config"));
    let users = read("systemd/sysusers.d/engawa.conf");
    assert!(users.contains(&format!("u {} ", value("User"))));
}

#[test]
fn package_lists_are_in_order_and_hold_what_the_doctor_recommends() {
    for list in ["run", "build", "test"] {
        let packages = packages(list);
        assert!(packages.windows(2).all(|pair| pair[0] < pair[1]), "apt-{list}.txt is sorted, without doubles");
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        assert!(packages.iter().all(|package| package.len() > 1 && package.chars().all(legal)), "{packages:?}");
    }
    let run: BTreeSet<String> = packages("run").into_iter().collect();
    for needs in ELEMENTS {
        assert!(run.contains(needs.package), "{} for {:?} is not in apt-run.txt", needs.package, needs.any_of);
    }
    assert!(run.contains("fonts-noto-cjk"));
}

#[test]
fn the_lists_install_nothing_where_all_is_there() {
    let lists = ["run", "build", "test"];
    let known = Command::new("dpkg-query").arg("-W").args(lists.iter().flat_map(|list| packages(list))).output();
    if !known.is_ok_and(|known| known.status.success()) {
        return; // Something is missing: `make test` installs it, a test does not.
    }
    let files = lists.map(|list| format!("packaging/apt-{list}.txt"));
    let output = Command::new("packaging/install.sh").args(&files).current_dir(root("")).output().expect("run");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// Commands in fenced blocks and in back-ticks, without prompt, `sudo`, comments and pipes.
fn commands(paper: &str) -> Vec<String> {
    let (mut found, mut fenced) = (Vec::new(), false);
    for line in paper.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let candidates: Vec<&str> = if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for candidate in candidates {
            let bare = candidate.split(['#', '|', '&', '>', ';']).next().unwrap_or_default().trim();
            let bare = bare.strip_prefix("$ ").unwrap_or(bare);
            let bare = bare.strip_prefix("sudo ").unwrap_or(bare);
            let program = bare.split(' ').next().unwrap_or_default();
            if (program == "make" || is_engawa(program)) && bare.contains(' ') {
                found.push(bare.to_owned());
            }
        }
    }
    found
}

fn is_engawa(program: &str) -> bool {
    program == "engawa" || program.ends_with("/engawa")
}

/// The help of a subcommand, or of the one below it that the next word names.
fn help_of(arguments: &[&str]) -> String {
    let words: Vec<&str> = arguments.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    let help = |words: &[&str]| {
        let output = engawa(&[words, &["--help"]].concat());
        assert!(output.status.success(), "engawa {}: no such subcommand", words.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let Some((first, rest)) = words.split_first() else { return help(&[]) };
    let own = help(&[first]);
    let below = |word: &&&str| own.lines().any(|line| line.trim_start().split(' ').next() == Some(**word));
    match rest.first().filter(below) {
        Some(second) if own.contains("Commands:") => help(&[first, second]),
        Some(_) | None => own,
    }
}

fn engawa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_engawa")).args(arguments).output().expect("the program runs")
}

fn packages(list: &str) -> Vec<String> {
    let text = read(&format!("packaging/apt-{list}.txt"));
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
