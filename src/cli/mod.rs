//! Subcommands: run, pair, status, doctor, check-config, demo, bench.

pub mod check_config;
pub mod doctor;
