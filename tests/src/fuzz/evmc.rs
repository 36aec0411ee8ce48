//! The plugin's C functions, called by a host made of random bytes, in process and at every ABI.
//!
//! The first half of the bytes is a contract that calls interface functions with hostile arguments ([`super::eei`]), and
//! the message that runs it; the second half is what the host answers. What the plugin then does is held to EVMC's rules:
//! pointers that fit their sizes, results that fit their status, the context passed on untouched, no write in a static
//! frame, each result of the host released once.

use super::eei::Case;
use arbitrary::Unstructured;
use gristmill::contract::Revision;
use gristmill_evmc::abi::layout::*;
use gristmill_evmc::abi::{Abi, WithAbi, with_abi};
use gristmill_evmc::plugin;
use std::ffi::{CString, c_int, c_void};
use std::ptr;

/// Messages that the host runs in the plugin again, at most.
const NESTED: usize = 4;

/// What the context pointer points to.
struct World<'d, A: Abi> {
    bytes: Unstructured<'d>,
    vm: *mut RawVm<A>,
    table: *const HostTable<A>,
    code: &'d [u8],
    /// Whether the frame that runs now may not write; those around it are on the stack.
    is_static: bool,
    depth: i32,
    nested: usize,
    /// Outputs that were handed out and not released yet.
    owed: usize,
    /// The first rule that was broken: a panic may not cross the edge.
    wrong: Option<String>,
}

/// Runs the plugin as `data` says.
///
/// # Panics
/// When the plugin breaks a rule.
pub fn run(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let (case, host) = rest.split_at(rest.len() / 2);
    let Ok(case) = Case::read(&mut Unstructured::new(case), |row| row.module != "debug") else { return };
    let abi = 7 + c_int::from(first % 6);
    with_abi(abi, Run { case: &case, code: &case.contract(), host }).expect("7 to 12 are there");
}

struct Run<'d> {
    case: &'d Case,
    code: &'d [u8],
    host: &'d [u8],
}

impl WithAbi for Run<'_> {
    type Output = ();

    fn with<A: Abi>(self) {
        let create = [
            plugin::evmc_create_gristmill_abi7,
            plugin::evmc_create_gristmill_abi8,
            plugin::evmc_create_gristmill_abi9,
            plugin::evmc_create_gristmill_abi10,
            plugin::evmc_create_gristmill_abi11,
            plugin::evmc_create_gristmill_abi12,
        ][A::VERSION as usize - 7];
        let vm: *mut RawVm<A> = create().cast();
        // SAFETY: an instance of this ABI, which lives until it is destroyed below, and nobody else has.
        let functions = unsafe { &*vm };
        assert_eq!(functions.abi_version, A::VERSION);
        let mut bytes = Unstructured::new(self.host);
        options(vm, self.case, &mut bytes);
        let mut table = table::<A>();
        punch(&mut table, &mut bytes);
        let mut world = World {
            bytes,
            vm,
            table: &table,
            code: self.code,
            is_static: self.case.is_static,
            depth: 0,
            nested: 0,
            owed: 0,
            wrong: None,
        };
        let message = message::<A>(self.case, &mut world.bytes);
        let gas = message.base().gas;
        world.is_static = message.base().flags & FLAG_STATIC != 0;
        let revision = match world.bytes.ratio(1, 8) {
            Ok(true) => world.bytes.arbitrary().unwrap_or(99),
            _ => self.case.revision as c_int,
        };
        world.depth = message.base().depth;
        let result = execute(&mut world, revision, &message);
        let broken = result_is_fine::<A>(&result, gas).err();
        release_copy::<A>(result);
        // SAFETY: as above; nothing runs on it any more.
        unsafe { functions.destroy.expect("it has one")(vm) };
        assert_eq!(broken.or(world.wrong), None);
        assert_eq!(world.owed, 0, "results of the host that were never released");
    }
}

fn execute<A: Abi>(world: &mut World<'_, A>, revision: c_int, message: &A::Message) -> A::Result {
    let (vm, table, code) = (world.vm, world.table, world.code);
    // SAFETY: the instance lives, and so do table, message and code; the context is the world, which this function does
    // not touch while the plugin has it.
    unsafe {
        let execute = (*vm).execute.expect("it has one");
        execute(vm, table, ptr::from_mut(world).cast(), revision, message, code.as_ptr(), code.len())
    }
}

