//! Why bytes are refused, why a run stops, and whose fault it was.
//!
//! Three kinds that never mix: [`LoadError`] (these bytes are refused), [`Trap`] (the guest's fault, seen by
//! consensus) and [`Fault`] (our host is broken: stop, never bill the guest). A host function returns [`Stop`].

use alloc::{borrow::Cow, boxed::Box};
use core::fmt;

/// Bytes that are refused, with the reason and the offset of the first byte to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The rule that was broken.
    pub kind: LoadErrorKind,
    /// What is wrong, for people. Never part of consensus.
    pub what: Cow<'static, str>,
    /// Byte offset from the start of the module.
    pub offset: usize,
}

/// The stage of loading that refused a module, in the order in which the stages run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadErrorKind {
    /// The first four bytes are not the Wasm magic: no Wasm at all.
    NotWasm,
    /// The magic is there, the version is not 1.
    Version,
    /// One of our limits (`limits.rs`) is exceeded.
    Limit,
    /// WebAssembly validation under the profile's features failed.
    Invalid,
    /// An operator, type or section that the profile does not have.
    Unsupported,
    /// A rule of contracts is broken: exports, imports, start function.
    Contract,
    /// The metering plan does not fit the counter.
    Plan,
}

impl LoadError {
    /// A refusal of `kind` at `offset`.
    pub fn new(kind: LoadErrorKind, offset: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, what: what.into(), offset }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset 0x{:x})", self.what, self.offset)
    }
}

impl core::error::Error for LoadError {}

impl From<wasmparser::BinaryReaderError> for LoadError {
    fn from(e: wasmparser::BinaryReaderError) -> Self {
        // Offsets are below the module's length, which fits in usize: the module is a slice.
        Self::new(LoadErrorKind::Invalid, e.offset() as usize, Cow::Owned(e.message().into()))
    }
}

impl From<wasmparser::BinaryReaderError> for Box<LoadError> {
    #[cold]
    fn from(e: wasmparser::BinaryReaderError) -> Self {
        Box::new(e.into())
    }
}

impl From<Box<LoadError>> for LoadError {
    fn from(e: Box<LoadError>) -> Self {
        *e
    }
}

/// Why a run stopped early. Part of consensus: all nodes must agree on the variant and on the gas left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Trap {
    /// The next block, dynamic charge or host call costs more than is left. Gas left becomes 0.
    OutOfGas,
    /// The operator `unreachable` was executed.
    Unreachable,
    /// A load, store or bulk operator ends past linear memory. Raised before any byte is written.
    MemoryOutOfBounds,
    /// A table operator ends past its table.
    TableOutOfBounds,
    /// `call_indirect` through a table index that does not exist.
    UndefinedElement,
    /// `call_indirect` through a null entry.
    UninitializedElement,
    /// `call_indirect` through a function of another type.
    IndirectCallTypeMismatch,
    /// Integer division or remainder by zero.
    DivideByZero,
    /// Signed division overflow, or a float out of the integer's range.
    IntegerOverflow,
    /// A NaN converted to an integer.
    InvalidConversionToInteger,
    /// Wasm call depth beyond the profile's bound.
    CallDepth,
    /// Stack slots beyond the profile's bound.
    StackSlots,
    /// A guest address range given to a host function ends past linear memory. Raised before any byte is written.
    InvalidMemoryAccess,
    /// A function that writes state was called in a static call.
    StaticViolation,
    /// An argument of a host function is outside its range: more than 4 topics, negative gas, a value beyond 128 bits.
    ArgumentOutOfRange,
    /// A null reference where one to something is needed.
    NullReference,
    /// An exception beyond the bytes that a store has for them.
    ExceptionBytes,
}

impl Trap {
    /// All traps, in the order of their numbers.
    pub const ALL: [Trap; 17] = [
        Trap::OutOfGas,
        Trap::Unreachable,
        Trap::MemoryOutOfBounds,
        Trap::TableOutOfBounds,
        Trap::UndefinedElement,
        Trap::UninitializedElement,
        Trap::IndirectCallTypeMismatch,
        Trap::DivideByZero,
        Trap::IntegerOverflow,
        Trap::InvalidConversionToInteger,
        Trap::CallDepth,
        Trap::StackSlots,
        Trap::InvalidMemoryAccess,
        Trap::StaticViolation,
        Trap::ArgumentOutOfRange,
        Trap::NullReference,
        Trap::ExceptionBytes,
    ];

