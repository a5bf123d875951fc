//! Any bytes as a configuration: refused or taken, never a panic, and every refusal is a sentence with a line.
#![no_main]

use engawa::config::{Config, ConfigError};
use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, Path::new("/etc/engawa/engawa.toml")) {
        Ok(config) => assert!(config.trunk.dial || config.trunk.listen.is_some()),
        Err(ConfigError::Wrong(mistakes)) => {
            assert!(mistakes.iter().all(|mistake| mistake.line >= 1 && !mistake.what.is_empty()));
            assert!(!mistakes.is_empty());
        }
        Err(ConfigError::Unreadable { .. } | ConfigError::NotText { .. }) => {}
    }
});
