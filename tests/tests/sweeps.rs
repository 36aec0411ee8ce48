//! Gas limits one by one: kernels at every particle from what instantiation takes, contracts at limits around every host call, state
//! tests under every price list. Whatever can be seen is the same in every tier and in the naive executor.

use gristmill::contract::{Host, HostCall, KeccakAt9, Message, Observer, Options, Outcome, Refunds, Revision, Vm};
use gristmill::{Gas, Meter, Module, Particles, Profile, Schedule};
use gristmill_cli::suite::scenario::{self, PairReport, SuiteFile};
use gristmill_cli::suite::statetest;
use gristmill_tests::kernels::{Slots, host};
use gristmill_tests::machine::{Executor, Plan, run_module};
use gristmill_tests::{deep, engines, shared, vms};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Kernel, function, and a small argument.
const KERNELS: &[(&str, &str, u64)] = &[
    ("fib", "run", 4),
    ("sieve", "run", 30),
    ("keccak256", "run", 1),
    ("sha256", "run", 1),
    ("blake2b", "run", 1),
    ("mul256", "run", 1),
    ("bnexp", "run", 0),
    ("matmul", "run", 2),
    ("xorshift", "run", 3),
    ("memcopy", "run", 1),
    ("wordcopy", "run", 1),
    ("dispatch", "run", 3),
    ("vm", "run", 2),
    ("hostcall", "run", 3),
    ("hostcall", "runmem", 2),
    ("erc20", "run", 1),
];

/// Particles from the end of instantiation on that are tried one by one: a few of the dearest blocks.
const EACH: u64 = 1_500;

/// Limits between those and the end, and right before the end.
const BETWEEN: u64 = 40;
const LAST: u64 = 20;

/// A meter with so many particles.
fn budget(particles: u64) -> Meter {
    let mut meter = Meter::new(Gas(particles.div_ceil(10_000)));
    meter.charge(Particles(particles.next_multiple_of(10_000) - particles)).expect("less than a gas of one more");
    meter
}

#[test]
fn kernels_at_every_limit() {
    const MOST: u64 = 1 << 50;
    let Some(folder) = shared("kernels") else { return };
    let engines = engines(Profile::general(), Schedule::V1);
    let engines = engines
        .into_iter()
        .filter(|(name, _)| ["loop", "tail", "aot, check", "aot, guard"].contains(name))
        .collect::<Vec<_>>();
    let mut runs = 0;
    for (kernel, function, n) in KERNELS {
        let bytes = std::fs::read(folder.join(kernel).with_extension("wasm")).expect("a readable kernel");
        let modules: Vec<_> =
            engines.iter().map(|(name, engine)| (*name, Module::new(engine, &bytes).expect("valid"))).collect();
        let calls = [(function.to_string(), vec![*n])];
        let mut at = |particles: u64| {
            let run = |by: &dyn Fn(&Plan<'_>) -> Vec<gristmill_tests::machine::Seen>| {
                let slots = Slots::default();
                by(&Plan {
                    profile: Profile::general(),
                    schedule: Schedule::V1,
                    meter: budget(particles),
                    bytes: &bytes,
                    imports: &|_, name| host(name, slots.clone()),
                    calls: &calls,
                })
            };
            let expected = run(&|plan| Executor::Reference.run(plan).expect("valid"));
            for (name, module) in &modules {
                let seen = run(&|plan| run_module(module, plan, &[], 0));
                assert_eq!(seen, expected, "{kernel} on {name} with {particles} particles");
            }
            runs += 1;
            expected
        };
        let whole = at(MOST);
        assert!(whole[1].end.is_ok(), "{kernel}: {:?}", whole[1].end);
        let spent = |step: usize| u64::try_from(u128::from(MOST) - whole[step].left).expect("not more than there was");
        let (start, end) = (spent(0), spent(1));
        (start.saturating_sub(2)..end.min(start + EACH)).for_each(|particles| drop(at(particles)));
        (0..BETWEEN).for_each(|step| drop(at(start + (end - start) * step / BETWEEN)));
        (end.saturating_sub(LAST)..=end + 1).for_each(|particles| drop(at(particles)));
    }
    assert!(runs > 10_000, "{runs}");
}

/// Host calls as text.
#[derive(Default)]
struct Trace(Mutex<Vec<String>>);

impl Trace {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("one thread"))
    }
}

impl Observer for Trace {
    fn host_call(&self, call: &HostCall<'_>) {
        let line = format!("{} {}{:?} {} {}", call.depth, call.name, call.args, call.gas_before.0, call.gas_after.0);
        self.0.lock().expect("one thread").push(line);
    }
}

/// A VM for outermost messages of a bounded gas, whatever they come with.
struct Limited<'a> {
    vm: &'a dyn Vm,
    gas: i64,
}