/// Options that the case asks for, and nonsense.
fn options<A: Abi>(vm: *mut RawVm<A>, case: &Case, bytes: &mut Unstructured<'_>) {
    // SAFETY: the instance lives; strings outlive the call.
    let set = |name: &CString, value: Option<&CString>| unsafe {
        (*vm).set_option.expect("it has one")(vm, name.as_ptr(), value.map_or(ptr::null(), |value| value.as_ptr()))
    };
    let text = |text: &str| CString::new(text).expect("no NUL in these");
    let compat = match case.compat {
        gristmill::contract::Compat::Standard => "standard",
        gristmill::contract::Compat::Ssvm => "ssvm",
    };
    let beyond = if A::VERSION >= 11 { "beyond" } else { "none" };
    for (name, value) in
        [("gas-schedule", case.schedule.name()), ("compat", compat), ("keccak-at-9", "on"), ("features", beyond)]
    {
        assert_eq!(set(&text(name), Some(&text(value))), OptionStatus::Success as c_int, "{name}={value}");
    }
    let name: String = bytes.arbitrary().unwrap_or_default();
    if let Ok(name) = CString::new(name)
        && gristmill_evmc::options::find(&name.to_string_lossy()).is_none()
    {
        assert_eq!(set(&name, None), OptionStatus::InvalidName as c_int);
    }
    assert_eq!(set(&text("cache"), None), OptionStatus::InvalidValue as c_int);
}

/// The case's message, with fields that are off now and then.
fn message<A: Abi>(case: &Case, bytes: &mut Unstructured<'_>) -> A::Message {
    let mut odd = || bytes.ratio(1, 16).unwrap_or(false);
    let (kind, depth, gas, flags, input) = (odd(), odd(), odd(), odd(), odd());
    let mut account = RawAddress::default();
    account[18..].copy_from_slice(&0xc0de_u16.to_be_bytes());
    let base = Message7 {
        kind: if kind { bytes.int_in_range(-1..=6).unwrap_or(0) } else { 0 },
        flags: u32::from(case.is_static) | if flags { bytes.arbitrary().unwrap_or(0) } else { 0 },
        depth: if depth { bytes.int_in_range(-2..=1_026).unwrap_or(0) } else { 0 },
        gas: if gas { bytes.arbitrary().unwrap_or(i64::MAX) } else { case.gas },
        destination: account,
        sender: bytes.arbitrary().unwrap_or_default(),
        // NULL with a size is what a broken host may send; any other bad pointer nobody can survive.
        input_data: if input || case.data.is_empty() { ptr::null() } else { case.data.as_ptr() },
        input_size: case.data.len(),
        value: Word(bytes.arbitrary().unwrap_or_default()),
        salt: Word(bytes.arbitrary().unwrap_or_default()),
    };
    A::Message::new(base, account)
}

fn result_is_fine<A: Abi>(result: &A::Result, gas: i64) -> Result<(), String> {
    let parts = result.parts();
    let fine = (-3..=17).contains(&parts.status)
        && parts.output_data.is_null() == (parts.output_size == 0)
        && (0..=gas.max(0)).contains(&parts.gas_left)
        && (matches!(parts.status, 0 | 2) || (parts.gas_left == 0 && parts.output_size == 0))
        && (parts.status == 0 || parts.gas_refund == 0)
        && parts.create_address == RawAddress::default();
    if fine { Ok(()) } else { Err(format!("{parts:?} of {gas} gas")) }
}

/// Reads the output and frees it through a copy of the result elsewhere.
fn release_copy<A: Abi>(result: A::Result) {
    let copy = Box::new(result);
    let parts = copy.parts();
    if parts.output_size > 0 {
        // SAFETY: the output of a result, before its release.
        std::hint::black_box(unsafe { std::slice::from_raw_parts(parts.output_data, parts.output_size) }.to_vec());
    }
    if let Some(release) = copy.release() {
        // SAFETY: called once, with a copy of the result.
        unsafe { release(&*copy) };
    }
}

/// A call from the plugin. `f` gets the world, and answers out of its bytes.
///
/// # Safety
/// `context` is the world that [`execute`] passed.
unsafe fn world<'w, 'd: 'w, A: Abi>(context: *mut c_void) -> &'w mut World<'d, A> {
    // SAFETY: the caller's promise; whoever passed it does not touch it meanwhile.
    unsafe { &mut *context.cast() }
}

impl<A: Abi> World<'_, A> {
    fn check(&mut self, fine: bool, rule: &str) {
        if !fine {
            self.wrong.get_or_insert(rule.into());
        }
    }

    /// Zero more often than not, as state mostly is.
    fn word(&mut self) -> Word {
        match self.bytes.int_in_range(0..=3u8) {
            Ok(1) => {
                let mut small = Word::default();
                small.0[31] = self.bytes.arbitrary().unwrap_or(1);
                small
            }
            Ok(2) => Word(self.bytes.arbitrary().unwrap_or_default()),
            _ => Word::default(),
        }
    }

    /// A number of a C enumeration up to `last`, and now and then one that it does not have.
    fn number(&mut self, last: c_int) -> c_int {
        match self.bytes.ratio(1, 32) {
            Ok(true) => self.bytes.arbitrary().unwrap_or(-1),
            _ => self.bytes.int_in_range(0..=last).unwrap_or(0),
        }
    }
}

