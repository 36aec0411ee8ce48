//! The C structs, by the ABI that brought them. A later one is the earlier one with fields behind it.
//!
//! Field for field as the C side has them, so that the compiler's own rules for `repr(C)` make the layout; tests compare
//! every size and offset with the measured ones.

use super::Abi;
use std::ffi::{c_char, c_int, c_void};

/// 20 bytes.
pub type RawAddress = [u8; 20];

/// 32 bytes, big-endian where it is a number. A struct, because C returns it by value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Word(pub [u8; 32]);

/// A C `bool` that comes from elsewhere: everything but 0 is true.
pub type CBool = u8;
/// What C's `void` is in a return type.
pub type Nothing = ();
/// A part of the host's table that the ABI does not have. No bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Absent;

/// The VM: same in all ABIs, but for the types that `execute` takes.
#[repr(C)]
pub struct RawVm<A: Abi> {
    /// Which ABI this is.
    pub abi_version: c_int,
    /// NUL-terminated, of static life.
    pub name: *const c_char,
    /// NUL-terminated, of static life.
    pub version: *const c_char,
    /// Ends the VM.
    pub destroy: Option<unsafe extern "C" fn(vm: *mut RawVm<A>)>,
    /// Runs code.
    pub execute: Option<Execute<A>>,
    /// [`CAPABILITY_EVM1`], [`CAPABILITY_EWASM`], [`CAPABILITY_PRECOMPILES`].
    pub get_capabilities: Option<unsafe extern "C" fn(vm: *mut RawVm<A>) -> u32>,
    /// Sets an option; may be missing. Returns one of the [`OptionStatus`] numbers.
    pub set_option: Option<unsafe extern "C" fn(vm: *mut RawVm<A>, *const c_char, *const c_char) -> c_int>,
}

/// Runs code: VM, host, context, revision, message, code and its size.
// The lint does not see through associated types; those of all rows are `repr(C)`, integers or nothing.
#[allow(improper_ctypes_definitions)]
pub type Execute<A> = unsafe extern "C" fn(
    vm: *mut RawVm<A>,
    host: *const HostTable<A>,
    context: *mut c_void,
    revision: c_int,
    message: *const <A as Abi>::Message,
    code: *const u8,
    code_size: usize,
) -> <A as Abi>::Result;

/// Runs EVM bytecode.
pub const CAPABILITY_EVM1: u32 = 1;
/// Runs Ewasm contracts.
pub const CAPABILITY_EWASM: u32 = 2;
/// Has the precompiled contracts.
pub const CAPABILITY_PRECOMPILES: u32 = 4;

/// No state changes: bit 0 of a message's flags. Other bits are not ours to know.
pub const FLAG_STATIC: u32 = 1;

/// What `set_option` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum OptionStatus {
    /// Done.
    Success = 0,
    /// There is no such option.
    InvalidName = 1,
    /// The option does not take that value.
    InvalidValue = 2,
}

/// One call or creation.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Message7 {
    /// A call kind.
    pub kind: c_int,
    /// [`FLAG_STATIC`] and bits of later times.
    pub flags: u32,
    /// 0 for the transaction's own message.
    pub depth: i32,
    /// Gas to spend.
    pub gas: i64,
    /// Whose state is used. Up to ABI 9, in messages to the host: whose code runs.
    pub destination: RawAddress,
    /// Who called.
    pub sender: RawAddress,
    /// Call data; NULL if and only if there is none.
    pub input_data: *const u8,
    /// Bytes of it.
    pub input_size: usize,
    /// In wei.
    pub value: Word,
    /// Of a creation by CREATE2.
    pub salt: Word,
}

/// A message since ABI 10.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Message10 {
    /// What was there before; `destination` is the recipient now.
    pub base: Message7,
    /// Whose code runs.
    pub code_address: RawAddress,
}

/// A message since ABI 12.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Message12 {
    /// What was there before.
    pub base: Message10,
    /// Not for us: the argument of `execute` is what counts.
    pub code: *const u8,
    /// Bytes of it.
    pub code_size: usize,
}

/// What messages of all ABIs have.
pub trait MessageLayout: Copy {
    /// A message; without `code`.
    fn new(base: Message7, code_address: RawAddress) -> Self;
    /// The part that all have.
    fn base(&self) -> &Message7;
    /// Whose code runs, where that is told.
    fn code_address(&self) -> Option<RawAddress>;
}

impl MessageLayout for Message7 {
    fn new(base: Message7, _: RawAddress) -> Self {
        base
    }

    fn base(&self) -> &Message7 {
        self
    }

    fn code_address(&self) -> Option<RawAddress> {
        None
    }
}

impl MessageLayout for Message10 {
    fn new(base: Message7, code_address: RawAddress) -> Self {
        Self { base, code_address }
    }

