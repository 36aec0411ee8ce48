//! The local chain as the commands see it: opened from arguments, with names for accounts and remembered ABIs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use alloy_json_abi::JsonAbi;
use clap::Args;
use gristmill::contract::{
    Address, CallKind, Ewasm, Host, Message, Observer, Options, Outcome, Receipt, Revision, Transaction, U256, Vm,
    rules,
};
use gristmill::{Engine, Gas, Profile, Schedule};
use gristmill_chain::{Chain, ChainError, CodeCache, Settings};

use crate::abi::{self, hex_text};
use crate::args::{self, ExportsArg, TierArgs};
use crate::command::check;
use crate::output::{Failure, Spinner};
use crate::plugin::VmArgs;
use crate::trap::{Catching, Found, Traps};

/// Accounts that every new chain funds, with names that work wherever an address does.
pub const ACCOUNTS: [(&str, Address); 2] = [
    ("alice", address("a11ce00000000000000000000000000000000001")),
    ("bob", address("b0b0000000000000000000000000000000000002")),
];

/// What each of them has at first: 1,000,000 ether in wei.
fn first_balance() -> U256 {
    U256::exp10(24)
}

/// An address from its 40 digits, in constants.
const fn address(digits: &str) -> Address {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'a' + 10,
        }
    }
    let digits = digits.as_bytes();
    let mut bytes = [0; 20];
    let mut i = 0;
    while i < 20 {
        bytes[i] = digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]);
        i += 1;
    }
    gristmill::contract::H160(bytes)
}

/// Which chain, and how it runs code.
#[derive(Args, Clone, Debug)]
pub struct ChainArgs {
    /// State file, JSON if it ends in `.json`, else a database; made when missing. Without it: a chain in memory
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Rules of a new chain: a fork of Ethereum [default: Prague]
    #[arg(long, value_parser = args::revision, value_name = "NAME")]
    pub revision: Option<Revision>,
    /// Price list of a new chain: `v1`, `unit` or `ewasm` [default: v1]
    #[arg(long, value_parser = args::schedule, value_name = "NAME")]
    pub schedule: Option<Schedule>,
    /// Exports that contracts of a new chain may have [default: strict]
    #[arg(long, value_enum, value_name = "RULE")]
    pub exports: Option<ExportsArg>,
    /// Let contracts import the functions of `debug`, and print what they say to standard error
    #[arg(long)]
    pub debug: bool,
    #[command(flatten)]
    /// What runs code.
    pub tier: TierArgs,
    /// Write a coredump of the last trap here when the transaction fails: frames, locals, memory, globals of the contract
    #[arg(long, value_name = "FILE")]
    pub coredump: Option<PathBuf>,
}

/// The parts of a transaction that have defaults.
#[derive(Args, Clone, Debug)]
pub struct TransactionArgs {
    /// Sender: address or name
    #[arg(long, default_value = "alice", value_name = "ADDRESS")]
    pub from: String,
    /// Value to send: wei, or with a unit as in '5 gwei'
    #[arg(long, value_parser = abi::parse_amount, default_value = "0", value_name = "AMOUNT")]
    pub value: U256,
    /// Gas to spend at most
    #[arg(long, value_parser = args::gas, default_value = "100_000_000", value_name = "GAS")]
    pub gas: Gas,
}

/// The note that has the rule for exports.
const EXPORTS: &str = "rules/exports";

/// Runs creations as if they were calls: what they return is not checked, but kept.
struct Unchecked {
    vm: Ewasm,
    returned: Arc<Mutex<Vec<u8>>>,
}

impl Vm for Unchecked {
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        if message.depth > 0 {
            return self.vm.execute(host, revision, message, code);
        }
        let message = Message { kind: CallKind::Call, ..message.clone() };
        let outcome = self.vm.execute(host, revision, &message, code);
        if let Ok(mut returned) = self.returned.lock() {
            returned.clone_from(&outcome.output);
        }
        outcome
    }
}

