//! Six short words that are the same on both boxes of a pair, to be compared aloud over the telephone.
//!
//! They say: this box trusts exactly that one. Six of 256 words are 48 bits; the hash is slowed so that nobody makes
//! keys by the million until two pairs sound alike.

use super::key::PeerKey;
use ring::pbkdf2;
use std::num::NonZeroU32;

/// The words of the pair `a`, `b`, whatever their order. Takes some tens of milliseconds on purpose: ask once, keep them.
pub fn six_words(a: &PeerKey, b: &PeerKey) -> [&'static str; 6] {
    let mut keys = Vec::with_capacity(2 * a.spki().len());
    keys.extend_from_slice(a.min(b).spki());
    keys.extend_from_slice(a.max(b).spki());
    let mut picked = [0_u8; 6];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, SALT, &keys, &mut picked);
    picked.map(|index| WORDS[usize::from(index)])
}

const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).expect("not zero");
const SALT: &[u8] = b"engawa six words 1";

/// Romanised (Hepburn, long vowels not marked), each a common thing that can be said and written in hiragana.
const WORDS: [&str; 256] = [
    "ahiru", "aida", "aki", "amagasa", "ame", "ami", "ari", "asa", "asagao", "ashi", "awa", "bento", "biwa", "botan",
    "budou", "buta", "chawan", "chizu", "chou", "daikon", "daiku", "dango", "denwa", "doro", "ebi", "eda", "eki",
    "enogu", "enpitsu", "fude", "fugu", "fuji", "fukuro", "fune", "furo", "futon", "fuyu", "gamo", "genki", "geta",
    "gin", "gohan", "goma", "gyoza", "hachi", "haiku", "hako", "hana", "hanabi", "hane", "haru", "hasami", "hashi",
    "hato", "hebi", "hibari", "higashi", "hikari", "himawari", "hinoki", "hiru", "hitsuji", "hiyoko", "hon", "hoshi",
    "hotaru", "hyotan", "ichigo", "ido", "ika", "ike", "ima", "inazuma", "inu", "ishi", "isu", "ito", "iwa", "izumi",
    "jari", "jishaku", "jiten", "jugyo", "kabe", "kabocha", "kaeru", "kagami", "kago", "kaki", "kame", "kami",
    "kamome", "kani", "kao", "kasa", "kawa", "kaze", "kemuri", "ken", "kiku", "kin", "kinoko", "kirin", "kita",
    "kitsune", "koi", "koma", "kome", "kori", "koto", "kuchi", "kujira", "kuki", "kuma", "kumo", "kuri", "kuruma",
    "kusa", "kutsu", "kyuri", "mado", "mame", "mari", "matsu", "mayu", "meron", "michi", "midori", "mikan", "mimi",
    "minami", "minato", "mitsu", "mizu", "mochi", "momiji", "momo", "mori", "mugi", "mura", "mushi", "nabe", "nagisa",
    "nami", "nara", "nashi", "nasu", "natsu", "nawa", "neko", "nezumi", "niji", "niku", "ninjin", "niwa", "nori",
    "nuno", "obi", "ocha", "oka", "okami", "okashi", "oke", "ongaku", "oni", "origami", "otoko", "pan", "piano",
    "potto", "raion", "raku", "ramune", "ranpu", "remon", "renga", "ringo", "risu", "sabaku", "saifu", "sakana",
    "sakura", "samurai", "sango", "sara", "saru", "sato", "sekai", "semi", "sensu", "shika", "shima", "shinju", "shio",
    "shiro", "soba", "sora", "soroban", "sudachi", "sugi", "suika", "suna", "suzu", "suzume", "tabi", "taiko", "taiyo",
    "taka", "take", "tako", "tamago", "tane", "tanuki", "tatami", "tengu", "tofu", "tokei", "tonbo", "tora", "tori",
    "tsubaki", "tsubame", "tsuki", "tsukue", "tsuru", "uchiwa", "udon", "ukiyo", "uma", "ume", "umi", "uni", "usagi",
    "ushi", "uta", "wakame", "wani", "wara", "wasabi", "washi", "yagi", "yakan", "yama", "yanagi", "yane", "yasai",
    "yoru", "yubi", "yuki", "yume", "yuri", "yuzu", "zabuton", "zaru", "zori", "zou",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_boxes_say_the_same_six_words() {
        let (a, b, c) = (PeerKey::from_raw(&[1; 32]), PeerKey::from_raw(&[2; 32]), PeerKey::from_raw(&[3; 32]));
        assert_eq!(six_words(&a, &b), six_words(&b, &a));
        assert_ne!(six_words(&a, &b), six_words(&a, &c));
        // Pinned: two boxes with different versions must still agree.
        assert_eq!(six_words(&a, &b), GOLDEN);
    }

    #[test]
    fn the_words_are_all_different_and_short() {
        assert_eq!(WORDS.iter().collect::<BTreeSet<_>>().len(), 256);
        assert!(WORDS.iter().all(|word| (3..=8).contains(&word.len())));
    }

    #[test]
    fn every_word_is_made_of_syllables_that_have_a_kana() {
        for word in WORDS {
            assert!(is_spoken(word.as_bytes()), "{word}");
        }
    }

    /// Each syllable ends in a vowel, or is a lone n.
    fn is_spoken(word: &[u8]) -> bool {
        let Some(vowel) = word.iter().position(|letter| b"aiueo".contains(letter)) else {
            return word.is_empty() || word == b"n";
        };
        let (head, rest) = (&word[..vowel], &word[vowel + 1..]);
        let head =
            if head.len() > 1 { head.strip_prefix(b"n").filter(|head| head != b"y").unwrap_or(head) } else { head };
        ONSETS.contains(&std::str::from_utf8(head).unwrap()) && is_spoken(rest)
    }

    const ONSETS: [&str; 27] = [
        "", "k", "s", "t", "n", "h", "m", "y", "r", "w", "g", "z", "d", "b", "p", "j", "f", "ch", "sh", "ts", "ky",
        "gy", "ny", "hy", "my", "ry", "tt",
    ];
    const GOLDEN: [&str; 6] = ["potto", "hinoki", "sara", "sugi", "kitsune", "doro"];
}
