//! Similarity by common words, in place of meaning.

use std::collections::BTreeSet;

/// The distinct words of a text: runs of letters and digits, ignoring case. Chinese, Japanese and Thai, which have no
/// spaces between words, give one term per character.
pub(super) fn terms(text: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for word in text.split(|character: char| !character.is_alphanumeric()) {
        let mut rest = String::new();
        for character in word.chars() {
            if matches!(u32::from(character), 0x0E01..=0x0E46 | 0x3041..=0x30FA | 0x3400..=0x9FFF | 0x2_0000..=0x3_FFFF)
            {
                terms.insert(character.to_string());
                terms.insert(std::mem::take(&mut rest));
            } else {
                rest.extend(character.to_lowercase());
            }
        }
        terms.insert(rest);
    }
    terms.remove("");
    terms
}

/// The share of the distinct terms of `query` that occur in `text`, 0 to 1.
pub(super) fn overlap(query: &BTreeSet<String>, text: &str) -> f64 {
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    count(query.intersection(&terms(text)).count()) / count(query.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_the_part_of_the_query_that_is_found() {
        let query = terms("green tea, please");
        for (text, score) in
            [("Tea!", 1.0 / 3.0), ("GREEN tea", 2.0 / 3.0), ("please, green tea-time", 1.0), ("teapot", 0.0)]
        {
            assert!((overlap(&query, text) - score).abs() < 1e-9, "{text}");
        }
        assert!(overlap(&terms("?"), "?").abs() < 1e-9);
        assert!(terms("我喜欢绿茶").is_superset(&terms("绿茶")) && !terms("我喜欢咖啡").contains("茶"));
    }
}
