//! Contenders that take turns: A B C A B C, so that a slow minute of the machine hits all of them alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Something to time: a name and a piece of work that checks its own result.
pub struct Contender<'a> {
    /// Column of the table.
    pub name: String,
    /// Does so many units of work and says how long they took.
    turn: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender in this process; `work` is one unit.
    pub fn new(name: impl Into<String>, mut work: impl FnMut() + 'a) -> Self {
        Self::turns(name, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(&mut work)();
            }
            start.elapsed()
        })
    }

    /// A contender in this process that does so many units of work at once, and one at least.
    pub fn many(name: impl Into<String>, mut work: impl FnMut(u64) + 'a) -> Self {
        Self::turns(name, move |times| {
            let start = Instant::now();
            work(times.max(1));
            start.elapsed()
        })
    }

    /// A contender that takes its own time.
    pub fn turns(name: impl Into<String>, turn: impl FnMut(u64) -> Duration + 'a) -> Self {
        Self { name: name.into(), turn: Box::new(turn) }
    }
}

/// The times of one contender, in nanoseconds a unit of work, one a round.
#[derive(Clone, Debug)]
pub struct Times {
    /// The contender.
    pub name: String,
    /// One figure a round.
    pub rounds: Vec<f64>,
}

impl Times {
    /// The middle figure.
    pub fn median(&self) -> f64 {
        median(&self.rounds)
    }

    /// The least figure.
    pub fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median of the ratios to `base`, round by round: both figures of a ratio were taken side by side.
    pub fn ratio(&self, base: &Times) -> f64 {
        median(&self.rounds.iter().zip(&base.rounds).map(|(a, b)| a / b).collect::<Vec<_>>())
    }

    /// The ratio of the least figures: what noise, which only ever adds, leaves alone.
    pub fn least_ratio(&self, base: &Times) -> f64 {
        self.least() / base.least()
    }
}

/// The middle of `values`, the mean of the two middle ones when their number is even; NaN without any.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// The geometric mean; NaN without values.
pub fn geomean(values: &[f64]) -> f64 {
    (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns of every contender.
    pub rounds: usize,
    /// Least length of a turn.
    pub turn: Duration,
}

/// Times all contenders in turns. Each first runs once unmeasured, and then often enough to fill a turn. An eighth of a turn
/// more comes before it, unmeasured: caches and the allocator's lists are not as the contender before left them.
pub fn interleave(contenders: &mut [Contender<'_>], effort: Effort) -> Vec<Times> {
    let counts: Vec<u64> = contenders
        .iter_mut()
        .map(|c| {
            (c.turn)(1);
            let mut times = 1;
            loop {
                let took = (c.turn)(times);
                if took >= effort.turn {
                    break times;
                }
                let aim = effort.turn.as_nanos() as f64 * 1.1 / (took.as_nanos().max(1) as f64);
                times = (times as f64 * aim.clamp(1.5, 100.0)).ceil() as u64;
            }
        })
        .collect();
    let mut all: Vec<Times> =
        contenders.iter().map(|c| Times { name: c.name.clone(), rounds: Vec::with_capacity(effort.rounds) }).collect();
    for _ in 0..effort.rounds {
        for ((contender, &count), times) in contenders.iter_mut().zip(&counts).zip(&mut all) {
            (contender.turn)(count / 8);
            times.rounds.push((contender.turn)(count).as_nanos() as f64 / count as f64);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_means() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!((geomean(&[2.0, 8.0]) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn contenders_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let effort = Effort { rounds: 3, turn: Duration::ZERO };
        let mut contenders = [
            Contender::new("a", || order.borrow_mut().push('a')),
            Contender::new("b", || order.borrow_mut().push('b')),
        ];
        let times = interleave(&mut contenders, effort);
        drop(contenders);
        assert!(order.borrow().ends_with("ababab"), "{}", order.borrow());
        assert_eq!(times[1].rounds.len(), 3);
    }
}
