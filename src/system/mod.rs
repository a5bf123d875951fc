//! The machine below: clocks, notify, storage, network evidence, the status socket.

pub mod clock;
pub mod status;