// SAFETY of the functions below: the plugin passes the world as context, and pointers to values that live for the call.

unsafe extern "C" fn account_exists<A: Abi>(context: *mut c_void, _: *const RawAddress) -> CBool {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.bytes.arbitrary().unwrap_or(0)
}

unsafe extern "C" fn get_storage<A: Abi>(context: *mut c_void, _: *const RawAddress, _: *const Word) -> Word {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.word()
}

unsafe extern "C" fn set_storage<A: Abi>(
    context: *mut c_void,
    _: *const RawAddress,
    _: *const Word,
    _: *const Word,
) -> c_int {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    world.check(!world.is_static, "a write in a static frame");
    world.number(if A::RENUMBERED { 8 } else { 4 })
}

unsafe extern "C" fn get_word<A: Abi>(context: *mut c_void, _: *const RawAddress) -> Word {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.word()
}

unsafe extern "C" fn get_code_size<A: Abi>(context: *mut c_void, _: *const RawAddress) -> usize {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    if world.bytes.ratio(1, 4).unwrap_or(false) { world.bytes.arbitrary().unwrap_or(0) } else { 100 }
}

unsafe extern "C" fn copy_code<A: Abi>(
    context: *mut c_void,
    _: *const RawAddress,
    _: usize,
    buffer: *mut u8,
    size: usize,
) -> usize {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    world.check(size < 1 << 20, "a buffer larger than memory");
    if size > 0 {
        // SAFETY: the buffer is writable for its size.
        unsafe { buffer.write_bytes(0xc0, size) };
    }
    if world.bytes.ratio(1, 16).unwrap_or(false) { size.saturating_add(1) } else { size }
}

unsafe extern "C" fn selfdestruct<A: Abi>(
    context: *mut c_void,
    _: *const RawAddress,
    _: *const RawAddress,
) -> A::Destroyed {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    world.check(!world.is_static, "a destruction in a static frame");
    A::Destroyed::of(world.bytes.arbitrary().unwrap_or(false))
}

/// Frees an output of the host, whose allocation has the world's address in front.
unsafe extern "C" fn release<A: Abi>(result: *const A::Result) {
    // SAFETY: a result that `call` returned, or a copy.
    let parts = unsafe { (*result).parts() };
    // SAFETY: `call` gave it this pointer and length, `HEAD` bytes into a box.
    unsafe {
        let start = parts.output_data.cast_mut().sub(HEAD);
        let world: *mut c_void = start.cast::<*mut c_void>().read_unaligned();
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(start, HEAD + OUTPUT)));
        self::world::<A>(world).owed -= 1;
    }
}

const HEAD: usize = size_of::<*mut c_void>();
/// Bytes behind it; a result may claim fewer.
const OUTPUT: usize = 40;

unsafe extern "C" fn call<A: Abi>(context: *mut c_void, message: *const A::Message) -> A::Result {
    // SAFETY: see above.
    let (world, message) = unsafe { (world::<A>(context), &*message) };
    let base = *message.base();
    world.check(base.input_data.is_null() == (base.input_size == 0), "input that does not fit its size");
    world.check(base.depth == world.depth + 1 && base.depth <= 1_024, "depth");
    world.check(base.gas >= 0, "negative gas");
    world.check(base.flags & !FLAG_STATIC == 0, "flags that nobody knows");
    world.check(!world.is_static || base.flags == FLAG_STATIC, "a static frame calls one that may write");
    world.check((0..=4).contains(&base.kind), "kind");
    world.check(!world.is_static || base.kind < 3, "a static frame creates");
    if base.input_size > 0 {
        // SAFETY: the plugin's input, for the time of this call.
        std::hint::black_box(unsafe { std::slice::from_raw_parts(base.input_data, base.input_size) }.to_vec());
    }
    if world.nested < NESTED && world.bytes.ratio(1, 3).unwrap_or(false) {
        world.nested += 1;
        let before = (world.is_static, world.depth);
        (world.is_static, world.depth) = (base.flags & FLAG_STATIC != 0, base.depth);
        let result = execute(world, Revision::Prague as c_int, message);
        (world.is_static, world.depth) = before;
        if let Err(rule) = result_is_fine::<A>(&result, base.gas) {
            world.check(false, &rule);
        }
        return result;
    }
    let mut parts = ResultParts {
        status: match world.bytes.int_in_range(0..=7u8) {
            Ok(0) => world.bytes.arbitrary().unwrap_or(-1),
            Ok(1) => 2,
            _ => 0,
        },
        gas_left: if world.bytes.ratio(1, 8).unwrap_or(false) {
            world.bytes.arbitrary().unwrap_or(-1)
        } else {
            base.gas
        },
        gas_refund: world.bytes.arbitrary().unwrap_or(0),
        output_data: ptr::null(),
        output_size: 0,
        create_address: world.bytes.arbitrary().unwrap_or_default(),
    };
    match world.bytes.int_in_range(0..=7u8) {
        Ok(0) => parts.output_size = world.bytes.arbitrary().unwrap_or(1),
        Ok(1 | 2) => {}
        _ => {
            let mut output = vec![0xab; HEAD + OUTPUT].into_boxed_slice();
            output[..HEAD].copy_from_slice(&context.expose_provenance().to_ne_bytes());
            world.owed += 1;
            // SAFETY: `HEAD` bytes into an allocation of more.
            parts.output_data = unsafe { Box::into_raw(output).cast::<u8>().add(HEAD) };
            parts.output_size = world.bytes.int_in_range(0..=OUTPUT).unwrap_or(OUTPUT);
        }
    }
    A::Result::new(parts, if parts.output_data.is_null() { None } else { Some(release::<A>) })
}