    fn base(&self) -> &Message7 {
        &self.base
    }

    fn code_address(&self) -> Option<RawAddress> {
        Some(self.code_address)
    }
}

impl MessageLayout for Message12 {
    fn new(base: Message7, code_address: RawAddress) -> Self {
        Self { base: Message10 { base, code_address }, code: std::ptr::null(), code_size: 0 }
    }

    fn base(&self) -> &Message7 {
        self.base.base()
    }

    fn code_address(&self) -> Option<RawAddress> {
        self.base.code_address()
    }
}

/// Block and transaction.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Context7 {
    pub gas_price: Word,
    pub origin: RawAddress,
    pub coinbase: RawAddress,
    pub number: i64,
    pub timestamp: i64,
    pub gas_limit: i64,
    pub prev_randao: Word,
    pub chain_id: Word,
}

/// Since ABI 9.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Context9 {
    pub base: Context7,
    pub base_fee: Word,
}

/// Since ABI 11.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Context11 {
    pub base: Context9,
    pub blob_base_fee: Word,
    pub blob_hashes: *const Word,
    pub blob_hashes_count: usize,
}

/// ABI 12.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Context12 {
    pub base: Context11,
    pub initcodes: *const c_void,
    pub initcodes_count: usize,
}

/// What block and transaction have in all ABIs; a fee that an ABI does not have is zero.
pub trait ContextLayout: Copy {
    /// Of these parts; without lists of blobs and init codes.
    fn new(base: Context7, base_fee: Word, blob_base_fee: Word) -> Self;
    /// The part that all have.
    fn base(&self) -> &Context7;
    /// Base fees of gas and of blob gas.
    fn fees(&self) -> (Word, Word);
}

impl ContextLayout for Context7 {
    fn new(base: Context7, _: Word, _: Word) -> Self {
        base
    }

    fn base(&self) -> &Context7 {
        self
    }

    fn fees(&self) -> (Word, Word) {
        (Word::default(), Word::default())
    }
}

impl ContextLayout for Context9 {
    fn new(base: Context7, base_fee: Word, _: Word) -> Self {
        Self { base, base_fee }
    }

    fn base(&self) -> &Context7 {
        &self.base
    }

    fn fees(&self) -> (Word, Word) {
        (self.base_fee, Word::default())
    }
}

impl ContextLayout for Context11 {
    fn new(base: Context7, base_fee: Word, blob_base_fee: Word) -> Self {
        let base = Context9::new(base, base_fee, blob_base_fee);
        Self { base, blob_base_fee, blob_hashes: std::ptr::null(), blob_hashes_count: 0 }
    }

    fn base(&self) -> &Context7 {
        self.base.base()
    }

    fn fees(&self) -> (Word, Word) {
        (self.base.base_fee, self.blob_base_fee)
    }
}

impl ContextLayout for Context12 {
    fn new(base: Context7, base_fee: Word, blob_base_fee: Word) -> Self {
        let base = Context11::new(base, base_fee, blob_base_fee);
        Self { base, initcodes: std::ptr::null(), initcodes_count: 0 }
    }

    fn base(&self) -> &Context7 {
        self.base.base()
    }

    fn fees(&self) -> (Word, Word) {
        self.base.fees()
    }
}

/// Frees what a result owns. The result may be a copy of the one that was returned.
pub type Release<R> = Option<unsafe extern "C" fn(result: *const R)>;

/// The result of a message.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Result7 {
    pub status: c_int,
    pub gas_left: i64,
    pub output_data: *const u8,
    pub output_size: usize,
    pub release: Release<Result7>,
    pub create_address: RawAddress,
    pub padding: [u8; 4],
}

/// Since ABI 10.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Result10 {
    pub status: c_int,
    pub gas_left: i64,
    pub gas_refund: i64,
    pub output_data: *const u8,
    pub output_size: usize,
    pub release: Release<Result10>,
    pub create_address: RawAddress,
    pub padding: [u8; 4],
}

/// What results of all ABIs have. A refund that the ABI does not have is 0.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct ResultParts {
    pub status: c_int,
    pub gas_left: i64,
    pub gas_refund: i64,
    pub output_data: *const u8,
    pub output_size: usize,
    pub create_address: RawAddress,
}

/// Results of all ABIs.
pub trait ResultLayout: Copy {
    /// Of these parts.
    fn new(parts: ResultParts, release: Release<Self>) -> Self;
    /// All but the release function.
    fn parts(&self) -> ResultParts;
    /// The release function.
    fn release(&self) -> Release<Self>;
}

impl ResultLayout for Result7 {
    fn new(parts: ResultParts, release: Release<Self>) -> Self {
        let ResultParts { status, gas_left, output_data, output_size, create_address, .. } = parts;
        Self { status, gas_left, output_data, output_size, release, create_address, padding: [0; 4] }
    }

