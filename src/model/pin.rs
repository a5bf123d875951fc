//! A PIN on its way: never printed, overwritten when it is not needed any more.

use std::fmt;

/// What somebody typed as a PIN; at most [`Pin::LONGEST`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// Bytes of the longest.
    pub const LONGEST: usize = 32;

    /// As typed; none if no PIN is so long or it is empty. What is refused is overwritten too.
    pub fn new(typed: String) -> Option<Self> {
        let typed = Self(typed);
        (1..=Self::LONGEST).contains(&typed.0.len()).then_some(typed)
    }

    /// To be compared, or sent over TLS.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        // Else nobody would look at them any more, and they need not be written.
        std::hint::black_box(&mut bytes);
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Pin;

    #[test]
    fn a_pin_is_bounded_and_is_not_printed() {
        let pin = Pin::new("246810".into()).expect("a PIN");
        assert_eq!((pin.as_str(), format!("{pin:?}").contains("2468")), ("246810", false));
        assert!(Pin::new(String::new()).is_none() && Pin::new("1".repeat(33)).is_none());
    }
}
