//! Arguments that several commands share, and values of Wasm types as text.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gristmill::contract::Revision;
use gristmill::{Config, Dispatch, Engine, Exports, Gas, Pages, Profile, Proposal, Schedule, Val, ValType};
use gristmill_aot::{self as aot, Aot, Bounds, Cache, When};

use crate::key;
use crate::output::Failure;

/// `--dispatch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DispatchArg {
    /// What this build and machine run best
    #[default]
    Auto,
    /// One handler function an operator, each ending in a jump
    Tail,
    /// One function with a loop over all operators
    Loop,
}

impl From<DispatchArg> for Dispatch {
    fn from(arg: DispatchArg) -> Self {
        match arg {
            DispatchArg::Auto => Dispatch::Auto,
            DispatchArg::Tail => Dispatch::Tail,
            DispatchArg::Loop => Dispatch::Loop,
        }
    }
}

/// `--profile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileArg {
    /// Off-chain work: all that the engine knows
    General,
    /// Consensus: integers only, strict limits
    Chain1,
}

impl ProfileArg {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            ProfileArg::General => "general",
            ProfileArg::Chain1 => "chain1",
        }
    }
}

impl From<ProfileArg> for Profile {
    fn from(arg: ProfileArg) -> Self {
        match arg {
            ProfileArg::General => Profile::general(),
            ProfileArg::Chain1 => Profile::chain1(),
        }
    }
}

/// `--without`.
#[derive(Args, Clone, Debug, Default)]
pub struct WithoutArgs {
    /// Refuse modules that use these proposals: `simd`, `tail-call`, ...; with commas between them
    #[arg(long, value_delimiter = ',', value_parser = proposal, value_name = "PROPOSAL")]
    pub without: Vec<Proposal>,
}

impl WithoutArgs {
    /// The profile without them. `chain1` has none.
    pub fn of(&self, profile: impl Into<Profile>) -> Profile {
        self.without.iter().fold(profile.into(), |profile, proposal| profile.without(*proposal))
    }
}

/// `--exports`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportsArg {
    /// `memory` and `main`, nothing else
    Strict,
    /// At least these two
    Lenient,
}

impl ExportsArg {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            ExportsArg::Strict => "strict",
            ExportsArg::Lenient => "lenient",
        }
    }
}

impl From<ExportsArg> for Exports {
    fn from(arg: ExportsArg) -> Self {
        match arg {
            ExportsArg::Strict => Exports::Strict,
            ExportsArg::Lenient => Exports::Lenient,
        }
    }
}

/// `--tier`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TierArg {
    /// The interpreter
    #[default]
    Interp,
    /// Machine code, made when a module is loaded
    Aot,
    /// The interpreter, until machine code was made in the background
    Auto,
}

/// `--memory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryArg {
    /// How machine code keeps to the bounds.
    Bounds(Bounds),
    /// How much there may be.
    Most(Pages),
}

/// Reads `guard`, `check`, or an amount: pages, or KiB, MiB, GiB.
///
/// # Errors
/// None of these, or not whole pages.
pub fn memory(text: &str) -> Result<MemoryArg, String> {
    let bytes = |number: &str, unit: u64| number.parse::<u64>().ok()?.checked_mul(unit).filter(|b| b % (64 << 10) == 0);
    let most = match text {
        "guard" => return Ok(MemoryArg::Bounds(Bounds::Guard)),
        "check" => return Ok(MemoryArg::Bounds(Bounds::Check)),
        _ => [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 64 << 10)]
            .iter()
            .find_map(|(unit, size)| bytes(text.strip_suffix(unit)?.trim(), *size)),
    };
    let most = most.filter(|most| *most <= 1 << 32);
    most.map(|most| MemoryArg::Most(Pages::begun(most)))
        .ok_or_else(|| "`guard`, `check`, or an amount: pages of 64 KiB, or so many KiB, MiB, GiB up to 4 GiB".into())
}

/// Reads a time: a number with `ms`, `s` or `m`, seconds without.
///
/// # Errors
/// Not such a time.
pub fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1u64), ("s", 1_000), ("m", 60_000), ("", 1_000)];
    let time =
        units.iter().find_map(|(unit, size)| text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(*size));
    time.map(Duration::from_millis).ok_or_else(|| "a number with ms, s or m behind it".into())
}

/// What runs code. No choice here changes a result or a gas figure.
#[derive(Args, Clone, Debug, Default)]
pub struct TierArgs {
    /// What runs code; results and gas are the same
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub tier: TierArg,
    /// Back end of the interpreter; results and gas are the same
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    pub dispatch: DispatchArg,
    /// How machine code keeps to the bounds of memory, `guard` (reserved address space) or `check` (comparing): results and gas
    /// are the same. For `run`, an amount: how much memory there may be (`64MiB`, or pages)
    #[arg(long, alias = "memory-page-limit", value_parser = memory, value_name = "NAME|SIZE")]
    pub memory: Vec<MemoryArg>,
    /// Keep machine code in this folder, which must be yours alone, and take it from there
    #[arg(long, value_name = "FOLDER")]
    pub code_cache: Option<PathBuf>,
    /// Public key, in hex or a file: machine code inside of modules runs if it was signed with it
    #[arg(long, value_name = "KEY")]
    pub trust: Vec<String>,
    /// Tell Linux perf the names of functions with machine code, by /tmp/perf-PID.map
    #[arg(long)]
    pub perf_map: bool,
}

