//! Splits the ceiling: voice, then a shared page or screen, then camera.