/// An open chain.
pub struct LocalChain {
    chain: Chain,
    debug: bool,
    observer: Option<Arc<dyn Observer>>,
    traps: Arc<Traps>,
}

impl From<ChainError> for Failure {
    fn from(e: ChainError) -> Self {
        match e {
            ChainError::Refused(refusal) => Failure::refused(format!("the transaction was refused: {refusal}")),
            ChainError::Engine(e) => e.into(),
            other => Failure::host(other.to_string()),
        }
    }
}

impl LocalChain {
    /// Opens the chain that was asked for; a new one funds [`ACCOUNTS`].
    ///
    /// # Errors
    /// The file cannot be opened, or was made under other rules than those asked for.
    pub fn open(args: &ChainArgs) -> Result<Self, Failure> {
        let mut settings = Settings::default();
        settings.revision = args.revision.unwrap_or(settings.revision);
        settings.schedule = args.schedule.unwrap_or(settings.schedule);
        let (chain, new) = match &args.state {
            None => (Chain::in_memory(&settings)?, true),
            Some(path) => {
                let new = !path.exists();
                (Chain::open(path, &settings)?, new)
            }
        };
        let traps = Arc::new(Traps::new(args.coredump.as_deref()));
        let mut local = Self { chain, debug: args.debug, observer: None, traps };
        if new {
            for (_, account) in ACCOUNTS {
                local.chain.set_balance(&account, first_balance())?;
            }
            if let Some(exports) = args.exports {
                local.chain.set_note(EXPORTS, Some(exports.name()))?;
            }
        }
        local.check_rules(args)?;
        let vm = local.catching(&args.tier)?;
        local.chain.set_vm(Box::new(vm));
        Ok(local)
    }

