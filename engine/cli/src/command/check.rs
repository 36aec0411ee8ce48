//! `gristmill check`: validates modules and says what is wrong where.

use std::path::{Path, PathBuf};

use gristmill::contract::{Options, rules};
use gristmill::{Module, Profile, Schedule};
use serde_json::{Value, json};

use crate::args::{self, ExportsArg, ProfileArg, TierArgs, WithoutArgs};
use crate::output::{Answer, Exit, Failure};

/// Validate modules, with the reason and the byte offset of a refusal
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`chain1` means contracts: its features and limits, and the rules for exports (`memory` and `main`), imports \
(`ethereum`, exact signatures) and start functions. `general` means any WebAssembly that this engine knows. Offsets of a \
text module are those of the bytes that it stands for. Exit code 3 when a module is refused.

Examples:
  gristmill check token.wasm
  gristmill check --exports lenient build/*.wasm
  gristmill check --profile general fib.wat --json")]
pub struct Args {
    /// Modules, binary or text
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Which features, limits and rules
    #[arg(long, value_enum, default_value = "chain1", value_name = "NAME")]
    profile: ProfileArg,
    #[command(flatten)]
    without: WithoutArgs,
    /// What a contract may export
    #[arg(long, value_enum, default_value = "strict", value_name = "RULE")]
    exports: ExportsArg,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read. Refused modules are part of the answer.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let (mut lines, mut list, mut exit) = (Vec::new(), Vec::new(), Exit::Good);
    for file in &args.files {
        let name = file.display();
        match module(args, file) {
            Ok(module) => {
                let facts = facts(&module);
                lines.push(format!("ok      {name}: {} bytes, {} functions", facts["bytes"], facts["functions"]));
                list.push(json!({ "file": name.to_string(), "ok": true, "module": facts }));
            }
            Err(why) if why.exit == Exit::Refused => {
                exit = Exit::Refused;
                lines.push(format!("refused {name}: {}", why.message));
                let mut error = why.details;
                error.insert("message".into(), why.message.into());
                list.push(json!({ "file": name.to_string(), "ok": false, "error": error }));
            }
            Err(other) => return Err(other),
        }
    }
    Ok(Answer { exit, text: lines.join("\n"), json: json!({ "files": list }) })
}

fn module(args: &Args, file: &Path) -> Result<Module, Failure> {
    let bytes = args::read_module(file)?;
    match args.profile {
        ProfileArg::Chain1 => contract(&bytes, &Options { exports: args.exports.into(), ..Options::default() }),
        ProfileArg::General => {
            let profile = args.without.of(Profile::general());
            Ok(Module::new(&args::engine(profile, Schedule::V1, &TierArgs::default())?, &bytes)?)
        }
    }
}

/// Loads a contract under all of its rules.
///
/// # Errors
/// It is refused; the details have `rule` and `offset`.
pub fn contract(bytes: &[u8], options: &Options) -> Result<Module, Failure> {
    let engine = args::engine(Profile::chain1(), options.schedule, &TierArgs::default())?;
    let module = Module::new(&engine, bytes)?;
    rules::check(module.parsed(), options)?;
    if !rules::segments_fit(module.parsed()) {
        let what = "an active segment does not fit into its memory or table";
        return Err(Failure::refused(what).with("rule", "contract"));
    }
    Ok(module)
}

fn facts(module: &Module) -> Value {
    let parsed = module.parsed();
    let imports: Vec<_> = module.imports().map(|i| format!("{}.{}", i.module(), i.name())).collect();
    let exports: Vec<_> = module.exports().map(|e| e.name().to_string()).collect();
    json!({
        "bytes": parsed.len,
        "functions": parsed.functions.len() - parsed.imported_functions as usize,
        "imports": imports,
        "exports": exports,
        "custom_sections": parsed.customs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
    })
}
