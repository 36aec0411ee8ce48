//! `gristmill disasm`: a module's operators, its metering plan and the interpreter's ops side by side.

use gristmill::{ListedOperator, Listing};
use gristmill_aot::{Listed, When};
use serde_json::{Value, json};

use crate::args::{self, TierArgs};
use crate::command::gas::{self, Look, amount, gas_text, place};
use crate::names::Names;
use crate::output::{Answer, Failure};

/// Show operators, metered blocks and internal ops side by side
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Left the operators with their offsets in the module, right the ops of the interpreter that each was turned into: family \
and form, fields a, b and c, extension words. Many operators become none of their own: constants and locals are operands \
of the next. A line before every metered block has its price. `dead` code is never reached, costs nothing and becomes \
nothing. Internal ops are no part of any promise and change from version to version. With --native Cranelift's form and \
this machine's instructions follow.

Examples:
  gristmill disasm token.wasm --function main
  gristmill disasm fib.wat --profile general --function 0 --schedule unit
  gristmill disasm fib.wat --profile general --native")]
pub struct Args {
    #[command(flatten)]
    look: Look,
    /// Show what machine code is made of each function too
    #[arg(long)]
    native: bool,
}

/// Runs the command.
///
/// # Errors
/// The module is refused, or there is no such function.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let (module, listings) = gas::load(&args.look)?;
    let names = Names::new(module.parsed());
    let shown = gas::select(&listings, &names, args.look.function.as_deref())?;
    let mut texts: Vec<_> = shown.iter().map(|listing| in_text(listing, &names)).collect();
    let mut functions: Vec<_> = shown.iter().map(|listing| in_json(listing, &names)).collect();
    if args.native {
        let (tier, bytes) = (TierArgs::default(), args::read_module(&args.look.file)?);
        let native = tier.compiler(When::Never)?.listing(module.engine(), &bytes)?;
        let parts = texts.iter_mut().zip(&mut functions);
        for ((text, json), listing) in parts.zip(&shown) {
            if let Some(native) = native.iter().find(|native| native.function == listing.function) {
                *text += &native_text(native);
                json["native"] = native_json(native);
            }
        }
    }
    let json = json!({ "schedule": args.look.schedule.name(), "functions": functions });
    Ok(Answer::good(texts.join("\n\n"), json))
}

fn native_text(native: &Listed) -> String {
    let note = if native.interpreted { ", which calls the interpreter" } else { "" };
    format!(
        "\n\n{}\n{} bytes of machine code{note}:\n{}",
        native.clif.trim_end(),
        native.bytes,
        native.machine.trim_end()
    )
}

fn native_json(native: &Listed) -> Value {
    json!({
        "interpreted": native.interpreted,
        "clif": native.clif,
        "machine": native.machine,
        "bytes": native.bytes,
    })
}

/// Spaces a nested block is indented by.
const INDENT: usize = 2;

/// Where the internal ops begin.
const COLUMN: usize = 44;

fn in_text(listing: &Listing, names: &Names<'_>) -> String {
    let Listing { params, locals, height, .. } = listing;
    let label = names.label(listing.function);
    let entry = amount(listing.entry);
    let mut lines =
        vec![format!("{label}: {params} parameters, {locals} locals, frame of {height} slots, entry {entry}")];
    let mut depth = 1;
    let mut blocks = listing.blocks.iter().enumerate().peekable();
    for (position, operator) in listing.operators.iter().enumerate() {
        if let Some((number, block)) = blocks.next_if(|(_, block)| block.start == position) {
            let counted = block.operators;
            lines.push(format!("  ; block {number}: {counted} operators, {}{}", amount(block.cost), place(block)));
        }
        let name = operator.op.row().name;
        depth -= usize::from(matches!(name, "end" | "else"));
        let text = format!("{}{}", " ".repeat(INDENT * depth), operator_text(operator, names));
        depth += usize::from(matches!(name, "block" | "loop" | "if" | "else"));

        let mut ops = ops(listing, position);
        let first = if operator.live { ops.next().unwrap_or_default() } else { "dead" };
        lines.push(format!("  {:#08x}  {text:COLUMN$}{first}", operator.offset).trim_end().to_string());
        lines.extend(ops.map(|op| format!("  {:10}{:COLUMN$}{op}", "", "")));
    }
    lines.join("\n")
}

/// The internal ops that the operator at `position` was turned into. Both lists are in the order of the code.
fn ops(listing: &Listing, position: usize) -> impl Iterator<Item = &str> {
    let first = listing.ops.partition_point(|op| op.operator < position);
    listing.ops[first..].iter().take_while(move |op| op.operator == position).map(|op| op.text.as_str())
}

/// Name and immediates; of a call the name of the function too.
fn operator_text(operator: &ListedOperator, names: &Names<'_>) -> String {
    let name = operator.op.row().name;
    let called = operator.immediates.parse().ok().filter(|_| name == "call").and_then(|function| names.of(function));
    match (operator.immediates.as_str(), called) {
        ("", _) => name.into(),
        (immediates, None) => format!("{name} {immediates}"),
        (immediates, Some(called)) => format!("{name} {immediates} `{called}`"),
    }
}

fn in_json(listing: &Listing, names: &Names<'_>) -> Value {
    let operators = listing.operators.iter().enumerate().map(|(position, operator)| {
        json!({
            "offset": operator.offset,
            "name": operator.op.row().name,
            "immediates": operator.immediates,
            "live": operator.live,
            "ops": ops(listing, position).collect::<Vec<_>>(),
        })
    });
    let blocks = listing.blocks.iter().map(|block| {
        json!({
            "operator": block.start,
            "operators": block.operators,
            "particles": block.cost.0,
            "gas": gas_text(block.cost),
            "behind": block.behind.map(|op| op.row().name),
        })
    });
    json!({
        "index": listing.function,
        "name": names.of(listing.function),
        "parameters": listing.params,
        "locals": listing.locals,
        "slots": listing.height,
        "entry_particles": listing.entry.0,
        "operators": operators.collect::<Vec<_>>(),
        "blocks": blocks.collect::<Vec<_>>(),
    })
}
