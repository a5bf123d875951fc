//! Gives up every right of this process, for ever: no file system, no network, no new process, no executable memory.
//!
//! For the processes that read what strangers made: documents (`pages`) and sticks (`provision`). seccomp is the wall: a list of
//! the few calls that reading and drawing need, and death on any other. Landlock, limits, an own
//! session and closed descriptors stand behind it. Without seccomp nothing is read; without Landlock it is told.

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};
use std::os::fd::RawFd;

/// Gives up every right but reading and writing what is open: standard input and output and `kept`.
///
/// # Errors
/// Something that must be given up could not be: this process must not read what a stranger made.
pub fn confine(kept: &[RawFd]) -> Result<Walls, Unconfined> {
    // The daemon kills what hangs; this kills what it left behind, as the thread that started this process ends with it.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|_| Unconfined("parent death signal"))?;
    // Fails where this process leads a session already, which is as good.
    let _ = unistd::setsid();
    // When memory runs out, this goes before the daemon does.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    close_all_but(kept)?;
    prctl::set_dumpable(false).map_err(|_| Unconfined("dumpable"))?;
    prctl::set_no_new_privs().map_err(|_| Unconfined("no new privileges"))?;
    // Landlock takes a descriptor for a moment, so the limits come after it.
    let landlock = forbid_files().is_ok_and(|status| status != RulesetStatus::NotEnforced);
    for (resource, most) in LIMITS {
        setrlimit(*resource, *most, *most).map_err(|_| Unconfined("limits"))?;
    }
    forbid_calls().map_err(|_| Unconfined("seccomp"))?;
    Ok(Walls { landlock })
}

/// What stands between a confined process and the machine, beside seccomp.
#[derive(Clone, Copy, Debug)]
pub struct Walls {
    /// The kernel has Landlock.
    pub landlock: bool,
}

/// A right that could not be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this process could not be confined: {0}")]
pub struct Unconfined(&'static str);

/// Tests only: what a confined process must not be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trespass {
    /// Reads a file that anybody may read.
    ReadFile,
    /// Opens a network socket.
    OpenSocket,
    /// Starts a process.
    StartProcess,
    /// Starts a thread.
    StartThread,
    /// Takes 10 GB.
    TakeMemory,
    /// Never ends.
    Loop,
}

impl Trespass {
    /// All of them, by the name that the hidden argument takes.
    pub const ALL: [(&'static str, Self); 6] = [
        ("read-file", Self::ReadFile),
        ("open-socket", Self::OpenSocket),
        ("start-process", Self::StartProcess),
        ("start-thread", Self::StartThread),
        ("take-memory", Self::TakeMemory),
        ("loop", Self::Loop),
    ];

    /// Does it. Returns if it was possible, and also if it was denied without being killed for it.
    pub fn commit(self) {
        match self {
            Self::ReadFile => drop(std::fs::read("/etc/passwd")),
            Self::OpenSocket => drop(std::net::UdpSocket::bind("127.0.0.1:0")),
            Self::StartProcess => drop(std::process::Command::new("/bin/true").status()),
            Self::StartThread => drop(std::thread::Builder::new().spawn(|| ())),
            Self::TakeMemory => {
                std::hint::black_box(vec![1_u8; 10 << 30]);
            }
            Self::Loop => loop {
                std::hint::spin_loop();
            },
        }
    }
}

/// Standard input and output stay, and the fonts; standard error is nobody's.
fn close_all_but(kept: &[RawFd]) -> Result<(), Unconfined> {
    let entries = std::fs::read_dir("/proc/self/fd").map_err(|_| Unconfined("descriptors"))?;
    let open: Vec<RawFd> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2 && !kept.contains(descriptor)) {
        // The listing's own is closed already.
        let _ = unistd::close(descriptor);
    }
    Ok(())
}

/// No rule is added, so nothing on any file system and no port is left, as far as this kernel knows how.
fn forbid_files() -> Result<RulesetStatus, landlock::RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V6))?
        .handle_access(AccessNet::from_all(ABI::V6))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn forbid_calls() -> Result<(), seccompiler::Error> {
    let mut rules: std::collections::BTreeMap<i64, Vec<SeccompRule>> =
        CALLS.iter().map(|call| (*call, Vec::new())).collect();
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable =
            SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![executable])?]);
    }
    // Rust's debug builds ask about a descriptor before they close it.
    let asking =
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(libc::F_GETFD.unsigned_abs()))?;
    rules.insert(libc::SYS_fcntl, vec![SeccompRule::new(vec![asking])?]);
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)
}

/// Reading and writing what is open, memory without code in it, the end; nothing else. `futex` is what locks use, `getrandom`
/// seeds the maps, and the rest is what Rust's and C's libraries do when a program panics or ends.
const CALLS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Address space: the program's own libraries take 0.3 GB of it. Seconds of computing are for a worker's whole life; one that
/// has used them up is replaced.
const LIMITS: &[(Resource, u64)] = &[
    (Resource::RLIMIT_AS, 1 << 30),
    (Resource::RLIMIT_CPU, 600),
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_FSIZE, 0),
    (Resource::RLIMIT_NOFILE, 0),
    (Resource::RLIMIT_NPROC, 0),
    (Resource::RLIMIT_MEMLOCK, 0),
];
