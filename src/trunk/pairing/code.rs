//! Eight digits, said aloud.

use super::PairError;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::str::FromStr;

/// The one-time code.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; 8]);

impl Code {
    /// A fresh one; all hundred million are equally likely.
    ///
    /// # Errors
    /// [`PairError::NoRandomNumbers`].
    pub fn random() -> Result<Self, PairError> {
        let mut bytes = [0; 4];
        loop {
            SystemRandom::new().fill(&mut bytes).map_err(|_| PairError::NoRandomNumbers)?;
            let number = u32::from_be_bytes(bytes);
            if number < FAIR {
                return format!("{:08}", number % CODES).parse().map_err(|_| PairError::NoRandomNumbers);
            }
        }
    }

    pub(super) fn digits(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for Code {
    /// In two groups, as it is read aloud.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, &digit) in self.0.iter().enumerate() {
            let gap = if at == 4 { " " } else { "" };
            write!(f, "{gap}{}", char::from(digit))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl FromStr for Code {
    type Err = BadCode;

    /// Takes what a Japanese keyboard may give: full-width digits, spaces, hyphens.
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let mut digits = Vec::with_capacity(8);
        for letter in text.chars() {
            match letter {
                '0'..='9' => digits.push(letter as u32 - '0' as u32),
                '０'..='９' => digits.push(letter as u32 - '０' as u32),
                ' ' | '　' | '-' | '‐' | '－' | 'ー' | '\r' | '\n' => {}
                _ => return Err(BadCode),
            }
            if digits.len() > 8 {
                return Err(BadCode);
            }
        }
        let digits: Vec<u8> = digits.into_iter().filter_map(|digit| u8::try_from(digit).ok()).collect();
        let digits: [u8; 8] = digits.try_into().map_err(|_| BadCode)?;
        Ok(Self(digits.map(|digit| b'0' + digit)))
    }
}

/// Not eight digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code has eight digits, such as 1234 5678")]
pub struct BadCode;

const CODES: u32 = 100_000_000;
/// The greatest multiple of [`CODES`] in 32 bits: beyond it some codes would be likelier.
const FAIR: u32 = 4_200_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code: Code = "12345678".parse().unwrap();
        assert_eq!(code.to_string(), "1234 5678");
        for typed in ["1234 5678", "1234-5678\n", "１２３４　５６７８", "1 2 3 4 5 6 7 8"] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        for bad in ["", "1234567", "123456789", "1234567a", "一二三四五六七八"] {
            assert_eq!(bad.parse::<Code>(), Err(BadCode), "{bad}");
        }
    }

    #[test]
    fn codes_differ_and_are_not_printed_by_accident() {
        let codes: BTreeSet<String> = (0..64).map(|_| Code::random().unwrap().to_string()).collect();
        assert!(codes.len() > 60);
        assert_eq!(format!("{:?}", Code::random().unwrap()), "Code(…)");
    }
}
