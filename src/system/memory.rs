//! What this process holds: memory, threads, descriptors. Nothing of it may grow with uptime.
//!
//! Live heap and resident memory are told apart: the first grows when something is kept, the second also when the allocator
//! keeps what was given back.

use nix::libc;
use serde::{Deserialize, Serialize};

/// What this process holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Bytes in use from glibc's allocator: Rust's, GLib's and every C library's. See [`live_heap_bytes`].
    pub live_heap_bytes: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub fds: u64,
}

impl Memory {
    /// Asks the allocator and /proc; what cannot be read is 0.
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let number = status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
            number.parse::<u64>().ok()
        };
        // Reading the directory takes a descriptor itself.
        let fds = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count().saturating_sub(1));
        Self {
            live_heap_bytes: live_heap_bytes(),
            rss_bytes: field("VmRSS:").unwrap_or(0) * 1024,
            threads: field("Threads:").unwrap_or(0),
            fds: fds as u64,
        }
    }
}

/// Bytes in use in all arenas (`uordblks`) and in blocks of their own (`hblkhd`); mallinfo2(3). What lies in the threads'
/// caches counts as in use, so the unit file turns these off. Not in it: stacks, code, and what libraries map by themselves.
#[expect(unsafe_code, reason = "glibc has no other way to tell live heap from RSS, and nix does not wrap this one")]
fn live_heap_bytes() -> u64 {
    // SAFETY: takes no argument, returns plain numbers, and glibc documents it as safe from any thread.
    let heap = unsafe { libc::mallinfo2() };
    (heap.uordblks + heap.hblkhd) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_heap_follows_what_is_held_in_small_and_in_large_blocks() {
        // Other tests run beside this one: 64 MB is more than they allocate.
        const HELD: u64 = 64 << 20;
        for block in [1 << 10, 1 << 24] {
            let before = Memory::now();
            let held: Vec<Vec<u8>> = (0..HELD / block).map(|_| vec![1; block as usize]).collect();
            let with = Memory::now();
            drop(held);
            let after = Memory::now();
            assert!(with.live_heap_bytes > before.live_heap_bytes + HELD * 3 / 4, "{before:?} {with:?}");
            assert!(after.live_heap_bytes + HELD * 3 / 4 < with.live_heap_bytes, "{with:?} {after:?}");
            assert!(with.rss_bytes >= HELD && with.threads > 0 && with.fds > 2, "{with:?}");
        }
    }
}
