//! Suggestions for an unknown name.

/// Maximum number of suggestions.
const MOST: usize = 5;

/// The elements of `known` that are most similar to `given`: they contain it, or have a small edit distance to it.
pub(super) fn nearest<'k>(given: &str, known: &[&'k str]) -> Vec<&'k str> {
    let given = given.to_ascii_lowercase();
    let holding = |known: &&str| !given.is_empty() && known.contains(&given);
    let distance = |known: &str| if holding(&known) { 0 } else { changes(&given, known) };
    let mut ranked: Vec<(usize, usize, &str)> =
        known.iter().map(|known| (distance(known), known.len(), *known)).collect();
    ranked.sort_unstable();
    let least = ranked.first().map(|(distance, ..)| *distance);
    ranked.into_iter().take(MOST).filter(|(distance, ..)| Some(*distance) == least).map(|(.., known)| known).collect()
}

/// The edit distance: how many characters must be added, removed or replaced to turn `a` into `b`.
fn changes(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_by_character() {
        for (a, b, count) in [("", "abc", 3), ("kitten", "sitting", 3), ("événement", "evenement", 2), ("x", "x", 0)]
        {
            assert_eq!((changes(a, b), changes(b, a)), (count, count), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_hold_what_is_given_or_differ_least() {
        let known = ["p_create_anima", "p_create_event", "p_get_anima", "p_list_animas"];
        for (given, found) in [
            ("create_anima", &["p_create_anima"][..]),
            ("ANIMA", &["p_get_anima", "p_list_animas", "p_create_anima"]),
            ("p_get_animal", &["p_get_anima"]),
            ("getAnima", &["p_get_anima"]),
        ] {
            assert_eq!(nearest(given, &known), found, "{given}");
        }
        assert_eq!(nearest("x", &[]), [""; 0]);
    }
}
