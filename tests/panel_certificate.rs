//! The panel's certificate from the office's own CA, with OpenSSL as that CA and as the browser.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod panel_support;

use engawa::inbox::Inbox;
use engawa::panel::Panel;
use engawa::questions::Questions;
use panel_support::{settings, sources};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

#[test]
fn the_offices_ca_signs_the_panels_own_key_and_a_browser_that_trusts_that_ca_is_content() {
    let office = Office::open();
    let request = office.engawa("en", &["request"]);
    assert!(request.status.success(), "{request:?}");
    office.write("box.csr", &request.stdout);
    let told = office.openssl("req -in box.csr -noout -verify -text");
    for words in ["verify OK", "IP Address:127.0.0.1", "TLS Web Server Authentication", "Engawa"] {
        assert!(told.contains(words), "{words:?} is not in\n{told}");
    }
    office.sign("box");
    // Made before the CA answers, as on a box that is used meanwhile.
    drop(office.panel());
    let own = office.read("panel-certificate.pem");
    let installed = office.engawa("en", &["install", "box.pem"]);
    assert_eq!(words(&installed), "The certificate is in place; it is used after: systemctl restart engawa\n");
    assert_eq!(office.read("panel-certificate.pem.before"), own);

    let panel = office.panel();
    let browser = office.openssl(&format!(
        "s_client -connect {} -CAfile ca.pem -verify_ip 127.0.0.1 -verify_return_error -brief",
        panel.address()
    ));
    assert!(browser.contains("Verification: OK") && browser.contains("CN = Engawa"), "{browser}");
    drop(panel);
    assert_eq!(office.read("panel-certificate.pem"), office.read("box.pem"), "left alone");

    // A second time changes nothing; the way back is the same command.
    assert!(office.engawa("en", &["install", "box.pem"]).status.success());
    assert!(office.engawa("en", &["install", "panel-certificate.pem.before"]).status.success());
    assert_eq!(office.read("panel-certificate.pem"), own);
}

#[test]
fn what_is_not_this_boxs_certificate_is_refused_in_one_sentence_and_changes_nothing() {
    let office = Office::open();
    drop(office.panel());
    let own = office.read("panel-certificate.pem");
    office.openssl("ecparam -name prime256v1 -genkey -noout -out other.key");
    office.openssl("req -new -key other.key -subj /CN=other -addext subjectAltName=IP:127.0.0.1 -out other.csr");
    office.sign("other");
    office.openssl("x509 -in other.pem -outform DER -out other.der");
    office.write("box.csr", &office.engawa("en", &["request"]).stdout);
    office.openssl("x509 -req -in box.csr -CA ca.pem -CAkey ca.key -days 30 -out bare.pem");
    let both = [office.read("other.pem"), office.read("other.key")].concat();
    office.write("both.pem", &both);
    for (file, code, english, japanese) in [
        ("other.pem", 3, "is not for this box's key", "この箱の鍵のものではありません"),
        ("ca.pem", 3, "is not for this box's key", "この箱の鍵のものではありません"),
        ("both.pem", 3, "it holds a private key", "秘密鍵が入っています"),
        ("other.der", 1, "there is no certificate in it", "証明書が入っていません"),
        ("bare.pem", 1, "let the CA keep the extensions", "拡張領域を残して"),
        ("nothing.pem", 1, "nothing.pem cannot be read", "nothing.pemを読めません"),
    ] {
        for (language, sentence) in [("en", english), ("ja", japanese)] {
            let refused = office.engawa(language, &["install", file]);
            assert_eq!(refused.status.code(), Some(code), "{file}: {refused:?}");
            let said = words(&refused);
            assert!(said.starts_with("engawa: ") && said.contains(sentence) && said.lines().count() == 1, "{said}");
        }
    }
    assert_eq!(office.read("panel-certificate.pem"), own);
    assert!(!office.home.path().join("panel-certificate.pem.before").exists());
}

#[test]
fn a_certificate_without_the_boxs_address_is_put_in_place_with_a_note() {
    let office = Office::open();
    office.write("box.csr", &office.engawa("en", &["request"]).stdout);
    office.write("moved.ext", b"subjectAltName=IP:192.0.2.7");
    office.openssl("x509 -req -in box.csr -CA ca.pem -CAkey ca.key -days 30 -extfile moved.ext -out box.pem");
    let said = words(&office.engawa("en", &["install", "box.pem"]));
    assert!(
        said.starts_with("Note: 127.0.0.1 is not in it; browsers that open it will warn.\nThe certificate"),
        "{said}"
    );
}

/// A box that is not running, and the office's CA beside it.
struct Office {
    home: tempfile::TempDir,
}

impl Office {
    fn open() -> Self {
        let office = Self { home: tempfile::tempdir().unwrap() };
        for language in ["en", "ja"] {
            let text = format!(
                "[box]\nname = \"市民課\"\nlanguage = \"{language}\"\nstate_directory = {:?}\n\n[panel]\nlisten = \"127.0.0.1:8443\"\n",
                office.home.path()
            );
            office.write(&format!("{language}.toml"), text.as_bytes());
        }
        office.openssl("ecparam -name prime256v1 -genkey -noout -out ca.key");
        office.openssl("req -x509 -new -key ca.key -subj /CN=Office -days 30 -out ca.pem");
        office
    }

    fn sign(&self, name: &str) {
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 30 -copy_extensions copy -out {name}.pem"
        ));
    }

    fn panel(&self) -> Panel {
        let sources = sources(&Arc::default(), &Arc::default());
        Panel::start(settings(self.home.path()), Questions::new(Inbox::default()), sources).expect("listens")
    }

    fn engawa(&self, language: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engawa"));
        command.args(["certificate", "--config", &format!("{language}.toml")]).args(arguments);
        command.current_dir(self.home.path()).output().unwrap()
    }

    fn openssl(&self, arguments: &str) -> String {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(self.home.path()).stdin(Stdio::null());
        let output = command.output().expect("packaging/apt-test.txt installs it");
        assert!(output.status.success(), "{arguments}: {output:?}");
        words(&output)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.home.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home.path().join(Path::new(name)), bytes).unwrap();
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}