    fn parts(&self) -> ResultParts {
        let Self { status, gas_left, output_data, output_size, create_address, .. } = *self;
        ResultParts { status, gas_left, gas_refund: 0, output_data, output_size, create_address }
    }

    fn release(&self) -> Release<Self> {
        self.release
    }
}

impl ResultLayout for Result10 {
    fn new(parts: ResultParts, release: Release<Self>) -> Self {
        let ResultParts { status, gas_left, gas_refund, output_data, output_size, create_address } = parts;
        Self { status, gas_left, gas_refund, output_data, output_size, release, create_address, padding: [0; 4] }
    }

    fn parts(&self) -> ResultParts {
        let Self { status, gas_left, gas_refund, output_data, output_size, create_address, .. } = *self;
        ResultParts { status, gas_left, gas_refund, output_data, output_size, create_address }
    }

    fn release(&self) -> Release<Self> {
        self.release
    }
}

/// The host's functions; the context comes first in each. Up to the ABI's own end, nothing may be read behind it.
#[derive(Clone, Copy)]
#[repr(C)]
#[allow(missing_docs)]
pub struct HostTable<A: Abi> {
    pub account_exists: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress) -> CBool>,
    pub get_storage: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const Word) -> Word>,
    pub set_storage: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const Word, *const Word) -> c_int>,
    pub get_balance: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress) -> Word>,
    pub get_code_size: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress) -> usize>,
    pub get_code_hash: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress) -> Word>,
    pub copy_code: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, usize, *mut u8, usize) -> usize>,
    pub selfdestruct: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const RawAddress) -> A::Destroyed>,
    pub call: Option<unsafe extern "C" fn(*mut c_void, *const A::Message) -> A::Result>,
    pub get_tx_context: Option<unsafe extern "C" fn(*mut c_void) -> A::Context>,
    pub get_block_hash: Option<unsafe extern "C" fn(*mut c_void, i64) -> Word>,
    pub emit_log: Option<EmitLog>,
    pub access: A::Access,
    pub transient: A::Transient,
}

/// Address, data and its size, topics and their count.
pub type EmitLog = unsafe extern "C" fn(*mut c_void, *const RawAddress, *const u8, usize, *const Word, usize);

/// The part of the host's table since ABI 8. Results are 0 for cold and 1 for warm.
#[derive(Clone, Copy)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Access8 {
    pub access_account: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress) -> c_int>,
    pub access_storage: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const Word) -> c_int>,
}

/// The part of the host's table since ABI 11.
#[derive(Clone, Copy)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Transient11 {
    pub get_transient_storage: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const Word) -> Word>,
    pub set_transient_storage: Option<unsafe extern "C" fn(*mut c_void, *const RawAddress, *const Word, *const Word)>,
}

/// [`Access8`], or nothing.
pub trait AccessPart: Copy {
    /// From what there would be.
    fn of(functions: Access8) -> Self;
    /// What there is.
    fn functions(&self) -> Option<&Access8>;
}

impl AccessPart for Absent {
    fn of(_: Access8) -> Self {
        Absent
    }

    fn functions(&self) -> Option<&Access8> {
        None
    }
}

impl AccessPart for Access8 {
    fn of(functions: Access8) -> Self {
        functions
    }

    fn functions(&self) -> Option<&Access8> {
        Some(self)
    }
}

/// [`Transient11`], or nothing.
pub trait TransientPart: Copy {
    /// Whether there is something.
    const PRESENT: bool;
    /// From what there would be.
    fn of(functions: Transient11) -> Self;
    /// What there is.
    fn functions(&self) -> Option<&Transient11>;
}

impl TransientPart for Absent {
    const PRESENT: bool = false;

    fn of(_: Transient11) -> Self {
        Absent
    }

    fn functions(&self) -> Option<&Transient11> {
        None
    }
}

impl TransientPart for Transient11 {
    const PRESENT: bool = true;

    fn of(functions: Transient11) -> Self {
        functions
    }

    fn functions(&self) -> Option<&Transient11> {
        Some(self)
    }
}

/// Whether an account was registered for destruction for the first time, where that is told.
pub trait Destroyed: Copy {
    /// From what there would be to tell.
    fn of(first: bool) -> Self;
    /// What is told; false where nothing is.
    fn is_first(self) -> bool;
}

impl Destroyed for Nothing {
    fn of(_: bool) -> Self {}

    fn is_first(self) -> bool {
        false
    }
}

impl Destroyed for CBool {
    fn of(first: bool) -> Self {
        Self::from(first)
    }

    fn is_first(self) -> bool {
        self != 0
    }
}
