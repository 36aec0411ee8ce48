//! Options of the plugin: one row each.

use crate::plugin::report::Report;
use gristmill::contract::{Compat, Evm1, Ewasm, KeccakAt9, Options};
use gristmill::{Config, Dispatch, Engine, Error, Exports, Pages, Profile, Schedule};
use gristmill_aot::{Aot, Bounds, When};
use gristmill_chain::CodeCache;
use std::sync::Arc;

/// What options set. One value for all executions that begin after it was set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    schedule: Schedule,
    keccak_at_9: KeccakAt9,
    compat: Compat,
    exports: Exports,
    evm1: Evm1,
    beyond: bool,
    debug: bool,
    dispatch: Dispatch,
    /// When machine code is made; `None`: never.
    compiled: Option<When>,
    /// Threads that make it in the background.
    threads: usize,
    /// How machine code keeps to the bounds of memory.
    bounds: Bounds,
    /// Pages of a contract's memory.
    memory: Pages,
    cache: usize,
    pub(crate) verbose: u8,
    pub(crate) benchmark: bool,
    /// Whether the host's ABI has all that the functions beyond the interface ask for.
    transient: bool,
}

impl Settings {
    /// The defaults, for hosts whose ABI has transient storage or not.
    pub fn new(transient: bool) -> Self {
        Self {
            schedule: Schedule::V1,
            keccak_at_9: KeccakAt9::Auto,
            compat: Compat::Standard,
            exports: Exports::Strict,
            evm1: Evm1::Fallback,
            beyond: false,
            debug: false,
            dispatch: Dispatch::Auto,
            compiled: None,
            threads: 1,
            bounds: Bounds::Check,
            memory: Profile::chain1().run.memory,
            cache: CodeCache::DEFAULT_BYTES,
            verbose: 0,
            benchmark: false,
            transient,
        }
    }
}

/// One option.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its values: words between bars, or a kind of value in angle brackets. The default comes first.
    pub values: &'static str,
    /// What it does.
    pub about: &'static str,
    set: fn(&mut Settings, &str) -> Option<()>,
}

/// All options, those of hera under its names where they mean the same.
pub const ROWS: &[Row] = &[
    row(
        "engine",
        "interp|aot|auto",
        "what runs code: the interpreter, machine code, the one until there is the other",
        |s, v| {
            let words = [("interp", None), ("aot", Some(When::AtOnce)), ("auto", Some(When::Background))];
            put(&mut s.compiled, word(v, &words))
        },
    ),
    row("threads", "<number>", "threads that make machine code while engine=auto interprets, 1 to 64", |s, v| {
        put(&mut s.threads, digits(v).filter(|threads| (1..=64).contains(threads)))
    }),
    row("gas-schedule", "v1|unit|ewasm", "the price list", |s, v| put(&mut s.schedule, Schedule::from_name(v))),
    row("metering", "true|false", "v1 or ewasm as price list; of this and gas-schedule the last one counts", |s, v| {
        put(&mut s.schedule, word(v, &[("true", Schedule::V1), ("false", Schedule::Ewasm)]))
    }),
    row("keccak-at-9", "auto|on|off", "whether static calls to address 9 are keccak256", |s, v| {
        let words = [("auto", KeccakAt9::Auto), ("on", KeccakAt9::On), ("off", KeccakAt9::Off)];
        put(&mut s.keccak_at_9, word(v, &words))
    }),
    row("compat", "standard|ssvm", "whose habits are followed", |s, v| {
        put(&mut s.compat, word(v, &[("standard", Compat::Standard), ("ssvm", Compat::Ssvm)]))
    }),
    row("exports", "strict|lenient", "whether contracts may export more than memory and main", |s, v| {
        put(&mut s.exports, word(v, &[("strict", Exports::Strict), ("lenient", Exports::Lenient)]))
    }),
    row("features", "none|beyond", "whether functions link that no other VM has; not below ABI 11", |s, v| {
        let beyond = word(v, &[("none", false), ("beyond", true)]);
        put(&mut s.beyond, beyond.filter(|beyond| s.transient || !beyond))
    }),
    row("evm1mode", "fallback|reject", "whether code that is not Wasm is REJECTED or a FAILURE", |s, v| {
        put(&mut s.evm1, word(v, &[("fallback", Evm1::Fallback), ("reject", Evm1::Reject)]))
    }),
    row("debug", "false|true", "whether the module debug links; it prints to standard error", |s, v| {
        put(&mut s.debug, word(v, &[("false", false), ("true", true)]))
    }),
    row("dispatch", "auto|tail|loop", "back end of the interpreter", |s, v| {
        put(&mut s.dispatch, Dispatch::from_name(v))
    }),
    row(
        "memory",
        "check|guard",
        "bounds by comparing, or by guard pages and signal handlers, with engine=aot|auto",
        |s, v| put(&mut s.bounds, word(v, &[("check", Bounds::Check), ("guard", Bounds::Guard)])),
    ),
    row("max-memory-pages", "<pages>", "pages that a memory may have, at most 256; part of consensus", |s, v| {
        put(&mut s.memory, digits(v).map(Pages).filter(|pages| *pages <= Profile::chain1().run.memory))
    }),
    row("cache", "<bytes>", "contracts that are kept loaded, by their size and 4096 each", |s, v| {
        put(&mut s.cache, digits(v))
    }),
    row(
        "verbose",
        "0|1|2|3|4",
        "standard error tells: 1 caught panics, 2 failures, 3 messages, 4 host calls",
        |s, v| put(&mut s.verbose, digits(v).filter(|level| *level <= 4)),
    ),
    row("benchmark", "false|true", "standard error tells the time of each message", |s, v| {
        put(&mut s.benchmark, word(v, &[("false", false), ("true", true)]))
    }),
];

