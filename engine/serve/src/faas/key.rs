//! Keys: what somebody must show to use or change an executable.

use axum::http::{HeaderMap, HeaderValue};
use std::fmt;
use subtle::ConstantTimeEq;

/// A secret. It is compared in a time that does not depend on what is guessed of it, and never shown by accident.
#[derive(Clone)]
pub struct Key(String);

/// What the service says when there is no usage key.
pub const NONE: &str = "00000000-0000-0000-0000-000000000000";

impl Key {
    /// A key that somebody chose.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A key that nobody can guess: a random UUID of version 4.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits = hex::encode(bytes);
        let part = |from, to| &digits[from..to];
        Ok(Self([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether the header of that name shows it.
    pub fn is_shown(&self, headers: &HeaderMap, name: &str) -> bool {
        let shown = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        // Lengths are no secret.
        self.0.as_bytes().ct_eq(shown).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_whole_or_not() {
        let key = Key::random().unwrap();
        assert_eq!((key.text().len(), &key.text()[14..15]), (36, "4"));
        let shown = |text: &str| {
            let headers =
                HeaderMap::from_iter([("ssvm_usage_key".parse().unwrap(), HeaderValue::from_str(text).unwrap())]);
            key.is_shown(&headers, "SSVM_Usage_Key")
        };
        assert!(shown(key.text()));
        assert!(!shown("") && !shown(&key.text()[1..]) && !shown(NONE) && !shown(Key::random().unwrap().text()));
        assert!(!key.is_shown(&HeaderMap::new(), "SSVM_Usage_Key"));
        assert_eq!(format!("{key:?}"), "Key");
    }
}
