//! Which of several bundles is the newest, by their names: nothing else is known before one was fetched and its signature checked.

use std::cmp::Ordering;

/// The place of the newest by name in the list; the first of equals.
pub fn newest<'n>(names: impl Iterator<Item = &'n str>) -> Option<usize> {
    let later = |best: (usize, &'n str), next: (usize, &'n str)| match compare(next.1, best.1) {
        Ordering::Greater => next,
        Ordering::Less | Ordering::Equal => best,
    };
    names.enumerate().reduce(later).map(|(place, _)| place)
}

/// As people order versions: numbers in them by their worth, everything else letter by letter, great and small alike.
fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let ((word, number, rest), (other_word, other_number, other_rest)) = (split(one), split(other));
        let by_worth = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        let order = word.to_lowercase().cmp(&other_word.to_lowercase()).then_with(|| by_worth(number, other_number));
        if order != Ordering::Equal || (one.is_empty() && other.is_empty()) {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
}

/// What comes before the first number, that number without leading zeros, and the rest.
fn split(text: &str) -> (&str, &str, &str) {
    let (word, rest) = text.split_at(text.find(|letter: char| letter.is_ascii_digit()).unwrap_or(text.len()));
    let (number, rest) = rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len()));
    (word, number.trim_start_matches('0'), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_one_with_the_greatest_number() {
        let order = [
            "",
            "engawa-0.1.0+20261122.2359.raucb",
            "Engawa-0.1.0+20261123.0214.raucb",
            "engawa-0.2.0.raucb",
            "engawa-0.10.0.raucb",
            "engawa-00011.raucb",
            "更新.raucb",
        ];
        for (place, name) in order.iter().enumerate() {
            for (other_place, other) in order.iter().enumerate() {
                assert_eq!(compare(name, other), place.cmp(&other_place), "{name} {other}");
            }
        }
        assert_eq!(newest(["b-9.raucb", "b-10.raucb", "a-11.raucb", "B-10.raucb"].into_iter()), Some(1));
        assert_eq!(newest([].into_iter()), None);
    }
}