    /// Opens a chain that has to be there already, to look at it.
    ///
    /// # Errors
    /// There is no such file, or it cannot be opened.
    pub fn open_existing(path: &Path) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(Failure::host("there is no such state file").at(path.display()));
        }
        let traps = Arc::new(Traps::new(None));
        Ok(Self { chain: Chain::open(path, &Settings::default())?, debug: false, observer: None, traps })
    }

    /// A chain keeps the rules that it was made under.
    fn check_rules(&self, args: &ChainArgs) -> Result<(), Failure> {
        let settings = self.chain.settings();
        let rules = [
            ("revision", settings.revision.name(), args.revision.map(Revision::name)),
            ("schedule", settings.schedule.name(), args.schedule.map(Schedule::name)),
            ("exports", self.exports()?.name(), args.exports.map(ExportsArg::name)),
        ];
        match rules.into_iter().find(|(_, is, asked)| asked.is_some_and(|asked| asked != *is)) {
            Some((rule, is, _)) => {
                Err(Failure::usage(format!("this chain was made with {rule} {is} and keeps it; make another for that")))
            }
            None => Ok(()),
        }
    }

    fn exports(&self) -> Result<ExportsArg, Failure> {
        let lenient = self.chain.note(EXPORTS)?.as_deref() == Some(ExportsArg::Lenient.name());
        Ok(if lenient { ExportsArg::Lenient } else { ExportsArg::Strict })
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut options = self.chain.settings().options();
        options.exports = self.exports()?.into();
        if self.debug {
            options.debug = Some(Arc::new(|line: &str| eprintln!("debug: {line}")));
        }
        options.observer = self.observer.clone();
        Ok(options)
    }

    fn engine(&self, tier: &TierArgs) -> Result<Engine, Failure> {
        args::engine(Profile::chain1(), self.chain.settings().schedule, tier)
    }

    /// The built-in VM on an engine.
    fn vm(&self, engine: &Engine) -> Result<Ewasm, Failure> {
        let cache = Arc::new(CodeCache::new(CodeCache::DEFAULT_BYTES));
        Ok(Ewasm::new(engine, self.options()?).with_cache(cache))
    }

    /// The built-in VM, whose traps are kept.
    fn catching(&self, tier: &TierArgs) -> Result<Catching, Failure> {
        let engine = self.engine(tier)?;
        Ok(Catching::new(self.vm(&engine.watched(self.traps.watcher()))?, &self.traps))
    }

    /// Runs contracts with what `make` makes of the built-in VM on an engine of its own, from now on.
    ///
    /// # Errors
    /// This build has no such back end.
    pub fn replace_vm(
        &mut self,
        tier: &TierArgs,
        watch: impl FnOnce(Engine) -> Engine,
        make: impl FnOnce(Ewasm) -> Box<dyn Vm + Send>,
    ) -> Result<(), Failure> {
        let vm = self.vm(&watch(self.engine(tier)?))?;
        self.chain.set_vm(make(vm));
        Ok(())
    }

    /// The last trap since this was asked last, written as a coredump if one was asked for.
    ///
    /// # Errors
    /// The coredump cannot be written.
    pub fn take_trap(&self) -> Result<Option<Found>, Failure> {
        self.traps.take(&self.engine(&TierArgs::default())?)
    }

    /// Shows the host calls of all frames to `observer` from now on.
    ///
    /// # Errors
    /// This build has no such back end.
    pub fn observe(&mut self, observer: Arc<dyn Observer>, tier: &TierArgs) -> Result<(), Failure> {
        self.observer = Some(observer);
        let vm = self.catching(tier)?;
        self.chain.set_vm(Box::new(vm));
        Ok(())
    }

    /// Opens the chain and runs its contracts in the plugin that was asked for, if one was. No plugin, no state.
    ///
    /// # Errors
    /// As [`LocalChain::open`], [`VmArgs::load`] and [`VmArgs::tell`].
    pub fn open_with(args: &ChainArgs, vm: &VmArgs) -> Result<Self, Failure> {
        if vm.text.is_some() && args.coredump.is_some() {
            return Err(Failure::usage("the frames of a plugin cannot be seen; leave --vm or --coredump out"));
        }
        let plugin = vm.load()?;
        let mut local = Self::open(args)?;
        if let Some(mut plugin) = plugin {
            vm.tell(&mut plugin, &local.options()?, &args.tier)?;
            local.chain.set_refunds(plugin.refunds());
            local.chain.set_vm(Box::new(plugin));
        }
        Ok(local)
    }

    /// Why a creation that ended with `CONTRACT_VALIDATION_FAILURE` was refused: the status alone does not say.
    ///
    /// # Errors
    /// The engine cannot be made, the state cannot be read.
    pub fn explain(&mut self, creation: &Transaction) -> Result<Failure, Failure> {
        let options = self.options()?;
        if let Err(why) = check::contract(&creation.data, &options) {
            return Ok(why.at("creation code"));
        }
        // Once more, without the check of what it returns, to see that.
        let returned = Arc::new(Mutex::new(Vec::new()));
        let vm = Unchecked { vm: self.vm(&self.engine(&TierArgs::default())?)?, returned: returned.clone() };
        self.chain.set_vm(Box::new(vm));
        let again = self.chain.call(creation);
        let code = returned.lock().map(|code| code.clone()).unwrap_or_default();
        let returned = "the code that it returned";
        Ok(match check::contract(&code, &options) {
            Err(why) if again.is_ok() && rules::is_wasm(&code) => why.at(returned),
            _ => Failure::refused(format!("{returned} is no valid contract")),
        })
    }

    /// Runs a transaction and writes it.
    ///
    /// # Errors
    /// It is refused, or cannot be written.
    pub fn transact(&mut self, transaction: &Transaction) -> Result<Receipt, Failure> {
        let _spinner = Spinner::new("running");
        Ok(self.chain.transact(transaction)?)
    }

    /// Runs a transaction on the state as it is and forgets it.
    ///
    /// # Errors
    /// It is refused.
    pub fn call(&self, transaction: &Transaction) -> Result<Receipt, Failure> {
        let _spinner = Spinner::new("running");
        Ok(self.chain.call(transaction)?)
    }

    /// The chain itself.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The chain itself.
    pub fn chain_mut(&mut self) -> &mut Chain {
        &mut self.chain
    }

    /// An address from text: hex digits (short ones are padded on the left), one of [`ACCOUNTS`], or a remembered name.
    ///
    /// # Errors
    /// Neither of these.
    pub fn address(&self, text: &str) -> Result<Address, Failure> {
        abi::address(text, &|name| self.lookup(name)).map_err(Failure::usage)
    }

    /// The address behind a name.
    pub fn lookup(&self, name: &str) -> Option<Address> {
        if let Some((_, found)) = ACCOUNTS.iter().find(|(known, _)| *known == name) {
            return Some(*found);
        }
        let text = self.chain.note(&format!("name/{name}")).ok()??;
        abi::address(&text, &|_| None).ok()
    }

    /// Remembered names, sorted.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn names(&self) -> Result<Vec<(String, Address)>, Failure> {
        let notes = self.chain.notes()?;
        let mut names: Vec<_> = ACCOUNTS.iter().map(|(name, address)| (name.to_string(), *address)).collect();
        names.extend(notes.into_iter().filter_map(|(key, text)| {
            Some((key.strip_prefix("name/")?.to_string(), abi::address(&text, &|_| None).ok()?))
        }));
        Ok(names)
    }

    /// Remembers what a contract is called.
    ///
    /// # Errors
    /// The name is taken by one of [`ACCOUNTS`] or looks like an address; the state cannot be written.
    pub fn set_name(&mut self, name: &str, address: &Address) -> Result<(), Failure> {
        self.check_name(name)?;
        Ok(self.chain.set_note(&format!("name/{name}"), Some(&hex_text(address.as_bytes())))?)
    }

    /// Whether a name may be given away.
    ///
    /// # Errors
    /// It is taken by one of [`ACCOUNTS`] or looks like an address.
    pub fn check_name(&self, name: &str) -> Result<(), Failure> {
        let reserved = ACCOUNTS.iter().any(|(known, _)| *known == name);
        if name.is_empty() || name.starts_with("0x") || reserved {
            return Err(Failure::usage(format!("`{name}` cannot be the name of a contract")));
        }
        Ok(())
    }

    /// Remembers a contract's ABI.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn set_abi(&mut self, address: &Address, abi: &JsonAbi) -> Result<(), Failure> {
        let text = serde_json::to_string(abi).map_err(|e| Failure::host(e.to_string()))?;
        Ok(self.chain.set_note(&abi_key(address), Some(&text))?)
    }

    /// The remembered ABI of a contract.
    pub fn abi(&self, address: &Address) -> Option<JsonAbi> {
        serde_json::from_str(&self.chain.note(&abi_key(address)).ok()??).ok()
    }

    /// A transaction from the arguments that have defaults.
    ///
    /// # Errors
    /// The sender is neither an address nor a name.
    pub fn transaction(&self, args: &TransactionArgs) -> Result<Transaction, Failure> {
        Ok(Transaction {
            sender: self.address(&args.from)?,
            value: args.value,
            gas_limit: args.gas.0 as i64,
            ..Transaction::default()
        })
    }
}

fn abi_key(address: &Address) -> String {
    format!("abi/{}", hex_text(address.as_bytes()))
}

/// Reads an ABI file.
///
/// # Errors
/// It cannot be read, or is no JSON ABI.
pub fn read_abi(path: &Path) -> Result<JsonAbi, Failure> {
    let bytes = args::read_file(path)?;
    serde_json::from_slice(&bytes).map_err(|e| Failure::refused(format!("no JSON ABI: {e}")).at(path.display()))
}

/// The ABI for a module: the file that was named, else `abi.json` in the module's folder if there is one.
///
/// # Errors
/// As [`read_abi`].
pub fn abi_for_module(named: Option<&Path>, module: &Path) -> Result<Option<JsonAbi>, Failure> {
    let beside = module.with_file_name("abi.json");
    match named {
        Some(path) => read_abi(path).map(Some),
        None if beside.exists() => read_abi(&beside).map(Some),
        None => Ok(None),
    }
}
