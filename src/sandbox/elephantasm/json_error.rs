//! Where a text stops being valid JSON, and why, with the messages of Python's parser.

use std::iter::Peekable;
use std::str::CharIndices;

/// The character at which the text stops being valid JSON, and what is wrong there; `None` if it is valid.
pub(super) fn find(text: &str) -> Option<(usize, &'static str)> {
    let mut scanner = Scanner { text, rest: text.char_indices().peekable(), depth: 0 };
    let found = scanner.document().err()?;
    Some((text[..found.0].chars().count(), found.1))
}

struct Scanner<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    depth: usize,
}

/// Maximum nesting of values; anything deeper is reported like a missing value, to protect the stack.
const DEPTH: usize = 500;

type Scan = Result<(), (usize, &'static str)>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan {
        self.space();
        self.value()?;
        self.space();
        match self.rest.peek() {
            Some((at, _)) => Err((*at, "Extra data")),
            None => Ok(()),
        }
    }

    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, character)| *character)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, character)| *character == wanted).is_some()
    }

    fn space(&mut self) {
        while self.rest.next_if(|(_, character)| matches!(character, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn value(&mut self) -> Scan {
        let at = self.at();
        match self.peek() {
            Some('{' | '[') if self.depth == DEPTH => Err((at, "Expecting value")),
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => self.string(),
            Some('-' | '0'..='9') => self.number(),
            _ => ["true", "false", "null"]
                .into_iter()
                .find(|word| self.text[at..].starts_with(word))
                .map(|word| self.skip(word.len()))
                .ok_or((at, "Expecting value")),
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Scan) -> Scan {
        self.depth += 1;
        inner(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.rest.next();
        }
    }

    fn object(&mut self) -> Scan {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        self.skip(1);
        self.space();
        if self.take('}') {
            return Ok(());
        }
        loop {
            let at = self.at();
            if self.peek() != Some('"') {
                return Err((at, NAME));
            }
            self.string()?;
            self.space();
            if !self.take(':') {
                return Err((self.at(), "Expecting ':' delimiter"));
            }
            self.space();
            self.value()?;
            self.space();
            if self.take('}') {
                return Ok(());
            }
            if !self.take(',') {
                return Err((self.at(), "Expecting ',' delimiter"));
            }
            self.space();
        }
    }

    fn array(&mut self) -> Scan {
        self.skip(1);
        self.space();
        if self.take(']') {
            return Ok(());
        }
        loop {
            self.value()?;
            self.space();
            if self.take(']') {
                return Ok(());
            }
            if !self.take(',') {
                return Err((self.at(), "Expecting ',' delimiter"));
            }
            self.space();
        }
    }

    fn string(&mut self) -> Scan {
        let begin = self.at();
        self.skip(1);
        loop {
            match self.rest.next() {
                None => return Err((begin, "Unterminated string starting at")),
                Some((_, '"')) => return Ok(()),
                Some((at, '\u{0}'..='\u{1f}')) => return Err((at, "Invalid control character at")),
                Some((at, '\\')) => match self.rest.next() {
                    None => return Err((begin, "Unterminated string starting at")),
                    Some((_, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {}
                    Some((at, 'u')) => self.escape(at)?,
                    Some(_) => return Err((at, "Invalid \\escape")),
                },
                Some(_) => {}
            }
        }
    }

    fn escape(&mut self, at: usize) -> Scan {
        for _ in 0..4 {
            if self.rest.next_if(|(_, character)| character.is_ascii_hexdigit()).is_none() {
                return Err((at, "Invalid \\uXXXX escape"));
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let mut count = 0;
        while self.rest.next_if(|(_, character)| character.is_ascii_digit()).is_some() {
            count += 1;
        }
        count
    }

    fn number(&mut self) -> Scan {
        let begin = self.at();
        self.take('-');
        if !self.take('0') && self.digits() == 0 {
            return Err((begin, "Expecting value"));
        }
        let at = self.at();
        let rest = &self.text.as_bytes()[at..];
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            self.skip(1);
            self.digits();
        }
        let at = self.at();
        let rest = &self.text.as_bytes()[at..];
        if matches!(rest.first(), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
            if rest.get(1 + sign).is_some_and(u8::is_ascii_digit) {
                self.skip(1 + sign);
                self.digits();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_the_words_are_pythons() {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        for (text, at, reason) in [
            ("{", 1, NAME),
            ("{\"a\":}", 5, "Expecting value"),
            ("{1:2}", 1, NAME),
            ("[1", 2, "Expecting ',' delimiter"),
            ("\"x", 0, "Unterminated string starting at"),
            ("{\"a\":1} x", 8, "Extra data"),
            ("nul", 0, "Expecting value"),
            ("{\"é\":}", 5, "Expecting value"),
            ("{\"a\" 1}", 5, "Expecting ':' delimiter"),
            ("[1 2]", 3, "Expecting ',' delimiter"),
            ("\"\\q\"", 1, "Invalid \\escape"),
            ("\"a\nb\"", 2, "Invalid control character at"),
            ("01", 1, "Extra data"),
            ("-", 0, "Expecting value"),
            ("1.", 1, "Extra data"),
            ("\"\\u12\"", 2, "Invalid \\uXXXX escape"),
            ("", 0, "Expecting value"),
        ] {
            assert_eq!(find(text), Some((at, reason)), "{text}");
        }
        for text in ["{}", " [1, -2.5e+3, true, null, \"\\u00e9\"] ", "0", "{\"a\":{\"b\":[]}}"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
