#!/bin/sh
# Builds cargo-nextest, the test runner, if it is not there.
set -eu

cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked --version 0.9.143
