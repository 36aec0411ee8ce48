//! A program to which nothing is granted, and that tries everything: functions of all extensions under all their names, with
//! arguments of every kind. It learns and changes nothing, on any executor.
//!
//! Bytes choose gas, what is in memory, and a list of calls. Each call goes through a function of the program's own. Looked at are
//! answers (those in `ANSWERS`), what was written to memory (what `WRITES` says, and nothing after an error), gas, and whether
//! executors agree.

use crate::engines;
use arbitrary::{Result, Unstructured};
use gristmill::{Error, FuncType, Gas, Halt, Linker, Module, Profile, Schedule, Store, Trap, Val, ValType};
use gristmill_cli::program::{Program, Shared, link};
use gristmill_ext_grants::{Granted, Grants, Price};
use gristmill_ext_wasi::Streams;
use std::fmt::Write as _;
use std::sync::OnceLock;

/// Bytes of memory.
const MEMORY: u32 = 65_536;
/// The most calls of a program.
const CALLS: usize = 64;

/// What functions of a module answer to whom nothing is granted, besides traps: error numbers and other results.
const ANSWERS: &[(&str, &[i64])] = &[
    // success, badf, fault, ilseq, inval, nametoolong, noent, notdir, notsock, notsup, spipe, notcapable; of sockets afnosupport,
    // noprotoopt, nosys, and of names aibadflag, aifamily, ainoname, aiservice, aisocktype
    ("wasi_snapshot_preview1", &[0, 5, 8, 21, 25, 28, 37, 44, 50, 52, 54, 57, 58, 70, 76, 79, 81, 84, 85, 86]),
    ("wasi_unstable", &[0, 8, 21, 25, 28, 37, 44, 54, 57, 58, 70, 76]),
    // invalid_argument, invalid_encoding, missing_memory, unsupported_operation, not_found
    ("wasi_ephemeral_nn", &[1, 2, 3, 6, 8]),
    // A handle of nothing, or that nothing was computed.
    ("ssvm_tensorflow", &[0, 1]),
    ("ssvm_tensorflowlite", &[0, 1]),
    // A picture needs no grant, but it must be one.
    ("ssvm_image", &[1]),
    // invalid_argument, invalid_encoding, missing_memory, runtime_error; forgetting nothing is done at once
    ("wasmedge_tensorflow", &[0, 1, 2, 3, 5]),
    ("wasmedge_tensorflowlite", &[0, 1, 2, 3, 5]),
    ("wasmedge_image", &[1]),
    // Denied, BadPointer, BadHandle, BadKey, TooLong, NoBatch
    ("gristmill_storage", &[3, 6, 7, 8, 9, 13]),
    // There are no values to load.
    ("ssvm_native", &[]),
    ("wasmedge_native", &[]),
    ("ssvm_process", &[-1]),
    ("wasmedge_process", &[-1]),
];

/// Bytes of memory that a function writes when it succeeds.
#[derive(Clone, Copy)]
enum Bytes {
    /// So many at the address that a parameter is.
    At(usize, u32),
    /// So many for each of what another parameter counts.
    Each(usize, u32, usize),
    /// What the last command has said, which was that it is denied.
    Denial(usize),
}

/// Functions that write something although nothing is granted.
const WRITES: &[(&str, &[Bytes])] = &[
    // Its own name, and no variables.
    ("args_get", &[Bytes::At(0, 4), Bytes::At(1, NAME.len() as u32 + 1)]),
    ("args_sizes_get", &[Bytes::At(0, 4), Bytes::At(1, 4)]),
    ("environ_sizes_get", &[Bytes::At(0, 4), Bytes::At(1, 4)]),
    // Standard streams, which lead nowhere.
    ("fd_fdstat_get", &[Bytes::At(1, 24)]),
    ("fd_filestat_get", &[Bytes::At(1, 64)]),
    ("fd_read", &[Bytes::At(3, 4)]),
    ("fd_write", &[Bytes::At(3, 4)]),
    ("poll_oneoff", &[Bytes::Each(1, 32, 2), Bytes::At(3, 4)]),
    ("epoll_oneoff", &[Bytes::Each(1, 32, 2), Bytes::At(3, 4)]),
    ("epoll_oneoff_v2", &[Bytes::Each(1, 32, 2), Bytes::At(3, 4)]),
    ("ssvm_process_get_stderr", &[Bytes::Denial(0)]),
    ("wasmedge_process_get_stderr", &[Bytes::Denial(0)]),
];

