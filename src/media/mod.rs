//! One file, one pipeline with its own bus and restart.
