//! `gristmill cache`: what contracts take in the code cache, and what one of a given size keeps.

use std::path::PathBuf;

use gristmill::contract::{Ewasm, Options};
use gristmill::{Profile, Schedule};
use gristmill_chain::CodeCache;
use serde_json::json;
use std::sync::Arc;

use crate::args::{self, ExportsArg, TierArgs};
use crate::output::{Answer, Failure};

/// Show what contracts take in the code cache
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nodes keep contracts loaded, the last used ones within a bound: the plugin by its option `cache`, the local chain by its \
default. This runs the modules through such a cache in the order given, a module twice if it is named twice, and says \
which were found and which were loaded. There is no cache on disk: nothing outlives a process.

Examples:
  gristmill cache build/*.wasm
  gristmill cache --size 65536 token.wasm vault.wasm token.wasm --json")]
pub struct Args {
    /// Modules, binary or text, in the order of their use
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Bound of the cache in bytes of code
    #[arg(long, default_value_t = CodeCache::DEFAULT_BYTES, value_name = "BYTES")]
    size: usize,
    /// What a contract may export
    #[arg(long, value_enum, default_value = "strict", value_name = "RULE")]
    exports: ExportsArg,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read, a module is refused.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let engine = args::engine(Profile::chain1(), Schedule::V1, &TierArgs::default())?;
    let cache = Arc::new(CodeCache::new(args.size));
    let options = Options { exports: args.exports.into(), ..Options::default() };
    let vm = Ewasm::new(&engine, options).with_cache(cache.clone());
    let (mut lines, mut list) = (Vec::new(), Vec::new());
    for file in &args.files {
        let bytes = args::read_module(file)?;
        let found = cache.contains(&bytes);
        vm.load(&bytes)?;
        let state = match (found, cache.contains(&bytes)) {
            (true, _) => "found",
            (false, true) => "loaded",
            (false, false) => "too large",
        };
        let (name, weight) = (file.display().to_string(), CodeCache::weight(&bytes));
        lines.push(format!("{state:9} {name}: {weight} bytes"));
        list.push(json!({ "file": name, "state": state, "bytes": weight }));
    }
    let (kept, bytes) = (cache.len(), cache.bytes());
    lines.push(format!("kept {kept} contracts, {bytes} of {} bytes", args.size));
    let json = json!({ "files": list, "kept": kept, "bytes": bytes, "size": args.size });
    Ok(Answer::good(lines.join("\n"), json))
}
