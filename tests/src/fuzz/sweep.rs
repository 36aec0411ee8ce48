//! Runs a target over its corpus and over mutations of it: fuzzing without a fuzzer, the same on every run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a sweep did.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// Files of the corpus.
    pub seeds: usize,
    /// Times that the target ran.
    pub executions: usize,
}

/// Mutations that are run however long they take.
const LEAST: usize = 100;

/// Runs `target` over the files of `corpus` and then, for `time`, and a hundred times at least, over mutations of them.
///
/// # Errors
/// The corpus cannot be read or is empty, or the target panicked; the text holds the input as hex.
pub fn sweep(target: fn(&[u8]), corpus: &Path, time: Duration) -> Result<Sweep, String> {
    let mut files: Vec<_> = std::fs::read_dir(corpus)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|e| format!("{}: {e}", corpus.display()))?;
    // The order of a folder is the file system's; ours is by name.
    files.sort();
    let seeds: Vec<Vec<u8>> =
        files.iter().map(std::fs::read).collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", corpus.display()))?;
    if seeds.is_empty() {
        return Err(format!("{}: empty", corpus.display()));
    }
    let mut done = Sweep { seeds: seeds.len(), executions: 0 };
    let mut once = |input: &[u8]| {
        done.executions += 1;
        catch_unwind(AssertUnwindSafe(|| target(input))).map_err(|_| {
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("the target panicked on {hex}")
        })
    };
    seeds.iter().try_for_each(|seed| once(seed))?;
    let start = Instant::now();
    let mut random = Random(0x6772_6973_746d_696c);
    let mut mutations = 0;
    while mutations < LEAST || start.elapsed() < time {
        mutations += 1;
        let seed = &seeds[random.below(seeds.len())];
        let other = &seeds[random.below(seeds.len())];
        once(&random.mutate(seed, other))?;
    }
    Ok(done)
}

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    /// `seed` with one to eight changes: bits and bytes, pieces cut, repeated, or taken from `other`, the end cut off.
    fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len() + 1);
            let len = self.below(32).min(bytes.len() - at);
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.next() as u8,
                2 if at < bytes.len() => bytes[at] = *[0, 1, 0x7f, 0x80, 0xff].get(self.below(5)).unwrap_or(&0),
                3 => drop(bytes.drain(at..at + len)),
                4 => {
                    let piece = bytes[at..at + len].to_vec();
                    bytes.splice(at..at, piece);
                }
                5 => {
                    let from = self.below(other.len() + 1);
                    let piece = &other[from..other.len().min(from + 64)];
                    bytes.splice(at..at + len, piece.iter().copied());
                }
                _ if self.below(8) == 0 => bytes.truncate(at),
                _ => {}
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_the_input() {
        let folder = std::env::temp_dir().join(format!("gristmill-sweep-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("seed"), b"ab").unwrap();
        let fine = sweep(|_| {}, &folder, Duration::from_millis(20)).unwrap();
        assert!(fine.seeds == 1 && fine.executions > LEAST);
        let error = sweep(|bytes| assert_ne!(bytes, b"ab"), &folder, Duration::ZERO).unwrap_err();
        assert!(error.ends_with("6162"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(sweep(|_| {}, &folder, Duration::ZERO).is_err());
    }
}
