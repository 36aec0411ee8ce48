//! A thousand generated modules from fixed seeds, over a sweep of gas limits: the executors must agree on everything.

use gristmill::{Fault, Gas, Meter, Particles, Profile, Schedule, Stop, Trap};
use gristmill_tests::deep;
use gristmill_tests::machine::{Executor, Plan, Seen, executors};
use gristmill_tests::smith::{calls, host, module};

/// Seeds of each profile.
const SEEDS: u64 = 500;

/// A meter with so many particles.
fn budget(particles: u64) -> Meter {
    let mut meter = Meter::new(Gas(particles.div_ceil(10_000)));
    meter.charge(Particles(particles.next_multiple_of(10_000) - particles)).expect("less than a gas of one more");
    meter
}

/// Counts of what happened, so that a generator that went silent is noticed.
#[derive(Debug, Default)]
struct Tally {
    valid: usize,
    returned: usize,
    trapped: usize,
    out_of_gas: usize,
    thrown: usize,
    host_calls: usize,
    runs: usize,
}

impl Tally {
    fn add(&mut self, seen: &[Seen]) {
        self.runs += 1;
        for seen in seen {
            match &seen.end {
                Ok(_) => self.returned += 1,
                Err(Stop::Trap(Trap::OutOfGas)) => self.out_of_gas += 1,
                Err(Stop::Trap(_)) => self.trapped += 1,
                Err(Stop::Exception) => self.thrown += 1,
                Err(_) => {}
            }
        }
        self.host_calls += seen.last().map_or(0, |s| s.trace.len());
    }
}

/// Runs on all executors and returns what all of them saw.
fn agree(executors: &[(&str, Executor)], plan: &Plan<'_>, what: &str) -> Option<Vec<Seen>> {
    let (first, executor) = &executors[0];
    let expected = executor.run(plan);
    for (name, executor) in &executors[1..] {
        let seen = executor.run(plan);
        if seen != expected {
            let differ =
                |(seen, expected): (&Seen, &Seen)| (seen != expected).then(|| format!("{seen:?}\n{expected:?}"));
            let pairs = seen.iter().flatten().zip(expected.iter().flatten());
            let at = pairs.enumerate().find_map(|(i, pair)| differ(pair).map(|text| format!("step {i}:\n{text}")));
            panic!(
                "{what}: {name} and {first} differ, {}",
                at.unwrap_or_else(|| "in the verdict or the number of steps".into())
            );
        }
    }
    expected
}

fn sweep(general: bool) {
    let profile = if general { Profile::general() } else { Profile::chain1() };
    let executors = [Schedule::Unit, Schedule::V1].map(|schedule| executors(profile, schedule));
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let Some(bytes) = module(general, seed) else { continue };
        let (schedule, executors) = match seed % 2 {
            0 => (Schedule::V1, &executors[1]),
            _ => (Schedule::Unit, &executors[0]),
        };
        let calls = calls(&bytes, &profile, schedule, seed);
        // Four pages and something to run with; a page is 1,024 and 14,336 gas.
        let most: u64 = if schedule == Schedule::V1 { 80_000_000 } else { 1_000_000_000 };
        let plan = |particles| Plan {
            profile,
            schedule,
            meter: budget(particles),
            bytes: &bytes,
            imports: &host,
            calls: &calls,
        };
        let what = |particles| format!("{} seed {seed} with {particles} particles", profile.name());
        let Some(whole) = agree(&executors[..], &plan(most), &what(most)) else { continue };
        tally.valid += 1;
        tally.add(&whole);
        let used = u128::from(most) - whole.last().map_or(0, |s| s.left);
        let used = u64::try_from(used).expect("not more than there was");
        for particles in [0, 1, used / 7, used / 3, used / 2, used - used / 10, used.saturating_sub(1), used] {
            let seen = agree(&executors[..], &plan(particles), &what(particles)).expect("valid as before");
            tally.add(&seen);
            // Whoever pays all gets all; a particle less is out of gas, wherever the last one went.
            let ends = |seen: &[Seen]| seen.iter().map(|s| s.end.clone()).collect::<Vec<_>>();
            if particles == used {
                assert_eq!(ends(&seen), ends(&whole), "{}", what(particles));
            } else if particles < used {
                let end = &seen.last().expect("at least one step").end;
                let spent = matches!(end, Err(Stop::Trap(Trap::OutOfGas) | Stop::Fault(Fault::Spent)));
                assert!(spent, "{}: {end:?}", what(particles));
            }
        }
    }
    println!("{}: {tally:?}", profile.name());
    assert!(tally.valid as u64 >= SEEDS * 9 / 10, "{tally:?}");
    assert!(tally.returned > 2_000 && tally.trapped > 500 && tally.out_of_gas > 500, "{tally:?}");
    assert!(tally.host_calls > 200 && (!general || tally.thrown > 20), "{tally:?}");
}

#[test]
fn general_modules() {
    deep(|| sweep(true));
}

#[test]
fn chain1_modules() {
    deep(|| sweep(false));
}
