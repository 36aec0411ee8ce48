//! What each EVMC ABI looks like in memory: a row an ABI, over the layouts of [`layout`].
//!
//! Enumerations of the C side are plain integers here: a number that we do not know must stay a number. Source: the EVMC
//! headers of releases 7.0 to 12.1, as sizes and offsets.

pub mod layout;
#[cfg(test)]
mod tests;

use gristmill::contract::Revision;
use layout::*;
use std::ffi::c_int;

/// One version of the interface.
pub trait Abi: Sized + 'static {
    /// The number that host and VM compare.
    const VERSION: c_int;
    /// The newest revision that has a number.
    const NEWEST: Revision;
    /// Since ABI 10: storage has nine statuses, Paris is revision 10, a message has recipient and code address, and the
    /// VM counts refunds.
    const RENUMBERED: bool = Self::VERSION >= 10;
    /// One call or creation.
    type Message: MessageLayout;
    /// Block and transaction.
    type Context: ContextLayout;
    /// The result of a message.
    type Result: ResultLayout;
    /// The part of the host's table about EIP-2929.
    type Access: AccessPart;
    /// The part of the host's table about EIP-1153.
    type Transient: TransientPart;
    /// What the host's `selfdestruct` returns.
    type Destroyed: Destroyed;
}

macro_rules! abis {
    ($($(#[$about:meta])* $name:ident $version:literal $message:ident $context:ident $result:ident $access:ident
        $transient:ident $destroyed:ident $newest:ident;)*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Abi for $name {
                const VERSION: c_int = $version;
                const NEWEST: Revision = Revision::$newest;
                type Message = $message;
                type Context = $context;
                type Result = $result;
                type Access = $access;
                type Transient = $transient;
                type Destroyed = $destroyed;
            }
        )*
    };
}

abis! {
    // name  ABI message context result access EIP-1153 destroyed newest revision
    /// 2019 to 2021: SSVM's world, solc up to 0.8.4.
    Abi7   7 Message7  Context7  Result7  Absent  Absent      Nothing Berlin;
    /// 2021.
    Abi8   8 Message7  Context7  Result7  Access8 Absent      Nothing Berlin;
    /// 2021 to 2022: the published Rust crates.
    Abi9   9 Message7  Context9  Result7  Access8 Absent      Nothing Shanghai;
    /// 2022 to 2023.
    Abi10 10 Message10 Context9  Result10 Access8 Absent      CBool   Prague;
    /// 2023.
    Abi11 11 Message10 Context11 Result10 Access8 Transient11 CBool   Prague;
    /// 2024 and later: the last ABI that has Ewasm.
    Abi12 12 Message12 Context12 Result10 Access8 Transient11 CBool   Osaka;
}

/// Something that wants to know its ABI's type from the ABI's number.
pub trait WithAbi {
    /// What comes of it.
    type Output;
    /// Called with the type.
    fn with<A: Abi>(self) -> Self::Output;
}

/// Calls `what` with the type of ABI `version`; `None`: there is no such ABI here.
pub fn with_abi<W: WithAbi>(version: c_int, what: W) -> Option<W::Output> {
    Some(match version {
        Abi7::VERSION => what.with::<Abi7>(),
        Abi8::VERSION => what.with::<Abi8>(),
        Abi9::VERSION => what.with::<Abi9>(),
        Abi10::VERSION => what.with::<Abi10>(),
        Abi11::VERSION => what.with::<Abi11>(),
        Abi12::VERSION => what.with::<Abi12>(),
        _ => return None,
    })
}