impl TierArgs {
    /// The word for it.
    pub const fn name(&self) -> &'static str {
        match self.tier {
            TierArg::Interp => "interp",
            TierArg::Aot => "aot",
            TierArg::Auto => "auto",
        }
    }

    /// How machine code keeps to the bounds of memory.
    pub fn bounds(&self) -> Bounds {
        let bounds = self.memory.iter().rev().find_map(|arg| match arg {
            MemoryArg::Bounds(bounds) => Some(*bounds),
            MemoryArg::Most(_) => None,
        });
        bounds.unwrap_or(Bounds::Guard)
    }

    /// How much memory there may be.
    pub fn most_memory(&self) -> Option<Pages> {
        self.memory.iter().rev().find_map(|arg| match arg {
            MemoryArg::Most(pages) => Some(*pages),
            MemoryArg::Bounds(_) => None,
        })
    }

    /// The compiler that was asked for.
    ///
    /// # Errors
    /// There is none for this machine; the cache cannot be opened, a key cannot be read.
    pub fn compiler(&self, when: When) -> Result<Arc<Aot>, Failure> {
        let cache = match &self.code_cache {
            None => None,
            Some(folder) => Some(Cache::open(folder).map_err(|e| Failure::host(e.to_string()).at(folder.display()))?),
        };
        let trusted = self.trust.iter().map(|text| key::public(text)).collect::<Result<_, _>>()?;
        // Half of the machine: what compiles takes nothing from what runs.
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() / 2);
        let bounds = self.bounds();
        Ok(Arc::new(Aot::new(aot::Options { when, cache, trusted, threads, perf_map: self.perf_map, bounds })?))
    }
}

/// How the engine runs code.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    #[command(flatten)]
    /// What runs code.
    pub tier: TierArgs,
    /// Price list: `v1`, `unit` (1 gas an operator) or `ewasm` (host functions only)
    #[arg(long, value_parser = schedule, default_value = "v1", value_name = "NAME")]
    pub schedule: Schedule,
}

impl EngineArgs {
    /// The engine that was asked for.
    ///
    /// # Errors
    /// This build has no such back end.
    pub fn engine(&self, profile: Profile) -> Result<Engine, Failure> {
        engine(profile, self.schedule, &self.tier)
    }
}

/// An engine of these three.
///
/// # Errors
/// This build has no such back end, or this machine no such tier; the code's cache cannot be opened, a key cannot be read.
pub fn engine(profile: Profile, schedule: Schedule, tier: &TierArgs) -> Result<Engine, Failure> {
    let when = match tier.tier {
        TierArg::Interp => return Ok(Engine::new(&config(profile, schedule, tier))?),
        TierArg::Aot => When::AtOnce,
        TierArg::Auto => When::Background,
    };
    Ok(Engine::with_compiler(&config(profile, schedule, tier), tier.compiler(when)?)?)
}

/// The configuration of such an engine.
pub fn config(profile: Profile, schedule: Schedule, tier: &TierArgs) -> Config {
    let mut config = Config::new();
    config.profile(profile).schedule(schedule).dispatch(tier.dispatch.into());
    config
}

/// Reads the name of a schedule.
///
/// # Errors
/// There is none of that name.
pub fn schedule(text: &str) -> Result<Schedule, String> {
    let names = || Schedule::ALL.map(Schedule::name).join(", ");
    Schedule::from_name(text).ok_or_else(|| format!("the schedules are {}", names()))
}

/// Reads the name of a proposal.
///
/// # Errors
/// There is none of that name.
pub fn proposal(text: &str) -> Result<Proposal, String> {
    let names = || Proposal::ALL.iter().map(|proposal| proposal.name()).collect::<Vec<_>>().join(", ");
    Proposal::from_name(text).ok_or_else(|| format!("the proposals are {}", names()))
}

/// Reads the name of a revision, case ignored.
///
/// # Errors
/// There is none of that name.
pub fn revision(text: &str) -> Result<Revision, String> {
    let names = || Revision::ALL.map(Revision::name).join(", ");
    Revision::from_name(text).ok_or_else(|| format!("the revisions are {}", names()))
}

/// Reads an amount of gas; underscores are fine.
///
/// # Errors
/// Not a number of at most 63 bits.
pub fn gas(text: &str) -> Result<Gas, String> {
    match text.replace('_', "").parse::<i64>() {
        Ok(gas) if gas >= 0 => Ok(Gas(gas as u64)),
        _ => Err("not a number between 0 and 2^63 - 1".into()),
    }
}

/// Reads a whole file, standard input for `-`.
///
/// # Errors
/// It cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| Failure::host(format!("standard input: {e}")))?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(|e| Failure::host(e.to_string()).at(path.display()))
}

