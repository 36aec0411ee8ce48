//! The state of an instance, the rows and their bodies.

use crate::allow::{self, Denied};
use crate::{NOT_RUN, STDIN, TIMEOUT, WORD, WORDS, run};
use gristmill::{Gas, Guest, Stop, Trap};
use gristmill_ext_grants::{Act, Granted, Price};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

/// The commands of one store: grants, the run that is being prepared, and what the last one has left.
#[derive(Debug)]
pub struct Process {
    granted: Arc<Granted>,
    request: Request,
    code: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// A run that is being prepared.
#[derive(Debug)]
pub(crate) struct Request {
    pub program: Vec<u8>,
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    pub stdin: Vec<u8>,
    pub milliseconds: u32,
    /// What arguments and variables count.
    pub words: usize,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            program: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: Vec::new(),
            milliseconds: TIMEOUT,
            words: 0,
        }
    }
}

impl Process {
    /// The commands of a new store.
    pub fn new(granted: Arc<Granted>) -> Self {
        Self { granted, request: Request::default(), code: NOT_RUN, stdout: Vec::new(), stderr: Vec::new() }
    }

    fn price(&self) -> Price {
        self.granted.grants.prices.process
    }

    fn call(&self) -> Gas {
        self.price().base()
    }

    /// Static mode is the chain's, and commands are not there.
    fn is_static(&self) -> bool {
        false
    }

    /// Takes the price of words, if there is room for them.
    fn words(&self, guest: &mut Guest<'_>, count: usize, bytes: usize) -> Result<usize, Stop> {
        let words = self.request.words + count * WORD + bytes;
        if words + self.request.program.len() > WORDS {
            return Err(Trap::ArgumentOutOfRange.into());
        }
        self.price().charge_bytes(guest, bytes as u64)?;
        Ok(words)
    }

    fn set_prog_name(&mut self, guest: &mut Guest<'_>, name: u32, len: u32) -> Result<(), Stop> {
        guest.check(name, len)?;
        if self.request.words + len as usize > WORDS {
            return Err(Trap::ArgumentOutOfRange.into());
        }
        self.price().charge_bytes(guest, len.into())?;
        self.request.program = guest.slice(name, len)?.to_vec();
        Ok(())
    }

    fn add_arg(&mut self, guest: &mut Guest<'_>, arg: u32, len: u32) -> Result<(), Stop> {
        guest.check(arg, len)?;
        self.request.words = self.words(guest, 1, len as usize)?;
        self.request.arguments.push(guest.slice(arg, len)?.to_vec());
        Ok(())
    }

    fn add_env(
        &mut self,
        guest: &mut Guest<'_>,
        name: u32,
        name_len: u32,
        value: u32,
        value_len: u32,
    ) -> Result<(), Stop> {
        guest.check(name, name_len)?;
        guest.check(value, value_len)?;
        self.request.words = self.words(guest, 2, name_len as usize + value_len as usize)?;
        let pair = (guest.slice(name, name_len)?.to_vec(), guest.slice(value, value_len)?.to_vec());
        self.request.environment.push(pair);
        Ok(())
    }

    fn add_stdin(&mut self, guest: &mut Guest<'_>, buf: u32, len: u32) -> Result<(), Stop> {
        guest.check(buf, len)?;
        if self.request.stdin.len() + len as usize > STDIN {
            return Err(Trap::ArgumentOutOfRange.into());
        }
        self.price().charge_bytes(guest, len.into())?;
        self.request.stdin.extend_from_slice(guest.slice(buf, len)?);
        Ok(())
    }

    fn set_timeout(&mut self, _: &mut Guest<'_>, millis: u32) -> Result<(), Stop> {
        self.request.milliseconds = millis;
        Ok(())
    }

    fn run(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        let request = mem::take(&mut self.request);
        (self.stdout, self.stderr, self.code) = (Vec::new(), Vec::new(), NOT_RUN);
        // Lengths are told in 32 bits.
        let cap = self.granted.grants.limits.output().min(i32::MAX as usize);
        let allowed = match allow::check(&self.granted.grants, &request) {
            Ok(allowed) => allowed,
            Err(denied) => {
                self.stderr = self.denied(&request, denied);
                self.stderr.truncate(cap);
                return Ok(self.code as u32);
            }
        };
        let limit = allowed.milliseconds.map_or(request.milliseconds, |limit| limit.min(request.milliseconds));
        let limit = Duration::from_millis(limit.into());
        self.granted.in_time()?;
        let ended = run::run(request, &allowed, &self.granted, limit, cap);
        (self.stdout, self.stderr, self.code) = (ended.stdout, ended.stderr, ended.code);
        // The run's own time may have ended the command.
        self.granted.in_time()?;
        Ok(self.code as u32)
    }

