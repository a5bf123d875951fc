//! Subcommands: run, pair, status, doctor, check-config, demo, bench.
