//! A print server of a Linux PC, as private as a directory: CUPS' own daemon, with one queue.

#![allow(clippy::disallowed_methods, reason = "a test waits in real time")]

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Ends when dropped.
pub struct Cups {
    home: TempDir,
    daemon: Child,
}

impl Cups {
    /// Runs, and has the printer as its queue "engawa".
    pub fn with(printer: SocketAddr) -> Self {
        let home = tempfile::Builder::new().prefix("engawa-cups-").tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        for directory in ["", "etc", "etc/ppd", "spool", "cache", "state", "log"] {
            let directory = home.path().join(directory);
            std::fs::create_dir_all(&directory).unwrap();
            // Its filters run as somebody else.
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        let everything = "Order allow,deny\nAllow all\n";
        let server = format!(
            "Listen {path}/cups.sock\nBrowsing No\nDefaultAuthType None\nWebInterface No\nLogLevel info\n\
             <Location />\n{everything}</Location>\n<Policy default>\n<Limit All>\n{everything}</Limit>\n</Policy>\n"
        );
        let files = format!(
            "ServerRoot {path}/etc\nRequestRoot {path}/spool\nTempDir {path}/spool\nCacheDir {path}/cache\nStateDir {path}/state\n\
             ErrorLog {path}/log/error\nAccessLog {path}/log/access\nPageLog {path}/log/page\nUser lp\nGroup lp\n\
             SystemGroup root\nSyncOnClose No\n"
        );
        std::fs::write(home.path().join("etc/cupsd.conf"), server).unwrap();
        std::fs::write(home.path().join("etc/cups-files.conf"), files).unwrap();
        let daemon = Command::new("cupsd")
            .args(["-f", "-c", &format!("{path}/etc/cupsd.conf"), "-s", &format!("{path}/etc/cups-files.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cups-daemon is installed");
        let cups = Self { home, daemon };
        let runs = || cups.home.path().join("cups.sock").exists();
        (0..100)
            .find(|_| {
                runs() || {
                    std::thread::sleep(Duration::from_millis(50));
                    false
                }
            })
            .expect("cupsd listens");
        cups.add(printer);
        cups
    }

    /// Again where a job says "unable to convert": cupsd 2.4.2 now and then overlooks the description of a queue that was just made.
    pub fn add(&self, printer: SocketAddr) {
        let uri = format!("ipp://{printer}/ipp/print");
        let added = self.run("lpadmin", &["-p", "engawa", "-E", "-v", &uri, "-m", "everywhere"]);
        assert!(added.status.success(), "{added:?}\n{}", self.log());
    }

    /// Prints a file as a person does.
    pub fn lp(&self, file: &Path) {
        let printed = self.run("lp", &["-d", "engawa", file.to_str().unwrap()]);
        assert!(printed.status.success(), "{printed:?}\n{}", self.log());
    }

    /// What waits in its queue.
    pub fn queue(&self) -> String {
        String::from_utf8(self.run("lpstat", &["-o"]).stdout).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log/error")).unwrap_or_default()
    }

    fn run(&self, program: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(words).env("CUPS_SERVER", self.home.path().join("cups.sock")).stdin(Stdio::null());
        command.output().expect("cups-client is installed")
    }
}

impl Drop for Cups {
    fn drop(&mut self) {
        let _gone_already = self.daemon.kill();
        let _reaped = self.daemon.wait();
    }
}
