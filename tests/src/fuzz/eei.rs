//! A contract that calls interface functions with hostile arguments, made from bytes, on a ledger.
//!
//! Bytes choose schedule, revision, gas and a list of calls; each becomes constants and a call in `main`. Pointers and
//! lengths are drawn from where it hurts: the ends of memory and of the number range, and offsets at which an address, a
//! value or init code really lies, so that calls get through to the ledger as well.

use crate::vms;
use arbitrary::{Result, Unstructured};
use gristmill::contract::eei::Eei;
use gristmill::contract::{
    Address, Compat, Environment, HostCall, KeccakAt9, Ledger, LedgerAccount, NoPrecompiles, Observer, Options,
    Receipt, Refusal, Revision, Rules, StatusCode, Transaction, TxContext, U256, Vm,
};
use gristmill::wasm::isa::Ty;
use gristmill::{ApiRow, HostApi, Schedule};
use std::sync::{Arc, Mutex};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// Bytes of memory that every contract starts with.
const MEMORY: u32 = 65_536;
/// Where the addresses of [`ACCOUNTS`] lie in it, 32 bytes apart; the bytes between are zero.
const ADDRESSES: u32 = 64;
/// Where a value of 1 wei lies, 16 little-endian bytes.
const ONE: u32 = 512;
/// Where init code lies.
const INIT_CODE: u32 = 1_024;
/// The most calls of one contract.
const CALLS: usize = 24;

/// Who can be called: the contract itself, a second one, an account without code, sha256, keccak256, nobody.
const ACCOUNTS: [u64; 6] = [0xc0de, 0xbeef, 0xb0b, 2, 9, 0xdead];

/// One call: a row of the interface and its arguments.
struct Call {
    row: usize,
    args: Vec<u64>,
}

pub(super) struct Case {
    pub(super) schedule: Schedule,
    pub(super) revision: Revision,
    pub(super) compat: Compat,
    pub(super) gas: i64,
    pub(super) is_static: bool,
    calls: Vec<Call>,
    pub(super) data: Vec<u8>,
}

/// Runs the case that `data` describes on all executors, and compares what they say.
pub fn run(data: &[u8]) {
    let Ok(case) = Case::read(&mut Unstructured::new(data), |_| true) else { return };
    let code = case.contract();
    let trace = Arc::new(Trace::default());
    let options = Options {
        keccak_at_9: KeccakAt9::On,
        compat: case.compat,
        debug: Some(Arc::new(|_| {})),
        beyond: true,
        observer: Some(trace.clone()),
        ..Options::default()
    };
    let mut ends = vms(case.schedule, &options).into_iter().map(|(name, vm)| {
        let (receipt, ledger) = case.transact(&*vm, &code);
        let calls = std::mem::take(&mut *trace.0.lock().expect("nobody panicked"));
        (name, (receipt, ledger, calls))
    });
    let (first, expected) = ends.next().expect("there are executors");
    check(&case, &expected.0);
    for (name, seen) in ends {
        let calls = expected.2.iter().zip(&seen.2).find(|(a, b)| a != b);
        assert!(expected == seen, "{first} {:?}\n{name} {:?}\nfirst call that differs: {calls:?}", expected.0, seen.0);
    }
}

fn check(case: &Case, receipt: &std::result::Result<Receipt, Refusal>) {
    let Ok(receipt) = receipt else { panic!("the sender can pay: {receipt:?}") };
    let outcome = &receipt.outcome;
    assert!((0..=case.gas).contains(&outcome.gas_left), "gas out of nothing: {outcome:?}");
    assert!(outcome.status != StatusCode::InternalError, "a bug of ours: {outcome:?}");
    if !matches!(outcome.status, StatusCode::Success | StatusCode::Revert) {
        assert!(outcome.gas_left == 0 && outcome.output.is_empty(), "a failure that leaves something: {outcome:?}");
    }
    if outcome.status != StatusCode::Success {
        assert!(receipt.logs.is_empty(), "a failure that logs");
    }
}

/// All host calls as text, with the gas that each saw.
#[derive(Default)]
struct Trace(Mutex<Vec<String>>);

impl Observer for Trace {
    fn host_call(&self, call: &HostCall<'_>) {
        let mut lines = self.0.lock().expect("nobody panicked");
        // A contract that calls itself a thousand deep makes many; the first are enough to compare.
        if lines.len() < 4_096 {
            lines.push(format!("{call:?}"));
        }
    }
}

impl Case {
    /// A case out of bytes, with calls of rows that `may` be called.
    pub(super) fn read(u: &mut Unstructured<'_>, may: fn(&ApiRow) -> bool) -> Result<Self> {
        let mut case = Self {
            schedule: *u.choose(&Schedule::ALL)?,
            revision: *u.choose(&Revision::ALL)?,
            compat: if u.ratio(1, 4)? { Compat::Ssvm } else { Compat::Standard },
            gas: 0,
            is_static: u.ratio(1, 8)?,
            calls: Vec::new(),
            data: Vec::new(),
        };
        // Enough for a creation and some calls; too little for a contract that calls itself to go on for long.
        case.gas = i64::from(u.int_in_range(0..=2_000_000u32)?);
        while case.calls.len() < CALLS && !u.is_empty() {
            let row = u.choose_index(Eei::rows().len())?;
            if offered(&Eei::rows()[row], case.compat) && may(&Eei::rows()[row]) {
                let args = Eei::rows()[row].params.iter().map(|(_, ty)| argument(*ty, u)).collect::<Result<_>>()?;
                case.calls.push(Call { row, args });
            }
        }
        case.data = u.bytes(u.len().min(64))?.to_vec();
        Ok(case)
    }

