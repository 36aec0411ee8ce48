//! The kernels of `../shared/kernels`: results that other implementations gave too, and equal gas on every executor.

use gristmill::{Gas, Meter, Profile, Schedule};
use gristmill_tests::machine::{HostFn, Plan, Seen, executors};
use gristmill_tests::shared;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Kernel, function, argument, result (kernels/README.md).
const KERNELS: &[(&str, &str, u64, i64)] = &[
    ("fib", "run", 27, 196_418),
    ("sieve", "run", 1_000_000, 78_498),
    ("keccak256", "run", 1, -3_615_273_986_614_086_995),
    ("keccak256", "run", 2_000, 9_054_836_095_513_185_115),
    ("sha256", "run", 2_000, 8_147_644_248_282_884_604),
    ("blake2b", "run", 3_000, 2_861_360_929_331_021_765),
    ("mul256", "run", 20_000, 5_066_745_732_031_418_132),
    ("bnexp", "run", 0, 5),
    ("bnexp", "run", 20, 6_035_537_259_780_664_135),
    ("matmul", "run", 20, 5_078_916_206_592),
    ("xorshift", "run", 1_000_000, 3_357_891_843_028_049_562),
    ("memcopy", "run", 500, 124_728),
    ("wordcopy", "run", 500, -4_794_372_437_418_589_850),
    ("dispatch", "run", 0, 1),
    ("dispatch", "run", 500_000, 507_019_794),
    ("vm", "run", 0, 7),
    ("vm", "run", 100_000, 5_031_609_163_994_292_816),
    ("hostcall", "run", 200_000, 200_000_000),
    ("hostcall", "runmem", 1_000, 1_000),
    ("erc20", "run", 500, 500),
];

/// Storage of the token kernel.
type Slots = Arc<Mutex<HashMap<[u8; 32], [u8; 32]>>>;

fn word(memory: &[u8], at: u64) -> [u8; 32] {
    memory[at as usize..][..32].try_into().expect("32 bytes")
}

/// The host that the README describes, over `slots`.
fn host(name: &str, slots: Slots) -> HostFn {
    match name {
        "getGasLeft" => Arc::new(|_, _| vec![1_000]),
        "getCaller" => Arc::new(|memory, args| {
            (1..=20).zip(&mut memory[args[0] as usize..]).for_each(|(n, byte)| *byte = n);
            vec![]
        }),
        "getCallDataSize" => Arc::new(|_, _| vec![68]),
        "callDataCopy" => Arc::new(|memory, args| {
            let mut data = [0; 68];
            data[..4].copy_from_slice(&[0xa9, 0x05, 0x9c, 0xbb]);
            (0x90..=0xa3).zip(&mut data[16..36]).for_each(|(n, byte)| *byte = n);
            data[67] = 1;
            let (to, from, len) = (args[0] as usize, args[1] as usize, args[2] as usize);
            memory[to..to + len].copy_from_slice(&data[from..from + len]);
            vec![]
        }),
        "storageLoad" => Arc::new(move |memory, args| {
            let mut slots = slots.lock().expect("one thread");
            let mut first = [0; 32];
            first[16] = 0xff;
            let value = match slots.is_empty() {
                true => *slots.entry(word(memory, args[0])).or_insert(first),
                false => slots.get(&word(memory, args[0])).copied().unwrap_or_default(),
            };
            memory[args[1] as usize..][..32].copy_from_slice(&value);
            vec![]
        }),
        "storageStore" => Arc::new(move |memory, args| {
            slots.lock().expect("one thread").insert(word(memory, args[0]), word(memory, args[1]));
            vec![]
        }),
        _ => Arc::new(|_, _| vec![]),
    }
}

#[test]
fn results_and_gas_on_every_executor() {
    let Some(folder) = shared("kernels") else { return };
    for (kernel, function, n, result) in KERNELS {
        let bytes = std::fs::read(folder.join(kernel).with_extension("wasm")).expect("a readable kernel");
        let calls = [(function.to_string(), vec![*n])];
        let mut first: Option<(&str, Vec<Seen>)> = None;
        for (name, executor) in executors(Profile::general(), Schedule::V1) {
            let slots = Slots::default();
            let plan = Plan {
                profile: Profile::general(),
                schedule: Schedule::V1,
                meter: Meter::new(Gas(1 << 40)),
                bytes: &bytes,
                imports: &|_, name| host(name, slots.clone()),
                calls: &calls,
            };
            let mut seen = executor.run(&plan).expect("a valid module");
            assert_eq!(seen[1].end, Ok(vec![*result as u64]), "{kernel}.{function}({n}) on {name}");
            // Host calls by the hundred thousand: their number and gas are in what is left.
            seen.iter_mut().for_each(|s| s.trace.truncate(10));
            match &first {
                None => first = Some((name, seen)),
                Some((other, expected)) => assert_eq!(&seen, expected, "{kernel} on {name} and {other}"),
            }
        }
    }
}
