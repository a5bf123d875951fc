//! The machine below: clocks, notify, network evidence, the status socket.

pub mod check;
pub mod clock;
pub mod network;
pub mod notify;
pub mod status;
pub mod status_socket;
