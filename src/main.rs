//! The binary: everything is in the library.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Memory is overwritten when it is given back: on its way through TLS, HTTP and JSON a document leaves copies that nobody names.
/// What C libraries allocate is not in here.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    engawa::cli::main()
}
