//! `gristmill vm-info`: what an EVMC plugin is.

use gristmill_evmc::abi::layout::{CAPABILITY_EVM1, CAPABILITY_EWASM, CAPABILITY_PRECOMPILES};
use serde_json::json;

use crate::output::{Answer, Failure};
use crate::plugin;
use crate::receipt::Sheet;

/// Show what an EVMC plugin is: name, version, ABI, capabilities
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Any EVMC plugin of ABI 7 to 12, not only gristmill's. Its create function is evmc_create_NAME, where NAME is the file's \
name without `lib` up to the first dot, else evmc_create. Loading a plugin runs its code.

Examples:
  gristmill vm-info target/release/libgristmill_evmc.so
  gristmill vm-info ./libhera.so,metering=true --json")]
pub struct Args {
    /// Shared library, with options to set
    #[arg(value_name = "FILE[,OPTION=VALUE]...")]
    vm: String,
}

/// EVMC's names of the bits.
const CAPABILITIES: [(u32, &str); 3] =
    [(CAPABILITY_EVM1, "evm1"), (CAPABILITY_EWASM, "ewasm"), (CAPABILITY_PRECOMPILES, "precompiles")];

/// Runs the command.
///
/// # Errors
/// As [`plugin::load`].
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let plugin = plugin::load(&args.vm)?;
    let bits = plugin.capabilities();
    let capabilities: Vec<_> = CAPABILITIES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    let mut sheet = Sheet::default();
    sheet.both("name", plugin.name());
    sheet.both("version", plugin.version());
    sheet.row("abi", plugin.abi().to_string());
    sheet.field("abi", plugin.abi());
    sheet.row("capabilities", capabilities.join(", "));
    sheet.field("capabilities", json!(capabilities));
    let (text, json) = sheet.finish();
    Ok(Answer::good(text, json))
}
