//! Why there is no plugin.

use std::fmt;

/// Why a plugin was not loaded, with the numbers of EVMC's loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The file cannot be opened as a library: its path, and what the system says.
    Open(String, String),
    /// The library has no create function: the names that were looked for.
    NoSymbol(String),
    /// No path, or more than 4,096 bytes of text.
    Text,
    /// The create function returned nothing.
    NotCreated,
    /// The VM speaks an ABI that we do not: its number.
    WrongAbi(i32),
    /// There is no such option.
    OptionName(String),
    /// The option does not take that value.
    OptionValue(String, String),
}

impl LoadError {
    /// What EVMC's loader calls it.
    pub fn number(&self) -> i32 {
        match self {
            LoadError::Open(..) => 1,
            LoadError::NoSymbol(_) => 2,
            LoadError::Text => 3,
            LoadError::NotCreated => 4,
            LoadError::WrongAbi(_) => 5,
            LoadError::OptionName(_) => 6,
            LoadError::OptionValue(..) => 7,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Open(path, why) => write!(f, "cannot open {path}: {why}"),
            LoadError::NoSymbol(names) => write!(f, "no EVMC plugin: there is no function {names}"),
            LoadError::Text => f.write_str("a plugin is `path` or `path,option=value,...` of at most 4096 bytes"),
            LoadError::NotCreated => f.write_str("the plugin did not create a VM"),
            LoadError::WrongAbi(abi) => write!(f, "the plugin speaks EVMC ABI {abi}; 7 to 12 are understood"),
            LoadError::OptionName(name) => write!(f, "the plugin has no option `{name}`"),
            LoadError::OptionValue(name, value) => write!(f, "the plugin does not take `{value}` for option `{name}`"),
        }
    }
}

impl std::error::Error for LoadError {}
