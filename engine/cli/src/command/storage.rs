//! `gristmill storage`: what a contract has stored.

use std::path::PathBuf;

use gristmill::contract::{Bytes32, U256};
use serde_json::{Value, json};

use crate::abi::{hex_text, parse_amount};
use crate::local::LocalChain;
use crate::output::{Answer, Failure};

/// Show the storage of a contract
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gristmill storage --state dev.redb TOKEN
  gristmill storage --state dev.redb 0xb0b 0
  gristmill storage --state dev.redb TOKEN 0x390df14bf3b385f99ab99033e316927a5bf9eeca513aa20b0931d4d1462cb3be --json")]
pub struct Args {
    /// Contract: address or name
    contract: String,
    /// One key, as a number; all that are not zero without it
    #[arg(value_parser = parse_amount)]
    key: Option<U256>,
    /// State file
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// There is no such state, or the contract is neither an address nor a name.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let local = LocalChain::open_existing(&args.state)?;
    let contract = local.address(&args.contract)?;
    let slots = match args.key {
        Some(key) => {
            let key = Bytes32::from(key.to_big_endian());
            vec![(key, local.chain().storage_at(&contract, &key)?)]
        }
        None => local.chain().storage(&contract)?,
    };
    let text = match args.key {
        Some(_) => slots.iter().map(|(_, value)| hex_text(value.as_bytes())).collect(),
        None => slots.iter().map(|(key, value)| format!("{key:?} {value:?}")).collect::<Vec<_>>().join("\n"),
    };
    let pairs = slots.iter().map(|(key, value)| (hex_text(key.as_bytes()), json!(hex_text(value.as_bytes()))));
    let storage = Value::Object(pairs.collect());
    Ok(Answer::good(text, json!({ "address": hex_text(contract.as_bytes()), "storage": storage })))
}
