//! Lists in sentences.

/// Joins words as a sentence does: `a, b or c`.
pub fn in_words(all: impl Iterator<Item = impl Into<String>>, last: &str) -> String {
    let all: Vec<String> = all.map(Into::into).collect();
    match &all[..] {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[cfg(test)]
#[test]
fn as_a_sentence_lists_them() {
    for (words, expected) in [(&[][..], ""), (&["a"], "a"), (&["a", "b"], "a or b"), (&["a", "b", "c"], "a, b or c")] {
        assert_eq!(in_words(words.iter().copied(), "or"), expected);
    }
}