    /// Notes that a run is denied; what the guest reads of it.
    fn denied(&self, request: &Request, denied: Denied) -> Vec<u8> {
        let name = String::from_utf8_lossy(&request.program);
        let (why, object) = match denied {
            Denied::Name => (String::new(), name.to_string()),
            Denied::Arguments => {
                let all = [&request.program].into_iter().chain(&request.arguments);
                let words: Vec<_> = all.take(16).map(|word| String::from_utf8_lossy(word)).collect();
                (" with these arguments".into(), words.join(" "))
            }
            Denied::Variable(variable) => {
                (format!(" with the variable \"{variable}\""), format!("{variable}=... {name}"))
            }
        };
        self.granted.refuse("ssvm_process_run", object, Act::Command);
        format!(
            "permission denied: command \"{name}\" may not be run{why}. It takes --allow-command \"{name}\" or \
             --allow-command-all; in a manifest [[command]] with name = \"{name}\", or all_commands = true.\n"
        )
        .into_bytes()
    }

    fn get_exit_code(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        Ok(self.code as u32)
    }

    fn get_stdout_len(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        Ok(self.stdout.len() as u32)
    }

    fn get_stdout(&mut self, guest: &mut Guest<'_>, buf: u32) -> Result<(), Stop> {
        copy(self.price(), guest, buf, &self.stdout)
    }

    fn get_stderr_len(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        Ok(self.stderr.len() as u32)
    }

    fn get_stderr(&mut self, guest: &mut Guest<'_>, buf: u32) -> Result<(), Stop> {
        copy(self.price(), guest, buf, &self.stderr)
    }
}

fn copy(price: Price, guest: &mut Guest<'_>, buf: u32, bytes: &[u8]) -> Result<(), Stop> {
    guest.check(buf, bytes.len() as u32)?;
    price.charge_bytes(guest, bytes.len() as u64)?;
    guest.write(buf, bytes)
}

gristmill::host_api! {
    impl [] Process, in_static is_static {
        /// The program to run, by its name. What was said before is replaced.
        "ssvm_process" ssvm_process_set_prog_name => set_prog_name(name: i32, len: i32) -> none, Process::call, writes;
        /// Appends an argument.
        "ssvm_process" ssvm_process_add_arg => add_arg(arg: i32, len: i32) -> none, Process::call, writes;
        /// Adds a variable to the environment; of a name that comes again the first value counts.
        "ssvm_process" ssvm_process_add_env => add_env(name: i32, name_len: i32, value: i32, value_len: i32) -> none,
            Process::call, writes;
        /// Appends bytes of standard input.
        "ssvm_process" ssvm_process_add_stdin => add_stdin(buf: i32, len: i32) -> none, Process::call, writes;
        /// The milliseconds that it may run, 10000 without.
        "ssvm_process" ssvm_process_set_timeout => set_timeout(millis: i32) -> none, Process::call, writes;
        /// Runs it to its end and returns its exit code: 8 bits with a sign; 128 and more for a signal; -1 if it was not run (the
        /// standard error says why), 110 if its time was up. All that was said is forgotten.
        "ssvm_process" ssvm_process_run => run() -> i32, Process::call, writes;
        /// The exit code of the last run; -1 before the first.
        "ssvm_process" ssvm_process_get_exit_code => get_exit_code() -> i32, Process::call, reads;
        /// Bytes of standard output that are kept of the last run.
        "ssvm_process" ssvm_process_get_stdout_len => get_stdout_len() -> i32, Process::call, reads;
        /// Writes all of them at `buf`.
        "ssvm_process" ssvm_process_get_stdout => get_stdout(buf: i32) -> none, Process::call, reads;
        /// Bytes of standard error that are kept of the last run.
        "ssvm_process" ssvm_process_get_stderr_len => get_stderr_len() -> i32, Process::call, reads;
        /// Writes all of them at `buf`.
        "ssvm_process" ssvm_process_get_stderr => get_stderr(buf: i32) -> none, Process::call, reads;
    }
}
