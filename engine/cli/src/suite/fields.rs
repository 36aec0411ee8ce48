//! Fields of test files: numbers, addresses and bytes as text.

use gristmill::contract::{Address, Bytes32, U256};
use serde::Deserialize;

use crate::abi::parse_hex;

/// Hex text of a `T`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String", bound = "Self: TryFrom<String, Error = String>")]
pub(crate) struct Hex<T>(pub T);

impl TryFrom<String> for Hex<Vec<u8>> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        parse_hex(&text).map(Self)
    }
}

impl TryFrom<String> for Hex<Address> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        fixed(&text).map(|bytes| Self(Address::from(bytes)))
    }
}

impl TryFrom<String> for Hex<Bytes32> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        fixed(&text).map(|bytes| Self(Bytes32::from(bytes)))
    }
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let bytes = parse_hex(text)?;
    bytes.try_into().map_err(|_| format!("`{text}` does not have {N} bytes"))
}

/// A decimal number of at most 256 bits.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Amount(pub U256);

impl TryFrom<String> for Amount {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        U256::from_dec_str(&text).map(Self).map_err(|_| format!("`{text}` is not a decimal number of 256 bits"))
    }
}

/// A number of at most 256 bits: hex behind `0x`, else decimal. No digits mean 0, as for geth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Number(pub U256);

impl TryFrom<String> for Number {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let number = match text.strip_prefix("0x") {
            Some("") => Some(U256::zero()),
            Some(digits) => U256::from_str_radix(digits, 16).ok(),
            None => U256::from_dec_str(&text).ok(),
        };
        number.map(Self).ok_or_else(|| format!("`{text}` is not a number of 256 bits"))
    }
}

impl Number {
    /// The number in the 63 bits that gas, block numbers and times have.
    pub fn small(self, what: &str) -> Result<i64, String> {
        i64::try_from(self.0).map_err(|_| format!("{what} {:#x} is beyond 63 bits", self.0))
    }

    /// As 32 bytes, most significant first.
    pub fn word(self) -> Bytes32 {
        self.0.to_big_endian().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<U256> {
        Number::try_from(text.to_string()).ok().map(|number| number.0)
    }

    #[test]
    fn numbers_in_hex_and_decimal() {
        assert_eq!(number("0x10"), Some(16.into()));
        assert_eq!((number("0x"), number("")), (Some(0.into()), Some(0.into())));
        assert_eq!(number("0x00ff"), Some(255.into()));
        assert_eq!(number("10"), Some(10.into()));
        let most = "f".repeat(64);
        assert_eq!(number(&format!("0x{most}")), Some(U256::MAX));
        for bad in [format!("0x1{most}").as_str(), "0xg", "-1", "0x-1", "1.5"] {
            assert_eq!(number(bad), None, "{bad}");
        }
        assert!(Number(U256::from(u64::MAX)).small("gas").is_err());
        assert_eq!(Number(U256::from(i64::MAX)).small("gas"), Ok(i64::MAX));
    }
}
