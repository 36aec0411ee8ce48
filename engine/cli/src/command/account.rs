//! `gristmill account`: who is on the local chain, and what they have.

use gristmill::contract::{AccountInfo, Address, U256};
use serde_json::{Value, json};

use crate::abi::{hex_text, parse_amount};
use crate::local::{ChainArgs, LocalChain};
use crate::output::{Answer, Failure};
use crate::receipt::Sheet;

/// Show or fund accounts of the local chain
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gristmill account --state dev.redb
  gristmill account --state dev.redb TOKEN
  gristmill account --state dev.redb 0xcafe --fund '10 ether'")]
pub struct Args {
    /// Account: address or name; all without it
    account: Option<String>,
    /// Set the balance of the account, which makes it if need be
    #[arg(long, value_parser = parse_amount, requires = "account", value_name = "AMOUNT")]
    fund: Option<U256>,
    #[command(flatten)]
    chain: ChainArgs,
}

/// Runs the command.
///
/// # Errors
/// There is no such state (only funding makes one), or the account is neither an address nor a name.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let mut local = match (&args.chain.state, args.fund) {
        (Some(path), None) => LocalChain::open_existing(path)?,
        _ => LocalChain::open(&args.chain)?,
    };
    let Some(account) = &args.account else { return all(&local) };
    let address = local.address(account)?;
    if let Some(balance) = args.fund {
        local.chain_mut().set_balance(&address, balance)?;
    }
    one(&local, &address)
}

fn all(local: &LocalChain) -> Result<Answer, Failure> {
    let names = local.names()?;
    let name_of = |address: &Address| names.iter().find(|(_, a)| a == address).map(|(name, _)| name.as_str());
    let (mut lines, mut list) = (Vec::new(), Vec::new());
    for (address, info) in local.chain().accounts()? {
        let code = local.chain().code(&address)?.len();
        let name = name_of(&address);
        let contract = if code > 0 { format!("  {code} bytes of code") } else { String::new() };
        let called = name.map(|name| format!("  {name}")).unwrap_or_default();
        lines.push(format!("{address:?}  nonce {}  {} wei{contract}{called}", info.nonce, info.balance));
        list.push(describe(&address, &info, code, name));
    }
    Ok(Answer::good(lines.join("\n"), json!({ "accounts": list })))
}

fn one(local: &LocalChain, address: &Address) -> Result<Answer, Failure> {
    let Some(info) = local.chain().account(address)? else {
        let text = format!("there is no account {address:?}");
        return Ok(Answer::good(text, json!({ "address": hex_text(address.as_bytes()), "exists": false })));
    };
    let code = local.chain().code(address)?.len();
    let names = local.names()?;
    let name = names.iter().find(|(_, a)| a == address).map(|(name, _)| name.as_str());
    let mut sheet = Sheet::default();
    sheet.row("address", hex_text(address.as_bytes()));
    if let Some(name) = name {
        sheet.row("name", name);
    }
    sheet.row("nonce", info.nonce.to_string());
    sheet.row("balance", format!("{} wei", info.balance));
    sheet.row("code", format!("{code} bytes, hash {:?}", info.code_hash));
    Ok(Answer::good(sheet.finish().0, describe(address, &info, code, name)))
}

fn describe(address: &Address, info: &AccountInfo, code: usize, name: Option<&str>) -> Value {
    json!({
        "address": hex_text(address.as_bytes()),
        "exists": true,
        "name": name,
        "nonce": info.nonce,
        "balance": info.balance.to_string(),
        "code_bytes": code,
        "code_hash": hex_text(info.code_hash.as_bytes()),
    })
}
