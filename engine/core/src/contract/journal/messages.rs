//! Nested messages: calls, creations, precompiles, and what their failures take back.

use super::{AccountInfo, Checkpoint, Journal, Refunds};
use crate::contract::address::{EMPTY_CODE_HASH, create_address, create2_address, keccak256};
use crate::contract::host::{Host, Vm};
use crate::contract::types::{Address, CallKind, Message, Outcome, Revision, StatusCode};
use crate::error::Fault;
use crate::limits::MESSAGE_DEPTH;
use alloc::sync::Arc;

/// Gas for a byte of deployed code. Source: Yellow Paper, "G_codedeposit".
const DEPOSIT: i64 = 200;

/// A failure before anything happened: the gas stays with the caller.
fn refused(status: StatusCode, message: &Message<'_>) -> Outcome {
    Outcome { gas_left: message.gas, ..Outcome::failure(status) }
}

impl Journal<'_> {
    /// A call, with its value transfer, precompile or code.
    ///
    /// # Errors
    /// The backing's, and what a VM reports of its machine: such a transaction has no result at all.
    pub fn call_nested(&mut self, message: &Message<'_>) -> Result<Outcome, Fault> {
        if let Some(outcome) = self.refuse(message)? {
            return Ok(outcome);
        }
        let point = self.checkpoint();
        if message.kind == CallKind::Call {
            self.take_balance(&message.sender, message.value)?;
            self.add_balance(&message.recipient, message.value)?;
        }
        let revision = self.rules.revision;
        let outcome = if self.precompiles.contains(&message.code_address, revision) {
            let precompiles = self.precompiles;
            let mut outcome = precompiles.run(self, message, revision);
            outcome.gas_left = outcome.gas_left.clamp(0, message.gas);
            outcome
        } else {
            let code = self.code(&message.code_address)?;
            self.run(message, &code, |vm, host, revision| vm.execute_shared(host, revision, message, &code))
        };
        self.close(point, outcome)
    }

    /// A creation that a contract asked for: its nonce rises, whatever comes of it.
    pub(super) fn create_nested(&mut self, message: &Message<'_>) -> Result<Outcome, Fault> {
        if let Some(outcome) = self.refuse(message)? {
            return Ok(outcome);
        }
        let sender = self.account(&message.sender)?.unwrap_or_default();
        let Some(nonce) = sender.nonce.checked_add(1) else {
            // EIP-2681: nonces end at 2^64-1.
            return Ok(refused(StatusCode::Failure, message));
        };
        self.set_account(&message.sender, AccountInfo { nonce, ..sender })?;
        let address = match message.kind {
            CallKind::Create2 => create2_address(&message.sender, &message.salt, message.input),
            _ => create_address(&message.sender, sender.nonce),
        };
        self.create_at(&address, message, &[])
    }

    /// Creates the account `address` by `message`, whose input is the init code. `arguments` are what the init code sees
    /// as call data: nothing, where Ethereum decides.
    ///
    /// # Errors
    /// As [`Journal::call_nested`].
    pub fn create_at(&mut self, address: &Address, message: &Message<'_>, arguments: &[u8]) -> Result<Outcome, Fault> {
        let init_code = message.input;
        if self.rules.max_init_code_size.is_some_and(|max| init_code.len() > max) {
            return Ok(Outcome::failure(StatusCode::OutOfGas));
        }
        // EIP-2929: warm, and stays so when the creation fails.
        self.access_account(address)?;
        if self.is_taken(address)? {
            return Ok(Outcome::failure(StatusCode::Failure));
        }
        let existing = self.account(address)?.unwrap_or_default();
        let point = self.checkpoint();
        self.change_flags(address, |flags| {
            flags.created = true;
            flags.touched = true;
        })?;
        let nonce = u64::from(self.rules.revision >= Revision::SpuriousDragon);
        self.set_account(address, AccountInfo { nonce, ..existing })?;
        self.take_balance(&message.sender, message.value)?;
        self.add_balance(address, message.value)?;
        let frame = Message { recipient: *address, input: arguments, ..message.clone() };
        let run = |vm: &dyn Vm, host: &mut dyn Host, revision| vm.execute(host, revision, &frame, init_code);
        let mut outcome = self.run(&frame, init_code, run);
        if outcome.status == StatusCode::Success {
            self.deposit(address, &mut outcome)?;
        }
        self.close(point, outcome)
    }

    /// Whether no account may be created at `address`: somebody is there, or has left storage behind (EIP-7610).
    fn is_taken(&mut self, address: &Address) -> Result<bool, Fault> {
        let entry = self.entry(address)?;
        let info = entry.info.unwrap_or_default();
        if info.nonce != 0 || info.code_hash != EMPTY_CODE_HASH {
            return Ok(true);
        }
        if entry.before.is_none() {
            return Ok(false);
        }
        let stored = self.backing.has_storage(address);
        self.noted(stored)
    }

    /// Depth and balance: failures that cost nothing beyond what the caller has paid.
    fn refuse(&mut self, message: &Message<'_>) -> Result<Option<Outcome>, Fault> {
        if message.depth > MESSAGE_DEPTH {
            return Ok(Some(refused(StatusCode::CallDepthExceeded, message)));
        }
        if message.kind != CallKind::DelegateCall && message.value > self.balance(&message.sender)? {
            return Ok(Some(refused(StatusCode::InsufficientBalance, message)));
        }
        Ok(None)
    }

    /// Recursion happens here: nothing but the message and the code lives across it.
    fn run(
        &mut self,
        message: &Message<'_>,
        code: &[u8],
        execute: impl FnOnce(&dyn Vm, &mut dyn Host, Revision) -> Outcome,
    ) -> Outcome {
        if code.is_empty() {
            return Outcome { gas_left: message.gas, ..Outcome::failure(StatusCode::Success) };
        }
        let vm: &dyn Vm = self.vm;
        let revision = self.rules.revision;
        let mut outcome = execute(vm, self, revision);
        // A VM may be a plugin: what it claims is held to what it was given.
        outcome.gas_left = outcome.gas_left.clamp(0, message.gas);
        outcome
    }

    /// Turns the output of a successful creation into code, or the creation into a failure.
    fn deposit(&mut self, address: &Address, outcome: &mut Outcome) -> Result<(), Fault> {
        let revision = self.rules.revision;
        let code = core::mem::take(&mut outcome.output);
        // EIP-3541.
        if revision >= Revision::London && code.first() == Some(&0xef) {
            *outcome = Outcome::failure(StatusCode::ContractValidationFailure);
            return Ok(());
        }
        if self.rules.max_code_size.is_some_and(|max| code.len() > max) {
            *outcome = Outcome::failure(StatusCode::Failure);
            return Ok(());
        }
        // No vector is longer than i64::MAX bytes; a price beyond it is beyond every gas limit.
        let price = DEPOSIT.saturating_mul(code.len() as i64);
        outcome.create_address = Some(*address);
        if outcome.gas_left < price {
            if revision >= Revision::Homestead {
                *outcome = Outcome::failure(StatusCode::OutOfGas);
            }
            // Frontier: an account without code, for nothing.
            return Ok(());
        }
        outcome.gas_left -= price;
        if !code.is_empty() {
            let hash = keccak256(&code);
            self.set_code(address, Arc::from(code), hash)?;
        }
        Ok(())
    }

    /// Takes back what a failure must not leave, and holds the outcome to its status.
    fn close(&mut self, point: Checkpoint, mut outcome: Outcome) -> Result<Outcome, Fault> {
        match outcome.status {
            StatusCode::Success => {
                if self.rules.refunds == Refunds::Counted {
                    outcome.gas_refund = 0;
                }
                return Ok(outcome);
            }
            // What depends on this machine may not become a result that other nodes do not get.
            StatusCode::OutOfMemory => return Err(Fault::OutOfMemory),
            StatusCode::InternalError => {
                return Err(self.fault.unwrap_or(Fault::Internal("the VM reported an internal error")));
            }
            StatusCode::Revert => outcome.gas_refund = 0,
            status => outcome = Outcome::failure(status),
        }
        self.revert_to(point);
        Ok(outcome)
    }
}
