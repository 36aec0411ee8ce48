//! `gristmill call`: a transaction to a contract, in the words of its functions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_json_abi::JsonAbi;
use gristmill::contract::{Address, Observer, Receipt, StatusCode, Transaction, U256};
use serde_json::json;

use crate::abi::{self, Call, hex_text};
use crate::args;
use crate::command::deploy;
use crate::local::{ChainArgs, LocalChain, TransactionArgs, abi_for_module, read_abi};
use crate::output::{Answer, Failure};
use crate::plugin::VmArgs;
use crate::receipt::{Sheet, exit_of, status_text};
use crate::trap::Found;

/// Call a contract
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "gristmill call [OPTIONS] <CONTRACT> [FUNCTION] [ARGUMENTS]...\n       \
                      gristmill call [OPTIONS] --deploy <MODULE> [FUNCTION] [ARGUMENTS]...",
    after_help = "\
CONTRACT is an address (short ones are padded with zeros on the left) or a name given to `deploy --name`.

FUNCTION is one of
  a signature   'balanceOf(address)(uint256)': the second list are the results, if they should be decoded
  a name        transfer: where the ABI is known, from --abi, from the deployment, or from abi.json
                beside a module given to --deploy
  raw data      0x70a08231...
  nothing       the call data is empty

ARGUMENTS follow the types: numbers, 0x... for bytes, [1,2] for arrays, (1,2) for tuples. Addresses may be short, or names.

Examples:
  gristmill call --deploy token.wasm 'balanceOf(address)(uint256)' alice
  gristmill call --deploy token.wasm --abi abi.json transfer 0xb0b 5
  gristmill call --state dev.redb TOKEN 'transfer(address,uint256)(bool)' bob 5
  gristmill call --state dev.redb TOKEN 'totalSupply()(uint256)' --dry-run --json"
)]
pub struct Args {
    /// Contract (unless --deploy), function, arguments
    #[arg(value_name = "WORDS", allow_negative_numbers = true)]
    words: Vec<String>,
    /// Create the contract from this module first, then call it
    #[arg(long, value_name = "MODULE")]
    deploy: Option<PathBuf>,
    /// ABI of the contract
    #[arg(long, value_name = "FILE")]
    abi: Option<PathBuf>,
    /// Change nothing: run on the state as it is, keep nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    transaction: TransactionArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    vm: VmArgs,
}

/// A call that was made.
pub struct Sent {
    /// Who was called.
    pub contract: Address,
    /// What is known of it.
    pub abi: Option<JsonAbi>,
    /// With what.
    pub call: Call,
    /// There was no code.
    pub codeless: bool,
    /// What came of it.
    pub receipt: Receipt,
    /// Where it trapped, if it failed.
    pub trap: Option<Found>,
}

/// Makes the call; `observer` sees the host calls of its frames, and nothing of a deployment before it.
///
/// # Errors
/// The contract, the function or an argument makes no sense; the deployment fails; the state cannot be read or written.
pub fn send(args: &Args, observer: Option<Arc<dyn Observer>>) -> Result<Sent, Failure> {
    check_state(args)?;
    if observer.is_some() && args.vm.text.is_some() {
        return Err(Failure::usage("the host calls of a plugin cannot be seen; leave --vm out"));
    }
    let mut local = LocalChain::open_with(&args.chain, &args.vm)?;
    let (contract, abi, words) = match &args.deploy {
        Some(file) => {
            let abi = abi_for_module(args.abi.as_deref(), file)?;
            // A mistake in the call must not leave a contract behind.
            encode(&args.words, abi.as_ref(), &local)?;
            let address = deployed(args, file, &mut local, abi.as_ref())?;
            (address, abi, args.words.as_slice())
        }
        None => {
            let (target, words) = args.words.split_first().ok_or_else(|| {
                Failure::usage("which contract? An address or a name first, or --deploy MODULE (see --help)")
            })?;
            let address = local.address(target)?;
            let abi = match &args.abi {
                Some(path) => Some(read_abi(path)?),
                None => local.abi(&address),
            };
            (address, abi, words)
        }
    };
    let call = encode(words, abi.as_ref(), &local)?;
    let transaction =
        Transaction { to: Some(contract), data: call.data.clone(), ..local.transaction(&args.transaction)? };
    let codeless = local.chain().code(&contract)?.is_empty();
    if let Some(observer) = observer {
        local.observe(observer, &args.chain.tier)?;
    }
    let receipt = match args.dry_run {
        true => local.call(&transaction)?,
        false => local.transact(&transaction)?,
    };
    let trap = if receipt.outcome.status == StatusCode::Success { None } else { local.take_trap()? };
    Ok(Sent { contract, abi, call, codeless, receipt, trap })
}

