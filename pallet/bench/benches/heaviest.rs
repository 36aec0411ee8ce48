//! The heaviest contracts by weight, inside the runtime's Wasm: how much of the time that their weight stands for they take.
//!
//! `cargo bench -p gristmill-pallet-bench --bench heaviest`. Above 1.00 a block could take longer than its weight says; the
//! exit code is 1 then.

use frame_support::weights::Weight;
use gristmill_pallet_bench::blob;
use gristmill_pallet_tests::Chain;
use gristmill_pallet_tests::contracts::{contract, deployer};
use pallet_gristmill::gristmill::contract::eei::Eei;
use pallet_gristmill::gristmill::contract::{Address, create_address};
use pallet_gristmill::gristmill::{ApiRow, HostApi};
use pallet_gristmill::{AccountId32Mapper, AddressMapper, ContractResult, ExecReturnValue, GenesisAccount};
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::BuildStorage;
use std::process::ExitCode;
use std::time::Instant;

/// Runs of each; the fastest counts, for noise only adds.
const RUNS: usize = 5;

/// What a contract of the interface's functions repeats for ever, by name. Local 0 counts down.
fn operators() -> Vec<(&'static str, String)> {
    let repeat = |name, body: &str| {
        let again = "(br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))";
        let module = format!(
            r#"(module
                (memory (export "memory") 1)
                (table 2 funcref) (elem (i32.const 0) $f $g)
                (global $global (mut i64) (i64.const 0))
                (func $f) (func $g (param i64 i64 i64 i64) (result i64) (local i64 i64 i64 i64) (local.get 0))
                (func (export "main") (local i32 i32 i32 i32 i64 i64)
                  (loop $l {body} {again})))"#
        );
        (name, module)
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

/// The same with a function of the interface.
fn host_functions() -> Vec<(&'static str, String)> {
    let repeat = |name, body: &str| (name, contract(&format!("(loop $l {body} (br $l))")));
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
            "(if (call $size) (then (return))) (call $address (i32.const 0))
             (drop (call $call (i64.const 5000) (i32.const 0) (i32.const 900) (i32.const 0) (i32.const 1)))",
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

/// Every function of the interface that comes back, with zeros for arguments.
fn every_function() -> Vec<(&'static str, String)> {
    let others = ["finish", "revert", "selfDestruct"];
    let rows = Eei::rows().iter().filter(|row| row.module == "ethereum" && !others.contains(&row.name));
    let repeat = |row: &'static ApiRow| {
        let types: String = row.params.iter().map(|(_, ty)| format!(" {ty:?}")).collect();
        let zeros: String = row.params.iter().map(|(_, ty)| format!(" ({ty:?}.const 0)")).collect();
        let (result, drop) = row.result.map_or((String::new(), ""), |ty| (format!("(result {ty:?})"), "drop"));
        let module = format!(
            r#"(module (import "ethereum" "{}" (func $f (param{types}) {result})) (memory (export "memory") 1)
                 (func (export "main") (loop $l (call $f{zeros}) {drop} (br $l))))"#,
            row.name
        );
        (row.name, module)
    };
    rows.map(repeat).collect()
}

/// Contracts that take long to load: as many functions as can be, each called once. As many as one transaction can validate.
const LONG: u32 = 12;

fn long_address(number: u32) -> Address {
    let mut address = Address::repeat_byte(0);
    address.0[..4].copy_from_slice(&number.to_le_bytes());
    address.0[19] = 0x77;
    address
}

fn long(number: u32) -> Vec<u8> {
    let functions = 9_900;
    let calls: String = (0..functions).map(|function| format!("(call {function})")).collect();
    wat::parse_str(format!(
        r#"(module {} (memory (export "memory") 1) (data (i32.const 0) "{number}") (func (export "main") {calls}))"#,
        "(func)".repeat(functions)
    ))
    .expect("a module")
}

/// Calls each of them.
fn caller_of_long() -> String {
    contract(&format!(
        "(local $i i32) (i32.store8 (i32.const 19) (i32.const 0x77))
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
    let module = contract(&format!(
        "(i32.store8 (i32.const 19) (i32.const {number}))
         (loop $l (drop (call $static (i64.const {gas}) (i32.const 0) (i32.const 64) (i32.const {length}))) (br $l))"
    ));
    let end = module.rfind(')').expect("a module");
    (name, format!("{} (data (i32.const 64) \"{data}\"))", &module[..end]))
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

/// Seconds, and the seconds that the weight stands for.
fn measure(chain: &mut Chain, runtime: &str) -> (f64, f64) {
    let dest = deploy(chain, runtime);
    measure_at(chain, dest)
}

fn measure_at(chain: &mut Chain, dest: Address) -> (f64, f64) {
    let none = None::<Weight>;
    let sender = Alice.to_account_id();
    let mut best = (f64::MAX, 1.0);
    for _ in 0..RUNS {
        let start = Instant::now();
        let result: ContractResult<ExecReturnValue, u128> =
            chain.call("GristmillApi_call", &(sender.clone(), dest, 0u128, none, None::<u128>, Vec::<u8>::new()));
        let time = start.elapsed().as_secs_f64();
        if time < best.0 {
            best = (time, result.weight_consumed.ref_time() as f64 / 1e12);
        }
    }
    best
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
    let account = |number| GenesisAccount { code: long(number), ..Default::default() };
    config.contracts.accounts.extend((0..LONG).map(|number| (long_address(number), account(number))));
    let storage = config.build_storage().expect("the genesis builds");
    let mut chain = Chain::with_storage(blob("gristmill-demo-runtime"), storage);
    println!("seconds, seconds by weight, share: contracts that use all the weight of a transaction");
    let mut worst = 0.0f64;
    let mut show = |name: &str, (time, weight): (f64, f64)| {
        println!("{name:28} {time:7.3} {weight:7.3} {:5.2}", time / weight);
        worst = worst.max(time / weight);
    };
    let dest = deploy(&mut chain, &caller_of_long());
    show("long contracts, not validated", measure_at(&mut chain, dest));
    let call = pallet_gristmill::Call::<gristmill_pallet_tests::Runtime>::call {
        dest,
        value: 0,
        weight_limit: Weight::from_parts(4_000_000_000_000, 10_000_000),
        storage_deposit_limit: u128::MAX,
        data: vec![],
    };
    chain.submit(Alice, call).unwrap();
    chain.next_block();
    show("long contracts, validated", measure_at(&mut chain, dest));
    for (name, runtime) in operators().into_iter().chain(host_functions()).chain(every_function()) {
        show(name, measure(&mut chain, &runtime));
    }
    println!("worst {worst:.2}");
    if worst > 1.0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