/// Reads a module, `.wat` text turned into bytes; other bytes come as they are.
///
/// # Errors
/// The file cannot be read, or is text that does not parse.
pub fn read_module(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = read_file(path)?;
    if !is_text(path, &bytes) {
        return Ok(bytes);
    }
    wat::parse_bytes(&bytes)
        .map(|bytes| bytes.into_owned())
        .map_err(|e| Failure::refused(e.to_string()).at(path.display()).with("rule", "text"))
}

/// Text by its name, or by how it begins where the name says nothing (standard input).
fn is_text(path: &Path, bytes: &[u8]) -> bool {
    path.extension().is_some_and(|e| e == "wat") || matches!(bytes.trim_ascii_start(), [b'(', ..] | [b';', b';', ..])
}

/// All files under `paths` that `wanted` likes, sorted; a file named by itself is always wanted.
///
/// # Errors
/// A path does not exist.
pub fn find_files(paths: &[PathBuf], wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let at = |e: std::io::Error| Failure::host(e.to_string()).at(path.display());
        if std::fs::metadata(path).map_err(at)?.is_dir() {
            walk(path, wanted, &mut found).map_err(at)?;
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, wanted, found)?;
        } else if wanted(&entry) {
            found.push(entry);
        }
    }
    Ok(())
}

/// Reads a value of a Wasm type: integers signed, unsigned or in hex, floats in decimal (`nan`, `inf`), vectors
/// as the number of their bits, unsigned or in hex, references `null`.
///
/// # Errors
/// Not a value of that type.
pub fn parse_value(text: &str, ty: ValType) -> Result<Val, String> {
    let plain = text.replace('_', "");
    let value = match ty {
        ValType::I32 => integer(&plain, 32).map(|v| Val::I32(v as i32)),
        ValType::I64 => integer(&plain, 64).map(|v| Val::I64(v as i64)),
        ValType::F32 => plain.parse::<f32>().ok().map(|v| Val::F32(v.to_bits())),
        ValType::F64 => plain.parse::<f64>().ok().map(|v| Val::F64(v.to_bits())),
        ValType::V128 => bits(&plain).map(Val::V128),
        ValType::Ref(_) => (text == "null").then_some(Val::default(ty)),
    };
    value.ok_or_else(|| format!("`{text}` is not a value of type {ty}"))
}

/// Two's complement of `bits` bits, zero-extended: anything from -2^(bits-1) to 2^bits - 1.
fn integer(text: &str, bits: u32) -> Option<u64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse::<u64>(),
    };
    let magnitude = i128::from(magnitude.ok()?);
    let value = if negative { -magnitude } else { magnitude };
    let fits = value >= -(1 << (bits - 1)) && value < (1 << bits);
    fits.then_some(value as u64 & (u64::MAX >> (64 - bits)))
}

/// An unsigned number of 128 bits.
fn bits(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A value as text: integers signed, floats as Rust writes them, vectors in hex with lane 0 last.
pub fn value_text(value: &Val) -> String {
    match value {
        Val::I32(v) => v.to_string(),
        Val::I64(v) => v.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(bits) => format!("{bits:#034x}"),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => "null".into(),
        Val::FuncRef(Some(_)) => "funcref".into(),
        Val::ExternRef(Some(_)) => "externref".into(),
        Val::ExnRef(Some(_)) => "exnref".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str, ty: ValType) -> Result<String, String> {
        parse_value(text, ty).map(|v| value_text(&v))
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, ty) in [
            ("4294967296", ValType::I32),
            ("-2147483649", ValType::I32),
            ("18446744073709551616", ValType::I64),
            ("-9223372036854775809", ValType::I64),
            ("0x1ffffffff", ValType::I32),
            ("1.5", ValType::I64),
            ("", ValType::I32),
            ("-", ValType::I32),
            ("one", ValType::F64),
            ("5", ValType::EXTERNREF),
            ("-1", ValType::V128),
            ("0x100000000000000000000000000000000", ValType::V128),
        ] {
            assert!(text_of(text, ty).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_read_and_written() {
        for (text, ty, expected) in [
            ("4294967295", ValType::I32, "-1"),
            ("-2147483648", ValType::I32, "-2147483648"),
            ("0xFFFFFFFFFFFFFFFF", ValType::I64, "-1"),
            ("-9223372036854775808", ValType::I64, "-9223372036854775808"),
            ("1_000", ValType::I32, "1000"),
            ("-0x10", ValType::I32, "-16"),
            ("1.5", ValType::F32, "1.5"),
            ("-0", ValType::F64, "-0"),
            ("nan", ValType::F64, "NaN"),
            ("null", ValType::FUNCREF, "null"),
            ("0x1_0000000000000000", ValType::V128, "0x00000000000000010000000000000000"),
            ("255", ValType::V128, "0x000000000000000000000000000000ff"),
        ] {
            assert_eq!(text_of(text, ty).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn gas_is_a_non_negative_number() {
        assert_eq!(gas("30_000_000"), Ok(Gas(30_000_000)));
        assert!(gas("-1").is_err());
        assert!(gas("9223372036854775808").is_err());
    }
}