unsafe extern "C" fn get_tx_context<A: Abi>(context: *mut c_void) -> A::Context {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    let base = Context7 {
        gas_price: world.word(),
        number: world.bytes.arbitrary().unwrap_or(300),
        timestamp: world.bytes.arbitrary().unwrap_or(1),
        gas_limit: world.bytes.arbitrary().unwrap_or(1),
        prev_randao: world.word(),
        chain_id: world.word(),
        ..Context7::default()
    };
    A::Context::new(base, world.word(), world.word())
}

unsafe extern "C" fn get_block_hash<A: Abi>(context: *mut c_void, _: i64) -> Word {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.word()
}

unsafe extern "C" fn emit_log<A: Abi>(
    context: *mut c_void,
    _: *const RawAddress,
    data: *const u8,
    size: usize,
    _: *const Word,
    topics: usize,
) {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    world.check(!world.is_static, "a log in a static frame");
    world.check(data.is_null() == (size == 0) && topics <= 4, "a log of what is not there");
}

unsafe extern "C" fn access_account<A: Abi>(context: *mut c_void, _: *const RawAddress) -> c_int {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.number(1)
}

unsafe extern "C" fn access_storage<A: Abi>(context: *mut c_void, _: *const RawAddress, _: *const Word) -> c_int {
    // SAFETY: see above.
    unsafe { world::<A>(context) }.number(1)
}

unsafe extern "C" fn set_transient<A: Abi>(context: *mut c_void, _: *const RawAddress, _: *const Word, _: *const Word) {
    // SAFETY: see above.
    let world = unsafe { world::<A>(context) };
    world.check(!world.is_static, "a transient write in a static frame");
}

fn table<A: Abi>() -> HostTable<A> {
    HostTable {
        account_exists: Some(account_exists::<A>),
        get_storage: Some(get_storage::<A>),
        set_storage: Some(set_storage::<A>),
        get_balance: Some(get_word::<A>),
        get_code_size: Some(get_code_size::<A>),
        get_code_hash: Some(get_word::<A>),
        copy_code: Some(copy_code::<A>),
        selfdestruct: Some(selfdestruct::<A>),
        call: Some(call::<A>),
        get_tx_context: Some(get_tx_context::<A>),
        get_block_hash: Some(get_block_hash::<A>),
        emit_log: Some(emit_log::<A>),
        access: A::Access::of(Access8 {
            access_account: Some(access_account::<A>),
            access_storage: Some(access_storage::<A>),
        }),
        transient: A::Transient::of(Transient11 {
            get_transient_storage: Some(get_storage::<A>),
            set_transient_storage: Some(set_transient::<A>),
        }),
    }
}

/// Takes functions away, rarely.
fn punch<A: Abi>(table: &mut HostTable<A>, bytes: &mut Unstructured<'_>) {
    if !bytes.ratio(1, 16).unwrap_or(false) {
        return;
    }
    match bytes.int_in_range(0..=5u8) {
        Ok(0) => table.get_storage = None,
        Ok(1) => table.set_storage = None,
        Ok(2) => table.call = None,
        Ok(3) => table.get_tx_context = None,
        Ok(4) => table.emit_log = None,
        _ => table.access = A::Access::of(Access8 { access_account: None, access_storage: None }),
    }
}
