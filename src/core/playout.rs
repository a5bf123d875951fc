//! The arithmetic of playout: clock offset, capture time, jitter, and how to correct delay. Pure; media carries it out.
