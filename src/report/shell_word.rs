//! A word as a shell takes it.

/// Quoted for a shell, where it has to be.
pub fn shell_word(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        assert_eq!(shell_word("webapp.backend.git"), "webapp.backend.git");
        assert_eq!(shell_word("api.*"), "'api.*'");
        assert_eq!(shell_word("!static"), "'!static'");
        assert_eq!(shell_word("a'; rm -rf /"), r"'a'\''; rm -rf /'");
        assert_eq!(shell_word(""), "''");
    }
}
