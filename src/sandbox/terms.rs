//! Similarity by common words, in place of meaning.

use std::collections::BTreeSet;

/// The distinct terms of a text: its words, ignoring case.
///
/// A word is a run of letters and digits. Scripts without spaces between words give one term per character, so that a
/// word is found inside a sentence.
pub(super) fn terms(text: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    let mut word = String::new();
    for character in text.chars() {
        if is_word_by_itself(character) {
            terms.insert(character.to_string());
            terms.insert(std::mem::take(&mut word));
        } else if character.is_alphanumeric() || is_mark(character) {
            // Via upper case, so that `ß` matches `SS` and a final sigma matches the others.
            word.extend(character.to_uppercase().flat_map(char::to_lowercase));
        } else {
            terms.insert(std::mem::take(&mut word));
        }
    }
    terms.insert(word);
    terms.remove("");
    terms
}

/// The share of the distinct terms of `query` that occur in `text`, 0 to 1.
pub(super) fn overlap(query: &BTreeSet<String>, text: &str) -> f64 {
    if query.is_empty() {
        return 0.0;
    }
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    count(query.intersection(&terms(text)).count()) / count(query.len())
}

/// Chinese and Japanese characters that represent a word or a syllable, and those of Thai, Lao, Khmer and Burmese.
fn is_word_by_itself(character: char) -> bool {
    matches!(u32::from(character),
        0x0E01..=0x0E30 | 0x0E40..=0x0E46 | 0x0E81..=0x0EB0 | 0x1000..=0x102A | 0x1780..=0x17B3
        | 0x3041..=0x3096 | 0x30A1..=0x30FA | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// Combining accents belong to the letter before them.
fn is_mark(character: char) -> bool {
    matches!(u32::from(character), 0x0300..=0x036F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        terms(text).into_iter().collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(list("I like GREEN tea; tea-time at 5!"), ["5", "at", "green", "i", "like", "tea", "time"]);
        assert_eq!(list(" \t…—"), Vec::<String>::new());
    }

    #[test]
    fn case_is_folded_in_every_script() {
        assert_eq!(terms("Straße ΟΔΟΣ Ёлка"), terms("STRASSE οδος ёЛКА"));
        assert_ne!(terms("cafe"), terms("cafe\u{301}"));
    }

    #[test]
    fn scripts_without_spaces_give_a_term_per_character() {
        assert!(terms("我喜欢绿茶").is_superset(&terms("绿茶")));
        assert!(terms("お茶が好き").is_superset(&terms("茶")));
        assert!(!terms("我喜欢咖啡").contains("茶"));
    }

    #[test]
    fn overlap_is_the_part_of_the_query_that_is_found() {
        let query = terms("green tea, please");
        for (text, score) in
            [("Tea!", 1.0 / 3.0), ("green tea", 2.0 / 3.0), ("please, green tea", 1.0), ("teapot", 0.0)]
        {
            assert!((overlap(&query, text) - score).abs() < 1e-9, "{text}");
        }
        assert!(overlap(&terms("?"), "?").abs() < 1e-9);
    }
}
