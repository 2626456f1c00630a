"""The demo's project when cargo is there: a Rust crate without dependencies."""

from __future__ import annotations

from coord.demo.cast import Insert, Project

_CARGO = """\
[package]
name = "textstat"
version = "0.1.0"
edition = "2021"

# A workspace of its own, whatever lies above this folder.
[workspace]
"""

_LIB = """\
//! Counts what is in a text.

pub mod case;
pub mod lines;
pub mod words;
"""

_CASE = """\
//! Capitals and small letters.

/// Counts the capital letters.
pub fn capitals(text: &str) -> usize {
    text.chars().filter(|c| c.is_uppercase()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_capitals() {
        assert_eq!(capitals("Ab Cd"), 2);
    }
}
"""

_LINES = """\
//! Lines.

/// Counts the lines.
pub fn lines(text: &str) -> usize {
    text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines() {
        assert_eq!(lines("a\\nb\\n"), 2);
    }
}
"""

_WORDS = """\
//! Words: what stands between white space.

/// Counts the words.
pub fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_words() {
        assert_eq!(words(" one  two "), 2);
    }
}
"""

_TESTS = "#[cfg(test)]\n"
_FIRST_TEST = "    #[test]\n"

_LONGEST_LINE = """\
/// Returns the first of the longest lines.
pub fn longest_line(text: &str) -> &str {
    text.lines()
        .rev()
        .max_by_key(|line| line.chars().count())
        .unwrap_or("")
}

"""

_LONGEST_LINE_TEST = """\
    #[test]
    fn finds_the_longest_line() {
        assert_eq!(longest_line("one\\nthree\\nseven\\n"), "three");
    }

"""

_UNIQUE_WORDS = """\
/// Counts the different words; capitals make no difference.
pub fn unique_words(text: &str) -> usize {
    let all = text.split_whitespace().map(str::to_lowercase);
    all.collect::<std::collections::HashSet<_>>().len()
}

"""

_UNIQUE_WORDS_TEST = """\
    #[test]
    fn counts_different_words() {
        assert_eq!(unique_words("The cat the dog"), 3);
    }

"""

_CHARACTERS = """\
//! Characters.

/// Counts the characters, white space included.
pub fn characters(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters() {
        assert_eq!(characters("d\u00e9j\u00e0 vu"), 7);
    }
}
"""

_PARAGRAPHS = """\
//! Paragraphs: blocks of text with an empty line between them.

/// Counts the paragraphs.
pub fn paragraphs(text: &str) -> usize {
    let blocks = text.split("\\n\\n");
    blocks.filter(|block| !block.trim().is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_paragraphs() {
        assert_eq!(paragraphs("one\\ntwo\\n\\nthree\\n"), 2);
    }
}
"""

_SENTENCES = """\
//! Sentences: what ends in a full stop, an exclamation mark or a question mark.

/// Counts the sentences.
pub fn sentences(text: &str) -> usize {
    let pieces = text.split(['.', '!', '?']);
    pieces.filter(|piece| !piece.trim().is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_sentences() {
        assert_eq!(sentences("Is it? It is."), 2);
    }
}
"""

# The compiler and the tests take it; clippy calls the return needless.
_SHOUTING = """\
/// Says whether a text has letters, all of them capitals.
pub fn is_shouting(text: &str) -> bool {
    return capitals(text) > 0 && text == text.to_uppercase();
}

"""

_SHOUTING_TEST = """\
    #[test]
    fn hears_shouting() {
        assert!(is_shouting("STOP!") && !is_shouting("Stop!"));
    }

"""

_SYLLABLES = """\
//! Syllables, nearly: groups of vowels.

/// Counts the groups of vowels.
pub fn syllables(word: &str) -> usize {
    let groups = word.split(|c: char| !"aeiouy".contains(c));
    groups.filter(|group| !group.is_empty()).count()
}
"""

CRATE = Project(
    what="a Rust crate",
    steps=("cargo build", "cargo clippy -- -D warnings", "cargo test"),
    files={
        ".gitignore": "target\nCargo.lock\n",
        "Cargo.toml": _CARGO,
        "src/lib.rs": _LIB,
        "src/case.rs": _CASE,
        "src/lines.rs": _LINES,
        "src/words.rs": _WORDS,
    },
    changes={
        "longest-line": (
            Insert("src/lines.rs", _LONGEST_LINE, before=_TESTS),
            Insert("src/lines.rs", _LONGEST_LINE_TEST, before=_FIRST_TEST),
        ),
        "unique-words": (
            Insert("src/words.rs", _UNIQUE_WORDS, before=_TESTS),
            Insert("src/words.rs", _UNIQUE_WORDS_TEST, before=_FIRST_TEST),
        ),
        "characters": (
            Insert("src/characters.rs", _CHARACTERS),
            Insert("src/lib.rs", "pub mod characters;\n", before="pub mod lines;\n"),
        ),
        "paragraphs": (
            Insert("src/paragraphs.rs", _PARAGRAPHS),
            Insert("src/lib.rs", "pub mod paragraphs;\n", before="pub mod words;\n"),
        ),
        "sentences": (
            Insert("src/sentences.rs", _SENTENCES),
            Insert("src/lib.rs", "pub mod sentences;\n", before="pub mod words;\n"),
        ),
        "shouting": (
            Insert("src/case.rs", _SHOUTING, before=_TESTS),
            Insert("src/case.rs", _SHOUTING_TEST, before=_FIRST_TEST),
        ),
        "syllables": (Insert("src/syllables.rs", _SYLLABLES),),
    },
)
