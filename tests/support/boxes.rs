//! Two daemons.
