//! The heaviest contracts by weight, inside the runtime's Wasm: how much of the time that their weight stands for they take.
//!
//! `cargo bench -p gristmill-pallet-bench --bench heaviest`; with a word behind `--`, the rows that have it in their names. Above
//! 1.00 a block could take longer than its weight says; the exit code is 1 then.
//!
//! Each contract repeats something, as often as a transaction's weight allows to a factor of two: none of its weight is for
//! gas that it was given and did not use.

use frame_support::weights::Weight;
use gristmill_pallet_bench::blob;
use gristmill_pallet_tests::Chain;
use gristmill_pallet_tests::contracts::{IMPORTS, contract, deployer};
use pallet_gristmill::gristmill::contract::eei::Eei;
use pallet_gristmill::gristmill::contract::{Address, create_address};
use pallet_gristmill::gristmill::{ApiRow, HostApi};
use pallet_gristmill::{AccountId32Mapper, AddressMapper, GenesisAccount};
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::BuildStorage;
use std::process::ExitCode;
use std::time::Instant;

/// Runs of each; the fastest counts, for noise only adds.
const RUNS: usize = 5;
/// How much oftener the next try repeats.
const STEP: u32 = 8;

/// A contract that repeats `body` as often as its call data says; called without any, it returns. Local 0 counts down, locals 1 to
/// 3 are i32 and 4 and 5 i64. `imports` have `$size` and `$data`; `rest` is what else the module has.
fn repeating(imports: &str, rest: &str, body: &str) -> String {
    format!(
        r#"(module {imports} {rest}
            (func (export "main") (local i32 i32 i32 i32 i64 i64)
              (if (i32.eqz (call $size)) (then (return)))
              (call $data (i32.const 60000) (i32.const 0) (i32.const 4))
              (local.set 0 (i32.load (i32.const 60000)))
              (loop $l {body} (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#
    )
}

/// Operators, by name.
fn operators() -> Vec<(&'static str, String)> {
    let repeat = |name, body: &str| {
        let rest = r#"
            (table 2 funcref) (elem (i32.const 0) $f $g)
            (global $global (mut i64) (i64.const 0))
            (func $f) (func $g (param i64 i64 i64 i64) (result i64) (local i64 i64 i64 i64) (local.get 0))"#;
        (name, repeating(IMPORTS, rest, body))
    };
    let times = |n: usize, body: &str| body.repeat(n);
    vec![
        repeat("nothing", ""),
        repeat("additions", &times(8, "(local.set 1 (i32.add (local.get 1) (local.get 0)))")),
        repeat("copies", &times(8, "(local.set 1 (local.get 2)) (local.set 2 (local.get 1))")),
        repeat("loads", &times(8, "(local.set 1 (i32.add (local.get 1) (i32.load (local.get 2))))")),
        repeat("stores", &times(8, "(i64.store (local.get 2) (local.get 4))")),
        repeat("globals", &times(8, "(global.set $global (i64.add (global.get $global) (local.get 4)))")),
        repeat("products", &times(8, "(local.set 4 (i64.mul (local.get 4) (local.get 5)))")),
        repeat("bits", &times(8, "(local.set 4 (i64.popcnt (i64.rotl (local.get 4) (i64.const 3))))")),
        repeat("quotients", &times(8, "(local.set 4 (i64.div_u (local.get 5) (i64.const 3)))")),
        repeat("selects", &times(8, "(local.set 1 (select (local.get 2) (local.get 3) (local.get 0)))")),
        repeat("branches", &times(8, "(block (br_if 0 (local.get 1)))")),
        repeat("tables of branches", &times(4, "(block (block (br_table 0 1 (i32.and (local.get 0) (i32.const 1)))))")),
        repeat("calls", "(call $f)"),
        repeat("many calls", &times(8, "(call $f)")),
        repeat(
            "calls with arguments",
            "(local.set 4 (call $g (local.get 4) (i64.const 1) (i64.const 2) (i64.const 3)))",
        ),
        repeat("indirect calls", "(call_indirect (i32.const 0))"),
        repeat("memory.size", &times(8, "(local.set 1 (memory.size))")),
        repeat("memory.grow by nothing", "(drop (memory.grow (i32.const 0)))"),
        repeat("memory.grow refused", "(drop (memory.grow (i32.const 65536)))"),
        repeat("fills of nothing", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))"),
        repeat("fills", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))"),
        repeat("copies of 64 bytes", "(memory.copy (i32.const 0) (i32.const 64) (i32.const 64))"),
    ]
}

/// Functions of the interface, and precompiles.
fn host_functions() -> Vec<(&'static str, String)> {
    let repeat = |name, body: &str| (name, repeating(IMPORTS, "", body));
    let keccak_at_9 = "(i32.store8 (i32.const 19) (i32.const 9))";
    vec![
        repeat("getGasLeft", "(drop (call $gas))"),
        repeat("getAddress", "(call $address (i32.const 0))"),
        repeat("callDataCopy of nothing", "(call $data (i32.const 0) (i32.const 0) (i32.const 0))"),
        repeat("storageLoad, warm", "(call $load (i32.const 0) (i32.const 32))"),
        repeat(
            "storageLoad, cold",
            "(i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1))) (call $load (i32.const 0) (i32.const 32))",
        ),
        repeat("storageStore, same", "(call $store (i32.const 0) (i32.const 32))"),
        repeat(
            "storageStore, new",
            "(i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1))) (call $store (i32.const 0) (i32.const 0))",
        ),
        repeat(
            "log",
            "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        ),
        repeat(
            "log of 1 KiB",
            "(call $log (i32.const 0) (i32.const 1024) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))",
        ),
        repeat(
            "call of nobody",
            "(i32.store (i32.const 0) (i32.const 77)) (drop (call $call (i64.const 0) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))",
        ),
        repeat(
            "call of itself",
            "(call $address (i32.const 0))
             (drop (call $call (i64.const 5000) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 0)))",
        ),
        repeat(
            "keccak256 of 32 bytes",
            &format!(
                "{keccak_at_9} (drop (call $static (i64.const 5000) (i32.const 0) (i32.const 32) (i32.const 32)))"
            ),
        ),
        repeat(
            "keccak256 of 32 KiB",
            &format!(
                "{keccak_at_9} (drop (call $static (i64.const 50000) (i32.const 0) (i32.const 32) (i32.const 32768)))"
            ),
        ),
        precompile("ecrecover", 1, 3_000, 128),
        precompile("sha256 of 32 KiB", 2, 50_000, 32_768),
        precompile("ripemd160 of 32 KiB", 3, 500_000, 32_768),
        precompile("identity of 32 KiB", 4, 50_000, 32_768),
        precompile("modexp", 5, 500_000, 96 + 3 * 64),
        precompile("point addition", 6, 150, 128),
        precompile("point product", 7, 6_000, 96),
        precompile("pairing of two", 8, 120_000, 384),
    ]
}

/// Every function of the interface that the chain has and that comes back, with zeros for arguments.
fn every_function() -> Vec<(&'static str, String)> {
    // The last is what SSVM calls one of the others.
    let others = ["finish", "revert", "selfDestruct", "returnDataSize"];
    let rows = Eei::rows().iter().filter(|row| row.module == "ethereum" && !others.contains(&row.name));
    let repeat = |row: &'static ApiRow| {
        let types: String = row.params.iter().map(|(_, ty)| format!(" {ty:?}")).collect();
        let zeros: String = row.params.iter().map(|(_, ty)| format!(" ({ty:?}.const 0)")).collect();
        let (result, drop) = row.result.map_or((String::new(), ""), |ty| (format!("(result {ty:?})"), "drop"));
        let import = format!(r#"(import "ethereum" "{}" (func $f (param{types}) {result}))"#, row.name);
        (row.name, repeating(&format!("{import} {IMPORTS}"), "", &format!("(call $f{zeros}) {drop}")))
    };
    rows.map(repeat).collect()
}

/// Contracts of a kind that take long to load, each called once. As many as one transaction can validate.
const LONG: u32 = 12;
/// Bytes of each, about.
const LONG_BYTES: usize = 69_000;

/// What they have in them, by name: `main`, and what is before it.
fn long_bodies() -> Vec<(&'static str, String)> {
    // As many functions as can be.
    let functions = 9_900;
    let calls: String = (0..functions).map(|function| format!("(call {function})")).collect();
    // Translated as all of a function is, never executed: no gas is paid for it.
    let skipped = |name, bytes: usize, operators: &str| {
        let operators = operators.repeat(LONG_BYTES / bytes);
        (name, format!("(func (export \"main\") (local i32 i64) (if (i32.const 0) (then {operators})))"))
    };
    vec![
        ("functions", format!(r#"{} (func (export "main") {calls})"#, "(func)".repeat(functions))),
        skipped("nops", 1, "nop "),
        skipped("dead code", 1, "unreachable "),
        skipped("operators of one operand", 5, "local.get 0 i32.eqz i32.eqz drop "),
        skipped("operators of two operands", 6, "local.get 0 local.get 0 i32.add drop "),
        skipped("constants", 3, "i64.const 1 drop "),
        skipped("locals", 4, "local.get 0 local.set 0 "),
        skipped("blocks", 3, "block end "),
        skipped("left blocks", 5, "block br 0 end "),
        skipped("loops", 3, "loop end "),
        skipped("arms", 6, "local.get 0 if else end "),
        skipped("branches", 4, "local.get 0 br_if 0 "),
        skipped("calls", 2, "call 0 "),
        skipped("sizes", 3, "memory.size drop "),
        skipped("loads", 6, "local.get 0 i32.load drop "),
        skipped("returns", 4, "block return end "),
        skipped("targets", 105, &format!("block local.get 0 br_table {} end ", "0 ".repeat(100))),
    ]
}

fn long_address(kind: u32, number: u32) -> Address {
    let mut address = Address::repeat_byte(0);
    address.0[..4].copy_from_slice(&number.to_le_bytes());
    address.0[4..8].copy_from_slice(&kind.to_le_bytes());
    address.0[19] = 0x77;
    address
}

fn long(number: u32, body: &str) -> Vec<u8> {
    let module = format!(r#"(module (memory (export "memory") 1) (data (i32.const 0) "{number}") {body})"#);
    wat::parse_str(module).expect("a module")
}

/// Calls each of a kind.
fn caller_of_long(kind: u32) -> String {
    contract(&format!(
        "(local $i i32) (i32.store8 (i32.const 19) (i32.const 0x77)) (i32.store (i32.const 4) (i32.const {kind}))
         (loop $l
           (i32.store (i32.const 0) (local.get $i))
           (if (call $static (i64.const 1000000) (i32.const 0) (i32.const 64) (i32.const 0)) (then (unreachable)))
           (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {LONG}))))"
    ))
}

/// Calls a precompile with an input that is as much work as one of that length can be.
fn precompile(name: &'static str, number: u8, gas: u64, length: u32) -> (&'static str, String) {
    let input = match number {
        // There is a point with this r: 1.
        1 => [&[7; 32][..], &[0; 31], &[27], &[0; 31], &[1], &[0; 31], &[5]].concat(),
        5 => [&[0; 31][..], &[64], &[0; 31], &[64], &[0; 31], &[64], &[0xff; 64], &[0xff; 64], &[0xfd; 64]].concat(),
        // The generator of the first group, (1, 2), and a scalar or itself.
        6 => [&[0; 31][..], &[1], &[0; 31], &[2], &[0; 31], &[1], &[0; 31], &[2]].concat(),
        7 => [&[0; 31][..], &[1], &[0; 31], &[2], &[0xff; 32]].concat(),
        8 => [pair(), pair()].concat(),
        _ => Vec::new(),
    };
    let data: String = input.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let call = format!(
        "(i32.store8 (i32.const 19) (i32.const {number}))
         (drop (call $static (i64.const {gas}) (i32.const 0) (i32.const 64) (i32.const {length})))"
    );
    (name, repeating(IMPORTS, &format!("(data (i32.const 64) \"{data}\")"), &call))
}

/// The generators of both groups of bn128. Source: EIP-197.
fn pair() -> Vec<u8> {
    let second = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
        1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
        090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
        12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa";
    let second: Vec<u8> =
        (0..second.len() / 2).map(|i| u8::from_str_radix(&second[2 * i..2 * i + 2], 16).expect("hex")).collect();
    [&[0; 31][..], &[1], &[0; 31], &[2], &second].concat()
}

/// One call that is taken back: seconds of it, and its weight if it succeeds.
fn run(chain: &mut Chain, dest: Address, input: &[u8]) -> (f64, Option<Weight>) {
    let start = Instant::now();
    let weight = chain.call("Bench_once", &(Alice.to_account_id(), dest, input));
    (start.elapsed().as_secs_f64(), weight)
}

/// Seconds beyond what a call of the runtime takes by itself, and the seconds that the weight stands for.
fn measure(chain: &mut Chain, dest: Address, input: &[u8]) -> (f64, f64) {
    let (mut time, mut alone, mut seconds) = (f64::MAX, f64::MAX, 0.0);
    for _ in 0..RUNS {
        let start = Instant::now();
        let none: u32 = chain.call("Bench_ours", &(Alice.to_account_id(), dest, Vec::<Vec<u8>>::new()));
        alone = alone.min(start.elapsed().as_secs_f64());
        assert_eq!(none, 0);
        let (once, weight) = run(chain, dest, input);
        time = time.min(once);
        seconds = weight.expect("the contract succeeds").ref_time() as f64 / 1e12;
    }
    (time - alone, seconds)
}

/// The same of a [`repeating`] contract.
fn measure_repeating(chain: &mut Chain, runtime: &str) -> (f64, f64) {
    let dest = deploy(chain, runtime);
    let (mut times, mut step) = (1u32, STEP);
    while let Some(more) = times.checked_mul(step) {
        match run(chain, dest, &more.to_le_bytes()).1 {
            Some(_) => times = more,
            None if step == 2 => break,
            None => step = 2,
        }
    }
    measure(chain, dest, &times.to_le_bytes())
}

fn deploy(chain: &mut Chain, runtime: &str) -> Address {
    let address = AccountId32Mapper::<gristmill_pallet_tests::Runtime>::to_address(&Alice.to_account_id());
    let nonce: u64 = chain.call("GristmillApi_nonce", &address);
    let call = pallet_gristmill::Call::<gristmill_pallet_tests::Runtime>::instantiate_with_code {
        value: 0,
        weight_limit: Weight::from_parts(4_000_000_000_000, 10_000_000),
        storage_deposit_limit: u128::MAX,
        code: deployer(runtime),
        data: vec![],
        salt: None,
    };
    chain.submit(Alice, call).unwrap();
    chain.next_block();
    create_address(&address, nonce)
}

fn main() -> ExitCode {
    let mut config = gristmill_demo_runtime::genesis::configuration();
    for (kind, (_, body)) in (0..).zip(long_bodies()) {
        let account = |number| GenesisAccount { code: long(number, &body), ..Default::default() };
        config.contracts.accounts.extend((0..LONG).map(|number| (long_address(kind, number), account(number))));
    }
    let storage = config.build_storage().expect("the genesis builds");
    let mut chain = Chain::with_storage(blob("gristmill-pallet-bench"), storage);
    println!("seconds, seconds by weight, share");
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut worst = 0.0f64;
    let mut show = |name: &str, measure: &mut dyn FnMut() -> (f64, f64)| {
        if name.contains(&wanted) {
            let (time, weight) = measure();
            println!("{name:47} {time:7.3} {weight:7.3} {:5.2}", time / weight);
            worst = worst.max(time / weight);
        }
    };
    for (kind, (name, _)) in (0..).zip(long_bodies()) {
        let dest = deploy(&mut chain, &caller_of_long(kind));
        show(&format!("long: {name}, not validated"), &mut || measure(&mut chain, dest, &[]));
        let call = pallet_gristmill::Call::<gristmill_pallet_tests::Runtime>::call {
            dest,
            value: 0,
            weight_limit: Weight::from_parts(4_000_000_000_000, 10_000_000),
            storage_deposit_limit: u128::MAX,
            data: vec![],
        };
        chain.submit(Alice, call).unwrap();
        chain.next_block();
        show(&format!("long: {name}, validated"), &mut || measure(&mut chain, dest, &[]));
    }
    for (name, runtime) in operators().into_iter().chain(host_functions()).chain(every_function()) {
        show(name, &mut || measure_repeating(&mut chain, &runtime));
    }
    println!("worst {worst:.2}");
    if worst > 1.0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
