//! The machine below: clocks, notify, storage, network evidence, the status socket.

pub mod check;
pub mod clock;
pub mod network;
pub mod notify;
pub mod status;
pub mod status_socket;
pub mod storage;
