//! What `engawa network` writes, read by the real systemd-networkd. Needs root: a network namespace with nothing in it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/needs.rs"]
mod needs;
mod provision_support;

use needs::Need;
use provision_support::{BINARY, Bench};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

#[test]
fn systemd_networkd_knows_every_word_of_it() {
    if !Need::Line.met() {
        return;
    }
    let bench = Bench::new();
    for (name, text) in [
        ("fixed", "address = \"192.0.2.10/24\"\ngateway = \"192.0.2.1\"\ninterface = \"en*\"\n"),
        ("six", "address = \"2001:db8::10/64\"\ngateway = \"2001:db8::1\"\n"),
        ("dhcp", "address = \"dhcp\"\n"),
    ] {
        let (config, out) = (bench.path(&format!("{name}.toml")), bench.path(&format!("{name}/50-engawa.network")));
        std::fs::write(&config, text).unwrap();
        network(&config, &out, 0);
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(complaints(&out), Vec::<String>::new(), "{}", std::fs::read_to_string(&out).unwrap());
        let planted = bench.path("planted.network");
        let wrong =
            std::fs::read_to_string(&out).unwrap().replace("LLMNR=no", "LLMNRR=no").replace("LLDP=no", "LLDP=perhaps");
        std::fs::write(&planted, wrong).unwrap();
        assert_eq!(complaints(&planted).len(), 3, "it is read: {:?}", complaints(&planted));
    }
}

#[test]
fn a_box_that_is_not_set_up_asks_for_an_address_and_a_mistake_leaves_the_other_file() {
    let bench = Bench::new();
    let (config, out) = (bench.path("network.toml"), bench.path("run/50-engawa.network"));
    network(&config, &out, 0);
    let unset = std::fs::read_to_string(&out).unwrap();
    assert!(unset.contains("DHCP=ipv4") && unset.contains("Type=ether"), "{unset}");
    std::fs::write(&config, "address = \"192.0.2.10/24\"\ngateway = \"192.0.3.1\"\n").unwrap();
    let said = network(&config, &out, 2);
    assert!(said.contains("network.toml:2: gateway = \"192.0.3.1\": is not in the network"), "{said}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), unset);
}

fn network(config: &Path, out: &Path, code: i32) -> String {
    let output = Command::new(BINARY).args(["network", "--config"]).arg(config).arg("--out").arg(out).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// What systemd-networkd says about a file as it reads it.
fn complaints(file: &Path) -> Vec<String> {
    let script = format!(
        "cp '{}' \"$1\"/engawa.network && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network && \
         cp \"$1\"/engawa.network /run/systemd/network/50-engawa.network && \
         SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console timeout -s TERM 2 /lib/systemd/systemd-networkd 2>&1",
        file.display()
    );
    let aside = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", &script, "sh"])
        .arg(aside.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("Enumeration completed"), "systemd-networkd ran: {said}");
    said.lines().filter(|line| line.contains("50-engawa.network")).map(str::to_owned).collect()
}
