//! `gristmill compile`: machine code of a module, as a file or inside of the module.

use std::path::PathBuf;

use gristmill::{Module, Schedule};
use gristmill_aot::{self as aot, When};
use serde_json::json;

use crate::args::{self, MemoryArg, ProfileArg, TierArgs, WithoutArgs};
use crate::key;
use crate::output::{Answer, Failure, Spinner};

/// Make machine code of a module
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The code is for this machine, this build, one profile and one schedule; anything else runs the module as if there were \
none. It runs only where it is trusted: `run --code FILE --trust KEY`, or `--embed` and `--tier aot --trust KEY`. With \
--embed the result is still a module that runs everywhere. Functions that are too large to compile stay interpreted.

Examples:
  gristmill keygen release.key
  gristmill compile sha256.wasm --sign release.key -o sha256.gmc
  gristmill run sha256.wasm --code sha256.gmc --trust release.key.pub --invoke run 200
  gristmill compile sha256.wasm --sign release.key --embed -o sha256.fast.wasm")]
pub struct Args {
    /// Module, binary or text
    file: PathBuf,
    /// Where to write [default: FILE with the extension gmc, or fast.wasm with --embed]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the module with its machine code in a custom section
    #[arg(long)]
    embed: bool,
    /// Sign with this secret key
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// Which modules are accepted, under which limits
    #[arg(long, value_enum, default_value = "general", value_name = "NAME")]
    profile: ProfileArg,
    #[command(flatten)]
    without: WithoutArgs,
    /// How the code keeps to the bounds of memory
    #[arg(long, value_parser = args::memory, value_name = "NAME")]
    memory: Vec<MemoryArg>,
    /// Price list: `v1`, `unit` (1 gas an operator) or `ewasm` (host functions only)
    #[arg(long, value_parser = args::schedule, default_value = "v1", value_name = "NAME")]
    schedule: Schedule,
}

/// Runs the command.
///
/// # Errors
/// The module is refused, the key cannot be read, the file cannot be written.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let bytes = args::read_module(&args.file)?;
    let key = args.sign.as_deref().map(key::secret).transpose()?;
    let tier = TierArgs { memory: args.memory.clone(), ..TierArgs::default() };
    let engine = args::engine(args.without.of(args.profile), args.schedule, &tier)?;
    let module = Module::new(&engine, &bytes).map_err(|e| Failure::from(e).at(args.file.display()))?;
    if module.parsed().customs.iter().any(|(name, _)| name == aot::SECTION) {
        return Err(Failure::refused("the module has machine code already").at(args.file.display()));
    }

    let spinner = Spinner::new("compiling");
    let (code, interpreted) = tier.compiler(When::Never)?.compile(&engine, &bytes, key.as_ref())?;
    drop(spinner);

    let extension = if args.embed { "fast.wasm" } else { "gmc" };
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension(extension));
    let written = if args.embed { aot::embed(&bytes, &code) } else { code };
    std::fs::write(&output, &written).map_err(|e| Failure::host(e.to_string()).at(output.display()))?;

    let functions = module.parsed().functions.len() - module.parsed().imported_functions as usize;
    let name = output.display().to_string();
    let mut text =
        format!("{name}: {} bytes, {} of {functions} functions compiled", written.len(), functions - interpreted);
    if key.is_none() {
        text += "\nnot signed: nobody will run it";
    }
    let json = json!({
        "output": name,
        "bytes": written.len(),
        "functions": functions,
        "interpreted": interpreted,
        "signed": key.is_some(),
    });
    Ok(Answer::good(text, json))
}
