//! The boxes' own line: dial or listen, TLS with pinned raw public keys, pairing, messages.
