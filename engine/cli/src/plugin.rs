//! EVMC plugins in place of the built-in engine.

use std::path::Path;

use clap::Args;
use gristmill::contract::{KeccakAt9, Options};
use gristmill::{Dispatch, Exports};
use gristmill_evmc::host::{LoadError, Plugin};

use crate::args::{TierArg, TierArgs};
use crate::output::Failure;
use gristmill_aot::Bounds;

/// Which VM runs contracts.
#[derive(Args, Clone, Debug, Default)]
pub struct VmArgs {
    /// Run contracts in an EVMC plugin in place of the built-in engine. Schedule, exports, keccak256 at address 9, debug
    /// and dispatch are passed on, if the plugin has such an option and it is not given here
    #[arg(long = "vm", value_name = "FILE[,OPTION=VALUE]...")]
    pub text: Option<String>,
}

impl VmArgs {
    /// The plugin that was asked for, with the options that were given.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self) -> Result<Option<Plugin>, Failure> {
        self.text.as_deref().map(load).transpose()
    }

    /// Tells a plugin what the built-in engine would be told.
    ///
    /// # Errors
    /// It has such an option, but does not take the value.
    pub fn tell(&self, plugin: &mut Plugin, options: &Options, tier: &TierArgs) -> Result<(), Failure> {
        for (name, value) in known(options, tier) {
            match plugin.set_option(name, value) {
                Ok(()) | Err(LoadError::OptionName(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
        // Those that were given win: of options with one meaning the last counts.
        for (name, value) in self.text.as_deref().into_iter().flat_map(given) {
            plugin.set_option(name, value)?;
        }
        Ok(())
    }

    /// Both.
    ///
    /// # Errors
    /// As [`VmArgs::load`] and [`VmArgs::tell`].
    pub fn plugin(&self, options: &Options, tier: &TierArgs) -> Result<Option<Plugin>, Failure> {
        let mut plugin = self.load()?;
        if let Some(plugin) = &mut plugin {
            self.tell(plugin, options, tier)?;
        }
        Ok(plugin)
    }
}

/// Loads a plugin by `path` or `path,option=value,...`. A bare file name means a file of this folder, if there is one.
///
/// # Errors
/// There is no such library, it is no plugin, it does not take an option.
pub fn load(text: &str) -> Result<Plugin, Failure> {
    let path = Path::new(text.split(',').next().unwrap_or_default());
    let here = path.parent() == Some(Path::new("")) && path.exists();
    Ok(Plugin::load(&if here { format!("./{text}") } else { text.to_string() })?)
}

/// The options of a plugin's text.
fn given(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').skip(1).map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Our options in the words of our plugin: the schedule, and what is not as everywhere.
fn known(options: &Options, tier: &TierArgs) -> Vec<(&'static str, &'static str)> {
    let mut known = vec![("gas-schedule", options.schedule.name())];
    match options.keccak_at_9 {
        KeccakAt9::Auto => {}
        KeccakAt9::On => known.push(("keccak-at-9", "on")),
        KeccakAt9::Off => known.push(("keccak-at-9", "off")),
    }
    match options.exports {
        Exports::Strict => {}
        Exports::Lenient => known.push(("exports", "lenient")),
    }
    if options.debug.is_some() {
        known.push(("debug", "true"));
    }
    match tier.tier {
        TierArg::Interp => {}
        TierArg::Aot => known.push(("engine", "aot")),
        TierArg::Auto => known.push(("engine", "auto")),
    }
    if tier.tier != TierArg::Interp && tier.bounds() == Bounds::Guard {
        known.push(("memory", "guard"));
    }
    let dispatch = Dispatch::from(tier.dispatch);
    if dispatch != Dispatch::Auto {
        known.push(("dispatch", dispatch.name()));
    }
    known
}

/// What a suite's summary calls the VM: `dispatch` of the built-in engine, or what a plugin says of itself.
pub fn label(plugin: Option<&Plugin>, dispatch: &str) -> String {
    match plugin {
        None => dispatch.into(),
        Some(plugin) => format!("{} {} (EVMC ABI {})", plugin.name(), plugin.version(), plugin.abi()),
    }
}

impl From<LoadError> for Failure {
    fn from(e: LoadError) -> Self {
        let message = e.to_string();
        match e {
            LoadError::Open(..) => Failure::host(message),
            LoadError::NoSymbol(_) | LoadError::NotCreated | LoadError::WrongAbi(_) => Failure::refused(message),
            LoadError::Text | LoadError::OptionName(_) | LoadError::OptionValue(..) => Failure::usage(message),
        }
    }
}