    /// The trap in the words of the WebAssembly specification where it has any.
    pub fn message(self) -> &'static str {
        match self {
            Trap::OutOfGas => "out of gas",
            Trap::Unreachable => "unreachable",
            Trap::MemoryOutOfBounds => "out of bounds memory access",
            Trap::TableOutOfBounds => "out of bounds table access",
            Trap::UndefinedElement => "undefined element",
            Trap::UninitializedElement => "uninitialized element",
            Trap::IndirectCallTypeMismatch => "indirect call type mismatch",
            Trap::DivideByZero => "integer divide by zero",
            Trap::IntegerOverflow => "integer overflow",
            Trap::InvalidConversionToInteger => "invalid conversion to integer",
            Trap::CallDepth => "call stack exhausted: too many nested calls",
            Trap::StackSlots => "call stack exhausted: too many stack slots",
            Trap::InvalidMemoryAccess => "invalid memory access by a host function",
            Trap::StaticViolation => "state change in a static call",
            Trap::ArgumentOutOfRange => "argument out of range",
            Trap::NullReference => "null reference",
            Trap::ExceptionBytes => "too many exceptions",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Trap {}

/// Our side is broken, not the guest: never billed, never a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This machine cannot give the memory that gas and limits allow.
    OutOfMemory,
    /// The chain's host answered with something impossible (negative gas, a NULL output with a size).
    Host(&'static str),
    /// The store ran out of gas before: its memory, tables and globals are unspecified, it takes no further calls.
    Spent,
    /// An engine invariant does not hold: a bug of ours.
    Internal(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::OutOfMemory => f.write_str("this machine is out of memory"),
            Fault::Host(what) => write!(f, "host failure: {what}"),
            Fault::Spent => f.write_str("the store ran out of gas before and takes no further calls"),
            Fault::Internal(what) => write!(f, "engine bug: {what}"),
        }
    }
}

impl core::error::Error for Fault {}

/// A normal end that a host function asked for; not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// `finish`: success with output.
    Finish,
    /// `revert`: state is rolled back, output and gas left are kept.
    Revert,
    /// `selfDestruct`: success without output.
    SelfDestruct,
    /// The guest asked its embedder to end with this code (`proc_exit`).
    Exit(i32),
    /// The embedder's time for the run was over while a host function waited.
    TimedOut,
}

/// Why a host function does not return to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The guest's fault.
    Trap(Trap),
    /// Ours.
    Fault(Fault),
    /// Neither's: the run is over.
    Halt(Halt),
    /// An error of the embedder's own; the value waits in the store.
    Custom,
    /// An exception that nothing has caught yet; it waits in the store.
    Exception,
}

impl From<Trap> for Stop {
    fn from(t: Trap) -> Self {
        Stop::Trap(t)
    }
}

impl From<Fault> for Stop {
    fn from(f: Fault) -> Self {
        Stop::Fault(f)
    }
}

impl From<Halt> for Stop {
    fn from(h: Halt) -> Self {
        Stop::Halt(h)
    }
}

/// What the embedding API returns when something does not work.
#[derive(Debug)]
pub enum Error {
    /// These bytes are refused.
    Load(LoadError),
    /// An import is missing or has another type; the text names it.
    Link(alloc::string::String),
    /// The guest trapped.
    Trap(Trap),
    /// Our side is broken.
    Fault(Fault),
    /// A host function ended the run on purpose.
    Halt(Halt),
    /// The API was used with values of another type, arity or store.
    Usage(Cow<'static, str>),
    /// An exception that nothing inside has caught: [`Store::take_pending_exception`](crate::Store::take_pending_exception) has it. A
    /// host function that returns this error passes it on to its caller.
    ThrownException,
    /// An error value of the embedder's own.
    Custom(Box<dyn core::error::Error + Send + Sync>),
}

impl Error {
    /// An error of the embedder's own, to return from a host function.
    pub fn custom(e: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        Error::Custom(e.into())
    }

    /// A misuse of the API.
    pub fn usage(what: impl Into<Cow<'static, str>>) -> Self {
        Error::Usage(what.into())
    }

    /// The trap, if the guest trapped.
    pub fn as_trap(&self) -> Option<Trap> {
        match self {
            Error::Trap(t) => Some(*t),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Load(e) => e.fmt(f),
            Error::Link(what) => f.write_str(what),
            Error::Trap(t) => t.fmt(f),
            Error::Fault(e) => e.fmt(f),
            Error::Halt(Halt::Exit(code)) => write!(f, "the guest exited with code {code}"),
            Error::Halt(Halt::TimedOut) => f.write_str("the time for the run is over"),
            Error::Halt(h) => write!(f, "the guest ended with {h:?}"),
            Error::Usage(what) => f.write_str(what),
            Error::ThrownException => f.write_str("an exception that nothing has caught"),
            Error::Custom(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::Load(e) => Some(e),
            Error::Trap(e) => Some(e),
            Error::Fault(e) => Some(e),
            Error::Custom(e) => Some(&**e),
            _ => None,
        }
    }
}

impl From<LoadError> for Error {
    fn from(e: LoadError) -> Self {
        Error::Load(e)
    }
}

impl From<Trap> for Error {
    fn from(t: Trap) -> Self {
        Error::Trap(t)
    }
}

impl From<Fault> for Error {
    fn from(f: Fault) -> Self {
        Error::Fault(f)
    }
}