const fn row(
    name: &'static str,
    values: &'static str,
    about: &'static str,
    set: fn(&mut Settings, &str) -> Option<()>,
) -> Row {
    Row { name, values, about, set }
}

fn word<T: Copy>(value: &str, words: &[(&str, T)]) -> Option<T> {
    words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning)
}

/// A decimal number without a sign.
fn digits<T: std::str::FromStr>(value: &str) -> Option<T> {
    if value.starts_with('+') { None } else { value.parse().ok() }
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

/// The row of the option `name`.
pub fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

impl Settings {
    /// With the option of `row` at `value`; `None`: it does not take that.
    pub fn with(mut self, row: &Row, value: &str) -> Option<Self> {
        (row.set)(&mut self, value)?;
        Some(self)
    }

    /// The VM that these settings describe, with a cache of its own: what was loaded was checked under them. And what compiles for
    /// it, to be closed at the end.
    ///
    /// # Errors
    /// This build does not have the dispatch, or this machine no machine code.
    pub(crate) fn vm(&self) -> Result<(Ewasm, Option<Arc<Aot>>), Error> {
        let mut config = Config::new();
        let mut profile = Profile::chain1();
        profile.run.memory = self.memory;
        config.profile(profile).schedule(self.schedule).dispatch(self.dispatch);
        let report = Report(self.verbose);
        let options = Options {
            schedule: self.schedule,
            keccak_at_9: self.keccak_at_9,
            compat: self.compat,
            debug: self.debug.then(|| report.print()),
            beyond: self.beyond,
            exports: self.exports,
            evm1: self.evm1,
            observer: report.observer(),
        };
        let compiler = |when| {
            if self.bounds == Bounds::Guard {
                // Its signal handlers stay, and so must it.
                pin();
            }
            let options =
                gristmill_aot::Options { when, threads: self.threads, bounds: self.bounds, ..Default::default() };
            Aot::new(options).map(Arc::new)
        };
        let compiler = self.compiled.map(compiler).transpose()?;
        let engine = match &compiler {
            None => Engine::new(&config)?,
            Some(compiler) => Engine::with_compiler(&config, compiler.clone())?,
        };
        Ok((Ewasm::new(&engine, options).with_cache(Arc::new(CodeCache::new(self.cache))), compiler))
    }
}

/// Keeps the library that this is in loaded until the process ends. A program that this is linked into is not unloaded anyway.
fn pin() {
    // SAFETY: the library that has this very function is open already, by the name that the loader gives, and is not initialised
    // again. What fails changes nothing: a program cannot be opened.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(pin as *const () as *const _, &mut info) != 0 {
            libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NODELETE | libc::RTLD_NOLOAD);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_row_is_taken_and_the_first_is_the_default() {
        for row in ROWS {
            let default = Settings::new(true);
            for wrong in ["", "nonsense", "-1", "TRUE", "+1", "5 "] {
                assert!(default.with(row, wrong).is_none(), "{}={wrong}", row.name);
            }
            if row.values.starts_with('<') {
                continue;
            }
            for (place, value) in row.values.split('|').enumerate() {
                let set = default.with(row, value).unwrap_or_else(|| panic!("{}={value}", row.name));
                let same = format!("{set:?}") == format!("{default:?}");
                assert_eq!(same, place == 0, "{}={value}", row.name);
            }
        }
    }

    #[test]
    fn values_of_others_are_refused() {
        let refused = [
            ("engine", "wabt"),
            ("evm1mode", "evm2wasm"),
            ("evm1mode", "runevm"),
            ("memory", "guarded"),
            ("threads", "0"),
            ("threads", "65"),
            ("verbose", "5"),
            ("max-memory-pages", "257"),
            ("cache", "1e6"),
            ("cache", "99999999999999999999"),
        ];
        for (name, value) in refused {
            assert!(Settings::new(true).with(find(name).unwrap(), value).is_none(), "{name}={value}");
        }
        assert!(find("sys:sentinel").is_none() && find("").is_none());
        assert!(Settings::new(false).with(find("features").unwrap(), "beyond").is_none());
        assert_eq!(Settings::new(true).with(find("cache").unwrap(), "0").unwrap().cache, 0);
    }

    #[test]
    fn a_chain_may_allow_less_memory() {
        let settings = Settings::new(true).with(find("max-memory-pages").unwrap(), "3").unwrap();
        let (vm, _) = settings.vm().unwrap();
        let with_pages = |pages: u32| {
            let text = format!("(module (memory (export \"memory\") {pages}) (func (export \"main\")))");
            vm.load(&wat::parse_str(text).unwrap()).is_ok()
        };
        assert!(with_pages(3) && !with_pages(4));
    }

    #[test]
    fn the_last_word_on_prices_counts() {
        let (metering, schedule) = (find("metering").unwrap(), find("gas-schedule").unwrap());
        let settings = Settings::new(true).with(metering, "false").unwrap();
        assert_eq!(settings.schedule, Schedule::Ewasm);
        assert_eq!(settings.with(schedule, "unit").unwrap().schedule, Schedule::Unit);
        assert_eq!(settings.with(metering, "true").unwrap().schedule, Schedule::V1);
    }
}