/// What the program calls itself.
const NAME: &str = "hostile";

/// A function that can be imported.
struct Function {
    module: String,
    name: String,
    ty: FuncType,
}

/// An executor with the program, loaded.
struct Ready {
    name: &'static str,
    linker: Linker<Program>,
    module: Module,
}

/// All functions, and who runs the program.
struct World {
    functions: Vec<Function>,
    executors: Vec<Ready>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (mut functions, mut executors) = (Vec::new(), Vec::new());
        for (name, engine) in engines(Profile::general(), Schedule::V1) {
            // How functions are translated is another matter.
            if name.contains(',') && !name.starts_with("aot") {
                continue;
            }
            let mut linker = Linker::new(&engine);
            link(&mut linker).expect("no name is there twice");
            if functions.is_empty() {
                functions = importable(&linker);
            }
            let text = wat::parse_str(program(&functions)).expect("it is well-formed");
            let module = Module::new(&engine, &text).expect("it is valid");
            executors.push(Ready { name, linker, module });
        }
        World { functions, executors }
    })
}

/// All names that the linker has, in order.
fn importable(linker: &Linker<Program>) -> Vec<Function> {
    let mut store = Store::new(linker.engine(), bare());
    let names: Vec<_> = linker.iter(&mut store).map(|(module, name, item)| (module, name, item.into_func())).collect();
    let mut functions: Vec<_> = names
        .into_iter()
        .map(|(module, name, func)| {
            let ty = func.expect("extensions have functions and nothing else").ty(&store);
            Function { module: module.into(), name: name.into(), ty }
        })
        .collect();
    functions.sort_by(|one, other| (&one.module, &one.name).cmp(&(&other.module, &other.name)));
    functions
}

fn bare() -> Program {
    let shared = Shared::open(None, None).expect("nothing is opened");
    let granted = Granted::quiet(Grants::default());
    Program::of(granted, NAME, Streams::default(), &shared).expect("nothing is granted that could fail")
}

/// A program that has every function, and a function of its own that passes arguments on, by number.
fn program(functions: &[Function]) -> String {
    let ty = |ty: &ValType| if *ty == ValType::I64 { "i64" } else { "i32" };
    let (mut imports, mut own) = (String::new(), String::new());
    for (number, function) in functions.iter().enumerate() {
        let params: String = function.ty.params().iter().map(|it| format!(" {}", ty(it))).collect();
        let results: String = function.ty.results().iter().map(|it| format!(" {}", ty(it))).collect();
        let signature = format!("(param{params}) (result{results})");
        let gets: String = (0..function.ty.params().len()).map(|param| format!("local.get {param} ")).collect();
        let Function { module, name, .. } = function;
        write!(imports, "(import {module:?} {name:?} (func $f{number} {signature}))").expect("strings grow");
        write!(own, "(func (export \"{number}\") {signature} {gets} call $f{number})").expect("strings grow");
    }
    format!("(module {imports} (memory (export \"memory\") 1 1) {own})")
}

/// One call.
struct Call {
    function: usize,
    args: Vec<u64>,
}

/// What a program does.
struct Case {
    gas: u64,
    /// What is put where, before anything else.
    memory: Vec<(u32, Vec<u8>)>,
    calls: Vec<Call>,
}

/// What came of a call: its result, or why there is none; and the gas that was left.
type Seen = (std::result::Result<Option<i64>, Error>, Gas);

/// Runs the program that `data` describes on all executors, and compares what they say.
///
/// # Panics
/// When it does or learns something, or executors differ.
pub fn run(data: &[u8]) {
    let world = world();
    let Ok(case) = Case::read(&mut Unstructured::new(data), &world.functions) else { return };
    let mut ends = world.executors.iter().map(|ready| (ready.name, case.run(ready, &world.functions)));
    let (first, expected) = ends.next().expect("there are executors");
    for (name, seen) in ends {
        assert!(expected.1 == seen.1, "{first} and {name} have other memories");
        assert_eq!(format!("{:?}", expected.0), format!("{:?}", seen.0), "{first} and {name}");
    }
}

/// How many functions there are to try.
pub fn functions() -> usize {
    world().functions.len()
}