impl Vm for Limited<'_> {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        let gas = if message.depth == 0 { message.gas.min(self.gas) } else { message.gas };
        self.vm.execute(host, revision, &Message { gas, ..*message }, code)
    }

    fn execute_shared(
        &self,
        host: &mut dyn Host,
        revision: Revision,
        message: &Message<'_>,
        code: &Arc<[u8]>,
    ) -> Outcome {
        let gas = if message.depth == 0 { message.gas.min(self.gas) } else { message.gas };
        self.vm.execute_shared(host, revision, &Message { gas, ..*message }, code)
    }
}

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        match path.is_dir() {
            true => found.extend(files(&path, wanted)),
            false => found.extend(Some(path).filter(|path| wanted(path))),
        }
    }
    found.sort();
    found
}

/// Limits for the outermost messages of a scenario whose host calls are in `trace`, made with `most` gas: small ones, and those
/// at which gas is gone right before, at and behind a host call; at most `count` of these, spread.
fn limits(trace: &[String], most: i64, count: usize) -> Vec<i64> {
    let outer = trace.iter().filter(|line| line.starts_with("0 "));
    let number = |text: &str| text.parse::<i64>().expect("a line ends in two figures");
    let mut used: Vec<i64> = outer
        .flat_map(|line| line.rsplit(' ').take(2).map(number).collect::<Vec<_>>())
        .map(|left| most - left)
        .collect();
    used.sort_unstable();
    used.dedup();
    let step = used.len().div_ceil(count).max(1);
    let around = used.iter().step_by(step).flat_map(|used| [used - 1, *used, used + 1]);
    [0, 1, 2, 3, 100, 1_024, 1_025].into_iter().chain(around).filter(|limit| *limit >= 0).collect()
}

#[test]
fn contracts_around_every_host_call() {
    const MOST: i64 = 2_000_000_000;
    let Some(folder) = shared("contracts") else { return };
    deep(move || {
        let (schedule, trace) = (Schedule::V1, Arc::new(Trace::default()));
        let options = Options { observer: Some(trace.clone()), ..scenario::options(schedule) };
        let vms = vms(schedule, &options);
        let vms: Vec<_> = vms
            .into_iter()
            .filter(|(name, _)| ["loop", "aot, check", "aot, guard", "reference"].contains(name))
            .collect();
        let (mut runs, mut failed) = (0, 0);
        for path in files(&folder, &SuiteFile::is_named) {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let SuiteFile::Scenario(scenario) = SuiteFile::parse(&text).expect("a suite") else { continue };
            let folder = path.parent().expect("a file is in a folder");
            for build in &scenario.wasm {
                let run = |vm: &dyn Vm, gas: i64| -> (PairReport, Vec<String>) {
                    let report = scenario.run(&Limited { vm, gas }, Revision::Byzantium, folder, build);
                    (report.expect("a scenario that was run before"), trace.take())
                };
                let (_, whole) = run(&*vms[0].1, MOST);
                for gas in limits(&whole, MOST, 8) {
                    let (_, first) = &vms[0];
                    let expected = run(&**first, gas);
                    failed += usize::from(!expected.0.passed());
                    for (name, vm) in &vms[1..] {
                        let seen = run(&**vm, gas);
                        assert_eq!(seen, expected, "{} by {} on {name} with {gas}", scenario.name, build.id);
                    }
                    runs += 1;
                }
            }
        }
        println!("{runs} runs, {failed} of them short of gas");
        assert!(runs > 500 && failed > 300, "{runs} runs, {failed} of them short of gas");
    });
}

#[test]
fn state_tests_on_every_executor() {
    let Some(folder) = shared("conformance/ewasm-state/tests") else { return };
    deep(move || {
        let (mut cases, mut executors) = (0, 0);
        for schedule in [Schedule::Ewasm, Schedule::V1] {
            let trace = Arc::new(Trace::default());
            let options = Options { keccak_at_9: KeccakAt9::Auto, observer: Some(trace.clone()), ..Options::default() };
            let vms = vms(schedule, &options);
            executors += vms.len();
            let terms = statetest::Terms { schedule, refunds: Refunds::FromVm };
            for path in files(&folder, &|path| path.extension().is_some_and(|extension| extension == "json")) {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                for (name, test) in statetest::parse(&text).expect("a state test") {
                    let mut first: Option<(&str, Vec<String>)> = None;
                    for (executor, vm) in &vms {
                        let reports = test.run(&name, &**vm, terms, &|_| true, None).expect("a state test");
                        cases += reports.len();
                        let ends = reports.iter().map(|report| {
                            let statetest::CaseReport { fork, index, skipped, error, root, ended, gas_used, .. } =
                                report;
                            assert!(schedule != Schedule::Ewasm || error.is_none(), "{name} on {executor}: {error:?}");
                            format!("{fork} {index} {skipped:?} {error:?} {root:?} {ended} {gas_used}")
                        });
                        let mut seen: Vec<_> = ends.collect();
                        seen.extend(trace.take());
                        match &first {
                            None => first = Some((executor, seen)),
                            Some((other, expected)) => assert_eq!(&seen, expected, "{name} on {executor} and {other}"),
                        }
                    }
                }
            }
        }
        assert!(cases >= 150 * executors, "{cases}");
    });
}
