//! `gristmill deploy`: creates a contract on the local chain.

use std::path::PathBuf;

use alloy_json_abi::JsonAbi;
use gristmill::contract::{Address, StatusCode, Transaction};

use crate::abi::{hex_text, parse_hex};
use crate::args;
use crate::local::{ChainArgs, LocalChain, TransactionArgs, abi_for_module};
use crate::output::{Answer, Failure};
use crate::plugin::VmArgs;
use crate::receipt::{Sheet, exit_of};

/// Create a contract on the local chain
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The module is creation code: what its `main` gives to `finish` becomes the contract. `gristmill pack` makes one out of \
a runtime module. The names alice and bob stand for two accounts with a million ether each; short addresses are padded \
with zeros on the left.

Examples:
  gristmill deploy token.wasm
  gristmill deploy --state dev.redb --name TOKEN token.wasm
  gristmill deploy --state dev.json --from bob --value '1 ether' --gas 5_000_000 vault.wasm")]
pub struct Args {
    /// Creation module, binary or text
    file: PathBuf,
    /// ABI to remember for calls [default: abi.json beside the module]
    #[arg(long, value_name = "FILE")]
    abi: Option<PathBuf>,
    /// Name to remember, for use in place of the address
    #[arg(long)]
    name: Option<String>,
    /// Call data of the creation code, in hex
    #[arg(long, value_parser = parse_hex_arg, value_name = "HEX")]
    input: Option<Bytes>,
    #[command(flatten)]
    transaction: TransactionArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    vm: VmArgs,
}

/// Bytes of an option; clap would take a `Vec` for an option that repeats.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

fn parse_hex_arg(text: &str) -> Result<Bytes, String> {
    parse_hex(text).map(Bytes)
}

/// Runs the command.
///
/// # Errors
/// The file or the state cannot be read or written, the transaction is refused.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let abi = abi_for_module(args.abi.as_deref(), &args.file)?;
    let data = args::read_module(&args.file)?;
    let mut local = LocalChain::open_with(&args.chain, &args.vm)?;
    if let Some(name) = &args.name {
        local.check_name(name)?;
    }
    let arguments = args.input.clone().map(|b| b.0).unwrap_or_default();
    let transaction = Transaction { data, arguments, ..local.transaction(&args.transaction)? };
    let receipt = local.transact(&transaction)?;

    let mut sheet = Sheet::default();
    sheet.status(&receipt.outcome, abi.as_ref());
    if receipt.outcome.status != StatusCode::Success {
        sheet.trap(local.take_trap()?.as_ref());
    }
    if let Some(address) = receipt.outcome.create_address {
        remember(&mut local, &address, args.name.as_deref(), abi.as_ref())?;
        sheet.both("address", hex_text(address.as_bytes()));
        if let Some(name) = &args.name {
            sheet.both("name", name);
        }
    }
    if receipt.outcome.status == StatusCode::ContractValidationFailure {
        let why = local.explain(&transaction)?;
        sheet.both("because", why.message);
        why.details.into_iter().for_each(|(key, value)| sheet.field(&key, value));
    }
    sheet.logs(&receipt, abi.as_ref());
    sheet.gas(&receipt);
    let (text, json) = sheet.finish();
    Ok(Answer { exit: exit_of(receipt.outcome.status), text, json })
}

/// Remembers name and ABI of a new contract.
///
/// # Errors
/// The state cannot be written.
pub fn remember(
    local: &mut LocalChain,
    address: &Address,
    name: Option<&str>,
    abi: Option<&JsonAbi>,
) -> Result<(), Failure> {
    if let Some(name) = name {
        local.set_name(name, address)?;
    }
    if let Some(abi) = abi {
        local.set_abi(address, abi)?;
    }
    Ok(())
}
