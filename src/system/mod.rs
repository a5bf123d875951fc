//! The machine below: clocks, memory, notify, network evidence, keys, hours, ledger, what is remembered, the status socket.

pub mod board_file;
pub mod boot;
pub mod check;
pub mod clerk;
pub mod clock;
pub mod clock_wish;
pub mod desk;
pub mod hardware;
pub mod hours;
pub mod kept;
pub mod keys;
pub mod ledger;
pub mod memory;
pub mod network;
pub mod notify;
pub mod room_memory;
pub mod room_status;
pub mod status;
pub mod status_socket;
pub mod unwedge;