impl Case {
    fn read(u: &mut Unstructured<'_>, functions: &[Function]) -> Result<Self> {
        let mut case = Self { gas: 0, memory: Vec::new(), calls: Vec::new() };
        case.gas = if u.ratio(1, 4)? { u64::from(u.int_in_range(0..=20_000u32)?) } else { 1 << 32 };
        for _ in 0..u.int_in_range(0..=4u8)? {
            let length = u.int_in_range(0..=64usize)?.min(u.len());
            let bytes = u.bytes(length)?.to_vec();
            case.memory.push((argument(u)? % (MEMORY - 64), bytes));
        }
        while case.calls.len() < CALLS && !u.is_empty() {
            let function = u.choose_index(functions.len())?;
            let args = functions[function].ty.params().iter().map(|ty| match ty {
                ValType::I64 => wide(u),
                _ => argument(u).map(u64::from),
            });
            let args = args.collect::<Result<_>>()?;
            case.calls.push(Call { function, args });
        }
        Ok(case)
    }

    /// What came of each call, and memory in the end.
    fn run(&self, ready: &Ready, functions: &[Function]) -> (Vec<Seen>, Vec<u8>) {
        let mut store = Store::new(ready.linker.engine(), bare());
        let instance = ready.linker.instantiate(&mut store, &ready.module).expect("every name is there");
        let memory = instance.get_memory(&store, "memory").expect("it has one");
        let first = memory.data_mut(&mut store);
        first[..texts().len()].copy_from_slice(&texts());
        for (at, bytes) in &self.memory {
            first[*at as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        store.set_gas(Gas(self.gas));
        let denial = functions.iter().position(|function| function.name == "ssvm_process_get_stderr_len");
        let mut seen = Vec::new();
        for call in &self.calls {
            let function = &functions[call.function];
            let values: Vec<_> = function.ty.params().iter().zip(&call.args).map(value).collect();
            let mut results: Vec<_> = function.ty.results().iter().map(|ty| Val::default(*ty)).collect();
            let (before, left) = (memory.data(&store).to_vec(), store.meter().left());
            let func = instance.get_func(&store, &call.function.to_string()).expect("it is exported");
            let ended = func.call(&mut store, &values, &mut results);
            let outcome = ended.map(|()| {
                results.first().map(|result| match result {
                    Val::I64(value) => *value,
                    value => i64::from(value.i32().expect("these have no floats")),
                })
            });
            let paid = left.0 - store.meter().left().0;
            let after = memory.data(&store);
            assert_eq!(after.len(), before.len(), "{}: memory grew", function.name);
            if !matches!(outcome, Err(Error::Trap(_))) {
                assert!(paid >= Price::default().call, "{}: {paid} gas", function.name);
            }
            let changed: Vec<u32> = (0..MEMORY).filter(|at| before[*at as usize] != after[*at as usize]).collect();
            check(function, &call.args, &outcome, &changed, || {
                let length = instance.get_func(&store, &denial.expect("it is there").to_string()).expect("exported");
                let mut result = [Val::I32(0)];
                let asked = length.call(&mut store, &[], &mut result);
                // Without gas nothing could be learned now; it was not either.
                asked.map_or(MEMORY, |()| result[0].i32().expect("its type") as u32)
            });
            let over = matches!(outcome, Err(Error::Halt(_)) | Err(Error::Trap(Trap::OutOfGas)));
            seen.push((outcome, store.meter().left()));
            if over {
                break;
            }
        }
        let memory = memory.data(&store).to_vec();
        (seen, memory)
    }
}

/// Holds a call to what is documented.
fn check(
    function: &Function,
    args: &[u64],
    outcome: &std::result::Result<Option<i64>, Error>,
    changed: &[u32],
    denial: impl FnOnce() -> u32,
) {
    let Function { module, name, .. } = function;
    let what = || format!("{module}.{name}{args:x?}: {outcome:?}");
    let (_, answers) = ANSWERS.iter().find(|row| row.0 == module).unwrap_or_else(|| panic!("{module} has no answers"));
    let is_wasi = module.starts_with("wasi");
    let succeeded = match outcome {
        Ok(None) => true,
        Ok(Some(length)) if name.ends_with("_get_stderr_len") => (0..=1 << 20).contains(length),
        Ok(Some(length)) if name.ends_with("_get_stdout_len") => *length == 0,
        Ok(Some(answer)) => {
            assert!(answers.contains(answer), "{}", what());
            !is_wasi || *answer == 0
        }
        Err(Error::Halt(Halt::Exit(code))) => {
            assert!(name == "proc_exit" && *code == args[0] as i32, "{}", what());
            false
        }
        Err(Error::Trap(Trap::OutOfGas)) => false,
        // Those that have no other way to refuse.
        Err(Error::Trap(Trap::InvalidMemoryAccess | Trap::ArgumentOutOfRange)) => {
            assert!(!is_wasi && module != "gristmill_storage", "{}", what());
            false
        }
        Err(_) => panic!("{}", what()),
    };
    if changed.is_empty() {
        return;
    }
    assert!(succeeded, "{}, and writes at {:?}", what(), &changed[..changed.len().min(9)]);
    let writes = WRITES.iter().find(|row| row.0 == name).map_or(&[][..], |row| row.1);
    let denial = writes.iter().any(|bytes| matches!(bytes, Bytes::Denial(_))).then(denial);
    let may: Vec<_> = writes
        .iter()
        .map(|bytes| {
            let (param, length) = match *bytes {
                Bytes::At(param, length) => (param, length),
                Bytes::Each(param, length, count) => (param, length * args[count] as u32),
                Bytes::Denial(param) => (param, denial.unwrap_or_default()),
            };
            let at = args[param] as u32;
            at..at.saturating_add(length)
        })
        .collect();
    let stray = changed.iter().find(|at| !may.iter().any(|range| range.contains(at)));
    assert_eq!(stray, None, "{}, and writes there", what());
}

fn value((ty, arg): (&ValType, &u64)) -> Val {
    if *ty == ValType::I64 { Val::I64(*arg as i64) } else { Val::I32(*arg as u32 as i32) }
}

/// Where things lie that calls can make something of.
const LISTS: u32 = 256;
const WAITS: u32 = 512;

/// The beginning of memory: names, lists of buffers, good and bad, and what can be waited for.
fn texts() -> [u8; 1_024] {
    let mut memory = [0; 1_024];
    let words: [&[u8]; 9] =
        [b"f", b"..", b"/etc/passwd", b"/bin/sh", b"-c", b"touch x", b"app", b"\xff\xfe", b"https://localhost"];
    for (number, word) in words.iter().enumerate() {
        memory[16 * number..][..word.len()].copy_from_slice(word);
    }
    let buffers =
        [(4_096, 16), (8_192, 1), (0, 0), (MEMORY - 1, 1), (MEMORY, 0), (MEMORY - 1, 2), (u32::MAX, 2), (0, u32::MAX)];
    for (entry, (at, length)) in buffers.into_iter().enumerate() {
        memory[LISTS as usize + 8 * entry..][..4].copy_from_slice(&u32::to_le_bytes(at));
        memory[LISTS as usize + 8 * entry + 4..][..4].copy_from_slice(&u32::to_le_bytes(length));
    }
    // Clocks and descriptors that are there, and that are not.
    for (entry, (tag, whom)) in [(0, 0), (0, 1), (1, 0), (2, 1), (2, 2), (1, 3), (0, 9), (7, 0)].into_iter().enumerate()
    {
        memory[WAITS as usize + 48 * entry] = entry as u8 + 1;
        memory[WAITS as usize + 48 * entry + 8] = tag;
        memory[WAITS as usize + 48 * entry + 16] = whom;
    }
    memory
}

/// An argument of 32 bits: small numbers, which descriptors are too; edges of memory and of the range; what lies somewhere.
fn argument(u: &mut Unstructured<'_>) -> Result<u32> {
    let small = |u: &mut Unstructured<'_>| u.int_in_range(0..=80u32);
    Ok(match u.int_in_range(0..=15u8)? {
        0..=3 => u.int_in_range(0..=3)?,
        4 => small(u)?,
        5 => 16 * u.int_in_range(0..=8u32)?,
        6 => LISTS + 8 * u.int_in_range(0..=8u32)?,
        7 => WAITS + 48 * u.int_in_range(0..=8u32)?,
        8 => 16_384 + 8 * small(u)?,
        // Off any alignment.
        9 => 16_385 + small(u)?,
        10 => MEMORY - small(u)?,
        11 => MEMORY + small(u)?,
        12 => u32::MAX - small(u)?,
        13 => *u.choose(&[u32::MAX, i32::MAX as u32, i32::MIN as u32, 1 << 16, 1 << 12])?,
        _ => u.arbitrary()?,
    })
}

fn wide(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=5u8)? {
        0 => 0,
        1 => u64::from(argument(u)?),
        2 => u64::MAX - u64::from(argument(u)?),
        3 => *u.choose(&[i64::MAX as u64, i64::MIN as u64, u64::MAX, 1 << 32])?,
        _ => u.arbitrary()?,
    })
}
