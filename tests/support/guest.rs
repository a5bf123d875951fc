//! A process that lives as long as its guard: killed and reaped by its own pid, never by name.

use super::wait_for;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A child process.
pub struct Guest {
    child: Child,
}

impl Guest {
    /// Starts it. For a namespace make the command with [`super::lab::Lab::command`].
    pub fn spawn(mut command: Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP: hung, but its sockets stay open.
    pub fn stop(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn cont(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM: asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// SIGINT, as Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    /// SIGKILL and reap.
    pub fn kill(&mut self) -> ExitStatus {
        self.child.kill().ok();
        self.child.wait().expect("a killed child can be reaped")
    }

    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its exit status, when it ends within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        wait_for(limit, || self.child.try_wait().ok().flatten())
    }

    /// Its standard input, when the command piped it.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output line by line with the moment of reading, when the command piped it.
    pub fn lines(&mut self) -> Receiver<(Instant, String)> {
        read_lines(self.child.stdout.take().expect("the command pipes its standard output"))
    }

    /// The same of its standard error.
    pub fn error_lines(&mut self) -> Receiver<(Instant, String)> {
        read_lines(self.child.stderr.take().expect("the command pipes its standard error"))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).ok();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends with the stream; the channel is bounded, a reader that stops reading stops the writer.
fn read_lines(stream: impl Read + Send + 'static) -> Receiver<(Instant, String)> {
    let (sender, receiver) = mpsc::sync_channel(MAX_LINES);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send((Instant::now(), line)).is_err() {
                break;
            }
        }
    });
    receiver
}

const MAX_LINES: usize = 10_000;
