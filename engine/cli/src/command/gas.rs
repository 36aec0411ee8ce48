//! `gristmill gas`: what the code of a module costs, block by block, without running it.

use std::path::PathBuf;

use gristmill::contract::eei::Eei;
use gristmill::gas::PARTICLES_PER_GAS;
use gristmill::wasm::isa::Op;
use gristmill::wasm::load::ImportKind;
use gristmill::{HostApi, ListedBlock, Listing, Module, Particles, Schedule};
use serde_json::{Value, json};

use crate::args::{self, ProfileArg, TierArgs, WithoutArgs};
use crate::names::Names;
use crate::output::{Answer, Failure};

/// Show what a module's code costs, by function and metered block
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A metered block is paid whole when it is entered; the list says where it begins, how many operators it counts, what \
they cost, and what it stands behind. A loop pays for the blocks behind its head once more each time around. What \
depends on operands comes on top: pages, bulk bytes and elements, host functions by length and state. `entry` is paid \
by every call.

10,000 particles are 1 gas. Offsets of a text module are those of the bytes that it stands for.

Examples:
  gristmill gas token.wasm
  gristmill gas token.wasm --schedule unit --function main
  gristmill gas fib.wat --profile general --json")]
pub struct Args {
    #[command(flatten)]
    look: Look,
}

/// What is looked at.
#[derive(Debug, clap::Args)]
pub struct Look {
    /// Module, binary or text
    pub file: PathBuf,
    /// Only this function: name or index
    #[arg(long, value_name = "NAME|INDEX")]
    pub function: Option<String>,
    /// Price list: `v1`, `unit` (1 gas an operator) or `ewasm` (host functions only)
    #[arg(long, value_parser = args::schedule, default_value = "v1", value_name = "NAME")]
    pub schedule: Schedule,
    /// Which modules are accepted
    #[arg(long, value_enum, default_value = "chain1", value_name = "NAME")]
    pub profile: ProfileArg,
    #[command(flatten)]
    /// What is left out of it.
    pub without: WithoutArgs,
}

/// Runs the command.
///
/// # Errors
/// The module is refused, or there is no such function.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let (module, listings) = load(&args.look)?;
    let names = Names::new(module.parsed());
    let shown = select(&listings, &names, args.look.function.as_deref())?;
    let total = Particles(listings.iter().map(|listing| price(listing).0).sum());
    let blocks: usize = listings.iter().map(|listing| listing.blocks.len()).sum();
    let operators: u32 = listings.iter().map(counted).sum();

    let mut lines = vec![format!(
        "schedule {}: {} functions, {blocks} blocks, {operators} operators, {} in all",
        args.look.schedule.name(),
        listings.len(),
        amount(total),
    )];
    for listing in &shown {
        lines.push(String::new());
        lines.extend(in_text(listing, &names));
    }
    let host = host_functions(&module);
    if !host.is_empty() {
        lines.push("\nhost functions".into());
        lines.extend(host.iter().map(|f| format!("  {}  {}", f.name, f.price.as_deref().unwrap_or("no price known"))));
    }
    let json = json!({
        "schedule": args.look.schedule.name(),
        "functions": shown.iter().map(|listing| in_json(listing, &names)).collect::<Vec<_>>(),
        "host_functions": host.iter().map(HostFunction::json).collect::<Vec<_>>(),
        "total": {
            "functions": listings.len(), "blocks": blocks, "operators": operators,
            "particles": total.0, "gas": gas_text(total),
        },
    });
    Ok(Answer::good(lines.join("\n"), json))
}

/// Loads a module with the listing of its functions.
///
/// # Errors
/// It is refused.
pub fn load(look: &Look) -> Result<(Module, Vec<Listing>), Failure> {
    let bytes = args::read_module(&look.file)?;
    let engine = args::engine(look.without.of(look.profile), look.schedule, &TierArgs::default())?;
    Module::listing(&engine, &bytes).map_err(|e| Failure::from(e).at(look.file.display()))
}

