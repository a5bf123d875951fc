//! Namespaces by name: entering them, running commands in them, removing them and whatever runs there.

use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `work` on a thread of its own inside a named namespace.
pub fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> T {
    let room = File::open(Path::new("/run/netns").join(namespace)).expect("the namespace exists");
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            setns(room, CloneFlags::CLONE_NEWNET).expect("root may enter a namespace");
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

pub fn command_in(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Runs a command of plain words; its standard output, trimmed. Panics when it fails.
pub fn run(words: &str) -> String {
    try_run(words).unwrap_or_else(|error| panic!("{words}: {error}"))
}

pub fn try_run(words: &str) -> Result<String, String> {
    let mut parts = words.split_whitespace();
    let program = parts.next().ok_or("empty command")?;
    let output = Command::new(program).args(parts).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Gives nftables a script, inside a namespace. Without `ip netns exec`, which mounts first: a cut should be quick.
pub fn nft(namespace: &str, script: &str) {
    inside(namespace, || {
        let mut child = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "nft in {namespace}:\n{script}");
    });
}

pub fn operstate(namespace: &str, device: &str) -> String {
    let text = try_run(&format!("ip -n {namespace} -o link show dev {device}")).unwrap_or_default();
    let mut words = text.split_whitespace();
    words.find(|word| *word == "state").and_then(|_| words.next()).unwrap_or_default().to_owned()
}

/// Removes what runs of ours left that are no longer alive.
pub fn sweep() {
    for namespace in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = namespace.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if let Some(pid) = owner.filter(|pid| !Path::new("/proc").join(pid).exists()) {
            eprintln!("sweeping {name}: process {pid} is gone");
            remove(&name);
        }
    }
}

/// Ends what still runs in the namespace, then the namespace.
pub fn remove(namespace: &str) {
    let own = std::process::id().to_string();
    let pids = try_run(&format!("ip netns pids {namespace}")).unwrap_or_default();
    for pid in pids.split_whitespace().filter(|pid| *pid != own) {
        try_run(&format!("kill -9 {pid}")).ok();
    }
    try_run(&format!("ip netns del {namespace}")).ok();
    std::fs::remove_dir_all(Path::new("/etc/netns").join(namespace)).ok();
}

/// Begins the name of every namespace of a lab; the number of the process that made it follows.
pub const PREFIX: &str = "engawa-lab-";
