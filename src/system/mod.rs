//! The machine below: clocks, memory, notify, network evidence, the status socket.

pub mod check;
pub mod clock;
pub mod memory;
pub mod network;
pub mod notify;
pub mod room_status;
pub mod status;
pub mod status_socket;
