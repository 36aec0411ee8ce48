//! The kernels of `../shared/kernels`: results that other implementations gave too, and equal gas on every executor.

use gristmill::{Gas, Meter, Profile, Schedule};
use gristmill_tests::kernels::{Slots, host};
use gristmill_tests::machine::{Plan, Seen, executors};
use gristmill_tests::shared;

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