    /// The module: imports, `main` with the calls, a memory with the things that pointers point to.
    pub(super) fn contract(&self) -> Vec<u8> {
        let rows = Eei::rows();
        let (mut types, mut imports, mut main) = (TypeSection::new(), ImportSection::new(), Function::new([]));
        types.ty().function([], []);
        let mut imported: Vec<usize> = self.calls.iter().map(|call| call.row).collect();
        imported.sort_unstable();
        imported.dedup();
        for (number, &row) in (1..).zip(&imported) {
            let row = &rows[row];
            types.ty().function(row.params.iter().map(|(_, ty)| value(*ty)), row.result.map(value));
            imports.import(row.module, row.name, EntityType::Function(number));
        }
        for call in &self.calls {
            let row = &rows[call.row];
            for (&arg, (_, ty)) in call.args.iter().zip(row.params) {
                match ty {
                    Ty::i64 => main.instructions().i64_const(arg as i64),
                    _ => main.instructions().i32_const(arg as u32 as i32),
                };
            }
            let import = imported.binary_search(&call.row).expect("every row of a call was imported");
            main.instructions().call(import as u32);
            if row.result.is_some() {
                main.instructions().drop();
            }
        }
        main.instructions().end();
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut code = CodeSection::new();
        code.function(&main);
        module(&types, &imports, &functions, &code, imported.len() as u32, &self.memory())
    }

    /// The first bytes of memory.
    fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; INIT_CODE as usize];
        for (i, account) in ACCOUNTS.iter().enumerate() {
            memory[ADDRESSES as usize + 32 * i..][..20].copy_from_slice(address(*account).as_bytes());
        }
        memory[ONE as usize] = 1;
        memory[ONE as usize + 32..][..self.data.len()].copy_from_slice(&self.data);
        memory.extend(empty_contract());
        memory
    }

    fn transact(&self, vm: &dyn Vm, code: &[u8]) -> (std::result::Result<Receipt, Refusal>, Ledger) {
        let mut ledger = Ledger::new();
        let rich = LedgerAccount { balance: U256::from(1_000_000u64), ..LedgerAccount::default() };
        let sender = address(0xa11ce);
        for (account, code) in
            [(sender, None), (address(ACCOUNTS[0]), Some(code.to_vec())), (address(ACCOUNTS[2]), None)]
        {
            let code = code.map_or_else(Default::default, Into::into);
            ledger.accounts.insert(account, LedgerAccount { code, ..rich.clone() });
        }
        let empty = LedgerAccount { code: empty_contract().into(), ..rich };
        ledger.accounts.insert(address(ACCOUNTS[1]), empty);
        let rules = Rules::new(self.revision);
        let context = TxContext { number: 300, timestamp: 1_600_000_000, ..TxContext::default() };
        let environment = Environment { vm, precompiles: &NoPrecompiles, rules: &rules, context: &context };
        let transaction = Transaction {
            sender,
            to: Some(address(ACCOUNTS[0])),
            value: U256::from(u8::from(!self.is_static)),
            data: self.data.clone(),
            gas_limit: self.gas,
            gas_price: U256::one(),
            ..Transaction::default()
        };
        let receipt = ledger.transact(&environment, &transaction);
        (receipt, ledger)
    }
}

/// Whether a module with this import links.
fn offered(row: &ApiRow, compat: Compat) -> bool {
    row.name != "returnDataSize" || compat == Compat::Ssvm
}

fn address(number: u64) -> Address {
    Address::from_low_u64_be(number)
}

fn value(ty: Ty) -> ValType {
    match ty {
        Ty::i32 => ValType::I32,
        Ty::i64 => ValType::I64,
        Ty::f32 => ValType::F32,
        Ty::f64 => ValType::F64,
        Ty::v128 => ValType::V128,
    }
}

/// An argument: something that lies in memory, a small number, the end of memory, the end of the range, or anything.
fn argument(ty: Ty, u: &mut Unstructured<'_>) -> Result<u64> {
    let small = |u: &mut Unstructured<'_>| u.int_in_range(0..=96u32);
    let narrow = match u.int_in_range(0..=7u8)? {
        0 | 1 => ADDRESSES + 32 * u.int_in_range(0..=ACCOUNTS.len() as u32 - 1)?,
        2 => *u.choose(&[ONE, ONE + 16, ONE + 32, INIT_CODE])?,
        3 | 4 => small(u)?,
        5 => MEMORY - small(u)?,
        6 => u32::MAX - small(u)?,
        _ => u.arbitrary()?,
    };
    Ok(match ty {
        Ty::i64 => match u.int_in_range(0..=3u8)? {
            0 => u64::from(narrow),
            1 => 100_000,
            2 => i64::MAX as u64 - u64::from(narrow),
            _ => u64::from(narrow) << 32 | u64::from(narrow),
        },
        _ => u64::from(narrow),
    })
}

/// A contract that does nothing, which also is init code that deploys nothing.
fn empty_contract() -> Vec<u8> {
    let (mut types, mut functions, mut code) = (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    types.ty().function([], []);
    functions.function(0);
    let mut main = Function::new([]);
    main.instructions().end();
    code.function(&main);
    module(&types, &ImportSection::new(), &functions, &code, 0, &[])
}

fn module(
    types: &TypeSection,
    imports: &ImportSection,
    functions: &FunctionSection,
    code: &CodeSection,
    main: u32,
    bytes: &[u8],
) -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("main", ExportKind::Func, main);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), bytes.iter().copied());
    let mut module = Module::new();
    module.section(types).section(imports).section(functions).section(&memories).section(&exports);
    module.section(code).section(&data);
    module.finish()
}