/// The functions that were asked for: all, or the one of that name or index.
///
/// # Errors
/// There is none.
pub fn select<'a>(
    listings: &'a [Listing],
    names: &Names<'_>,
    wanted: Option<&str>,
) -> Result<Vec<&'a Listing>, Failure> {
    let shown = listings.iter().filter(|listing| wanted.is_none_or(|wanted| names.means(wanted, listing.function)));
    let shown: Vec<_> = shown.collect();
    match (wanted, shown.is_empty()) {
        (Some(wanted), true) => Err(Failure::usage(format!("the module has no code for a function `{wanted}`"))),
        _ => Ok(shown),
    }
}

/// Gas of that many particles as a decimal number, exact.
pub fn gas_text(price: Particles) -> String {
    format!("{}.{:04}", price.0 / PARTICLES_PER_GAS, price.0 % PARTICLES_PER_GAS)
}

/// Both units.
pub fn amount(price: Particles) -> String {
    format!("{} particles ({} gas)", price.0, gas_text(price))
}

/// What a block stands behind, in words; nothing for the function's first.
pub fn place(block: &ListedBlock) -> String {
    match block.behind {
        None => String::new(),
        Some(Op::Loop) => "  loop head".into(),
        Some(op) => format!("  behind {}", op.row().name),
    }
}

/// What all blocks of a function cost together.
fn price(listing: &Listing) -> Particles {
    Particles(listing.blocks.iter().map(|block| block.cost.0).sum())
}

/// Operators that count.
fn counted(listing: &Listing) -> u32 {
    listing.blocks.iter().map(|block| block.operators).sum()
}

/// Where a block begins, in bytes of the module.
fn offset(listing: &Listing, block: &ListedBlock) -> usize {
    // A block has an operator at least.
    listing.operators.get(block.start).map_or(0, |operator| operator.offset)
}

fn in_text(listing: &Listing, names: &Names<'_>) -> Vec<String> {
    let (all, entry) = (amount(price(listing)), amount(listing.entry));
    let label = names.label(listing.function);
    let mut lines = vec![format!("{label}: {} operators, {all}, entry {entry}", counted(listing))];
    lines.extend(listing.blocks.iter().map(|block| {
        let (offset, operators, price) = (offset(listing, block), block.operators, amount(block.cost));
        format!("  {offset:#08x}  {operators:4} operators  {price}{}", place(block))
    }));
    lines
}

fn in_json(listing: &Listing, names: &Names<'_>) -> Value {
    let blocks = listing.blocks.iter().map(|block| {
        json!({
            "offset": offset(listing, block),
            "operators": block.operators,
            "particles": block.cost.0,
            "gas": gas_text(block.cost),
            "loop_head": block.behind == Some(Op::Loop),
            "behind": block.behind.map(|op| op.row().name),
        })
    });
    json!({
        "index": listing.function,
        "name": names.of(listing.function),
        "exports": names.exports(listing.function).collect::<Vec<_>>(),
        "operators": counted(listing),
        "particles": price(listing).0,
        "gas": gas_text(price(listing)),
        "entry_particles": listing.entry.0,
        "blocks": blocks.collect::<Vec<_>>(),
    })
}

/// An imported function.
struct HostFunction {
    name: String,
    /// As the interface's table writes it; `None`: not of the interface.
    price: Option<String>,
}

impl HostFunction {
    fn json(&self) -> Value {
        json!({ "name": self.name, "price": self.price })
    }
}

fn host_functions(module: &Module) -> Vec<HostFunction> {
    let functions = module.parsed().imports.iter().filter(|import| matches!(import.kind, ImportKind::Func(_)));
    let function = |import: &gristmill::wasm::load::Import| {
        let row = Eei::rows().iter().find(|row| row.module == import.module && row.name == import.name);
        // The table's expression without the closure that gives it the prices of the frame.
        let price = row.map(|row| row.price.split_once("| ").map_or(row.price, |(_, price)| price).to_string());
        HostFunction { name: format!("{}.{}", import.module, import.name), price }
    };
    functions.map(function).collect()
}
