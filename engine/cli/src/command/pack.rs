//! `gristmill pack`: makes a deployable contract out of what a compiler for ordinary Wasm writes.
//!
//! Such a module exports more than a contract may, and is the runtime code: somebody has to return it at deployment.
//! Packing drops the exports and wraps the rest into a creation module; every change is told.

use std::path::{Path, PathBuf};

use gristmill::contract::Options;
use serde_json::json;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, RawSection, TypeSection, ValType,
};
use wasmparser::{Encoding, ExternalKind, Parser, Payload};

use crate::args;
use crate::command::check;
use crate::output::{Answer, Failure};

/// Make a deployable contract out of a module of Rust, C or AssemblyScript
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Drops all exports but `memory` and `main` and wraps the module into a creation module that returns it by `finish`. The \
result is checked against the rules of contracts; what cannot be mended (a start function, imports from elsewhere than \
`ethereum`) is refused.

Examples:
  gristmill pack target/wasm32-unknown-unknown/release/token.wasm
  gristmill pack --main call --strip token.wasm -o token.creation.wasm
  gristmill pack --no-wrap runtime.wat -o runtime.wasm")]
pub struct Args {
    /// Runtime module, binary or text
    file: PathBuf,
    /// Where to write [default: FILE with the extension creation.wasm, or runtime.wasm with --no-wrap]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exported function that becomes `main`
    #[arg(long, default_value = "main", value_name = "NAME")]
    main: String,
    /// Drop custom sections too: names, producers
    #[arg(long)]
    strip: bool,
    /// Trim only, make no creation module
    #[arg(long)]
    no_wrap: bool,
}

/// Bytes of a page of linear memory.
const PAGE: usize = 65_536;

/// Runs the command.
///
/// # Errors
/// The module is no valid Wasm, has no such function, or is against a rule that packing cannot mend.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let extension = if args.no_wrap { "runtime.wasm" } else { "creation.wasm" };
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension(extension));
    let bytes = args::read_module(&args.file)?;
    let trimmed = trim(&bytes, &args.main, args.strip).map_err(|e| Failure::refused(e).at(args.file.display()))?;
    check::contract(&trimmed.bytes, &Options::default()).map_err(|e| e.at(args.file.display()))?;

    let mut changes = trimmed.changes;
    let packed = if args.no_wrap {
        trimmed.bytes
    } else {
        let creation = wrap(&trimmed.bytes);
        changes.push(format!(
            "wrapped {} bytes of runtime code into {} bytes of creation code",
            trimmed.bytes.len(),
            creation.len()
        ));
        check::contract(&creation, &Options::default()).map_err(|e| e.at("creation module"))?;
        creation
    };
    write(&output, &packed)?;

    let name = output.display().to_string();
    let mut lines = changes.clone();
    if lines.is_empty() {
        lines.push("nothing to change".into());
    }
    lines.push(format!("wrote {name}, {} bytes", packed.len()));
    Ok(Answer::good(lines.join("\n"), json!({ "output": name, "bytes": packed.len(), "changes": changes })))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|e| Failure::host(e.to_string()).at(path.display()))
}

/// A trimmed module, and what was done to it.
pub struct Trimmed {
    /// The module.
    pub bytes: Vec<u8>,
    /// In words, in the order of the module.
    pub changes: Vec<String>,
}

/// Leaves of the exports the memory and the function `main`, and of the custom sections none if `strip` says so.
///
/// # Errors
/// Not a Wasm module, or no such exports.
pub fn trim(bytes: &[u8], main: &str, strip: bool) -> Result<Trimmed, String> {
    let mut module = Module::new();
    let mut changes = Vec::new();
    let mut exported = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| e.to_string())?;
        match &payload {
            Payload::Version { encoding: Encoding::Component, .. } => return Err("components are not modules".into()),
            Payload::ExportSection(reader) => {
                let exports = reader.clone().into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
                module.section(&trim_exports(&exports, main, &mut changes)?);
                exported = true;
                continue;
            }
            Payload::CustomSection(section) if strip => {
                changes.push(format!("dropped custom section `{}`, {} bytes", section.name(), section.data().len()));
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            // The parser's ranges lie inside `bytes`, whose length is a usize.
            module.section(&RawSection { id, data: &bytes[range.start as usize..range.end as usize] });
        }
    }
    match exported {
        true => Ok(Trimmed { bytes: module.finish(), changes }),
        false => Err("the module exports nothing, a contract exports `memory` and `main`".into()),
    }
}

fn trim_exports(
    exports: &[wasmparser::Export<'_>],
    main: &str,
    changes: &mut Vec<String>,
) -> Result<ExportSection, String> {
    let mut kept = ExportSection::new();
    let (mut memory, mut function) = (false, false);
    for export in exports {
        let name = export.name;
        match export.kind {
            ExternalKind::Memory if !memory => {
                memory = true;
                kept.export("memory", ExportKind::Memory, export.index);
                if name != "memory" {
                    changes.push(format!("renamed the exported memory `{name}` to `memory`"));
                }
            }
            ExternalKind::Func if name == main => {
                function = true;
                kept.export("main", ExportKind::Func, export.index);
                if name != "main" {
                    changes.push(format!("renamed the exported function `{name}` to `main`"));
                }
            }
            kind => changes.push(format!("dropped the exported {} `{name}`", kind_name(kind))),
        }
    }
    if !function {
        let names = exports.iter().filter(|e| e.kind == ExternalKind::Func).map(|e| format!("`{}`", e.name));
        let names = names.collect::<Vec<_>>().join(", ");
        let there = if names.is_empty() { "it exports none".into() } else { format!("--main takes one of {names}") };
        return Err(format!("there is no exported function `{main}`; {there}"));
    }
    if !memory {
        kept.export("memory", ExportKind::Memory, 0);
        changes.push("exported memory 0 as `memory`".into());
    }
    Ok(kept)
}

fn kind_name(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

/// A creation module that returns `runtime`: a data segment at 0 and `finish(0, length)`.
pub fn wrap(runtime: &[u8]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I32, ValType::I32], []);
    let mut imports = ImportSection::new();
    imports.import("ethereum", "finish", EntityType::Function(1));
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    let pages = runtime.len().div_ceil(PAGE).max(1) as u64;
    memories.memory(MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("main", ExportKind::Func, 1);
    let mut main = Function::new([]);
    // A length that does not fit is refused with the whole module: no profile has that many bytes.
    main.instructions().i32_const(0).i32_const(runtime.len() as i32).call(0).end();
    let mut code = CodeSection::new();
    code.function(&main);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), runtime.iter().copied());

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports);
    module.section(&code).section(&data);
    module.finish()
}