/// Runs the command.
///
/// # Errors
/// As [`send`].
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let Sent { contract, abi, call, codeless, receipt, trap } = send(args, None)?;
    let mut sheet = Sheet::default();
    if args.deploy.is_some() {
        sheet.both("contract", hex_text(contract.as_bytes()));
    }
    let outcome = &receipt.outcome;
    sheet.status(outcome, abi.as_ref());
    sheet.trap(trap.as_ref());
    if codeless {
        sheet.both("note", format!("there is no code at {contract:?}"));
    }
    let results = call.decode_output(&outcome.output).filter(|_| outcome.status == StatusCode::Success);
    match &results {
        Some(values) => values.iter().for_each(|v| sheet.row("result", abi::to_text(v))),
        None if !outcome.output.is_empty() => sheet.row("output", hex_text(&outcome.output)),
        None => {}
    }
    sheet.field("output", hex_text(&outcome.output));
    sheet.field("results", json!(results.map(|values| values.iter().map(abi::to_json).collect::<Vec<_>>())));
    sheet.logs(&receipt, abi.as_ref());
    sheet.gas(&receipt);
    let (text, json) = sheet.finish();
    Ok(Answer { exit: exit_of(outcome.status), text, json })
}

/// Only a deployment makes a state, and a dry run keeps none.
fn check_state(args: &Args) -> Result<(), Failure> {
    match (&args.chain.state, &args.deploy) {
        (Some(state), None) if !state.exists() => {
            Err(Failure::host("there is no such state file; `deploy` makes one").at(state.display()))
        }
        (Some(_), Some(_)) if args.dry_run => {
            Err(Failure::usage("--dry-run changes no state, so it cannot --deploy into one; leave --state out"))
        }
        _ => Ok(()),
    }
}

/// Reads the words of a call.
///
/// # Errors
/// The function or an argument makes no sense.
pub fn encode(words: &[String], abi: Option<&JsonAbi>, local: &LocalChain) -> Result<Call, Failure> {
    let (what, arguments) = match words.split_first() {
        Some((what, arguments)) => (Some(what.as_str()), arguments),
        None => (None, words),
    };
    Call::encode(what, arguments, abi, &|name| local.lookup(name)).map_err(Failure::usage)
}

/// Deploys without value: that one belongs to the call.
fn deployed(args: &Args, file: &Path, local: &mut LocalChain, abi: Option<&JsonAbi>) -> Result<Address, Failure> {
    let transaction = TransactionArgs { value: U256::zero(), ..args.transaction.clone() };
    let transaction = Transaction { data: args::read_module(file)?, ..local.transaction(&transaction)? };
    let receipt = local.transact(&transaction)?;
    if let Some(address) = receipt.outcome.create_address {
        deploy::remember(local, &address, None, abi)?;
        return Ok(address);
    }
    let outcome = &receipt.outcome;
    let mut failure = match outcome.status {
        StatusCode::ContractValidationFailure => local.explain(&transaction)?,
        StatusCode::Revert => Failure::guest(format!("reverted: {}", abi::revert_reason(&outcome.output, abi).text)),
        status => Failure::guest(status_text(status)),
    };
    failure.exit = exit_of(outcome.status);
    if let Some(found) = local.take_trap()? {
        failure.message = [vec![found.text()], found.backtrace.lines()].concat().join("\n");
        failure = failure.with("trap", found.json());
    }
    let failure = failure.with("status", format!("{:?}", outcome.status)).with("gas_used", receipt.gas_used);
    Err(failure.at("the deployment failed").at(file.display()))
}
