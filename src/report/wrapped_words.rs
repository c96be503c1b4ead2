//! Words over as many lines as they need.

/// The lines of a text, so wide at most: broken between words, of which one that is longer has a line by itself.
pub fn wrapped_words(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut length) = (Vec::new(), String::new(), 0);
    for (at, word) in text.split(' ').enumerate() {
        let long = word.chars().count();
        if length > 0 && length + 1 + long > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        } else if at > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += long;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped_words;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped_words("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped_words("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped_words("one two three", 80), ["one two three"]);
        assert_eq!(wrapped_words("a /very/long/path b", 4), ["a", "/very/long/path", "b"]);
        assert_eq!(wrapped_words("", 4), [""]);
        assert_eq!(wrapped_words("  two blanks", 20), ["  two blanks"]);
    }
}
