//! A guest whose exports are the functions of the process, one each.
#![allow(dead_code)] // Each test uses its part.

use gristmill::{Config, Engine, Error, Gas, HostApi, Instance, Linker, Module, Store, Val};
use gristmill_ext_grants::{Cancel, Command, Granted, Grants, Limits, Refused};
use gristmill_ext_process::{Process, add_to_linker};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// The generation of names that a guest imports.
pub const SSVM: (&str, &str) = ("ssvm_process", "ssvm_process_");
pub const WASMEDGE: (&str, &str) = ("wasmedge_process", "wasmedge_process_");

/// Bytes of its memory: 2 MiB and a page.
pub const SIZE: i64 = 33 * 65_536;

/// The imports of a guest, one a line, and functions that export them again.
pub fn parts((module, prefix): (&str, &str)) -> (String, String) {
    let (mut imports, mut functions) = (String::new(), String::new());
    for row in Process::rows() {
        let short = row.name.trim_start_matches("ssvm_process_");
        let result = row.result.map_or("", |_| "(result i32)");
        let signature = format!("(param{}) {result}", " i32".repeat(row.params.len()));
        writeln!(imports, "(import {module:?} \"{prefix}{short}\" (func ${short} {signature}))").unwrap();
        let gets: String = (0..row.params.len()).map(|i| format!("local.get {i} ")).collect();
        writeln!(functions, "(func (export {short:?}) {signature} {gets} call ${short})").unwrap();
    }
    (imports, functions)
}

pub struct Run {
    pub store: Store<Process>,
    pub instance: Instance,
    pub log: Arc<Mutex<Vec<String>>>,
}

/// Grants of these commands.
pub fn grants(names: &[&str]) -> Grants {
    Grants { commands: names.iter().map(|name| name.parse().unwrap()).collect(), ..Grants::default() }
}

/// A grant of one command, to change.
pub fn command(change: impl FnOnce(&mut Command)) -> Grants {
    let mut grants = grants(&["sh"]);
    change(&mut grants.commands[0]);
    grants
}

pub fn limits(limits: Limits, grants: Grants) -> Grants {
    Grants { limits, ..grants }
}

impl Run {
    pub fn new(names: (&str, &str), grants: Grants) -> Self {
        Self::with(names, grants, None)
    }

    /// The same, of a run that may be cancelled.
    pub fn with(names: (&str, &str), grants: Grants, cancel: Option<Cancel>) -> Self {
        Self::on(&Engine::new(&Config::new()).unwrap(), names, grants, cancel)
    }

    pub fn on(engine: &Engine, names: (&str, &str), grants: Grants, cancel: Option<Cancel>) -> Self {
        let (imports, functions) = parts(names);
        let text = format!("(module {imports} (memory (export \"memory\") 33) {functions})");
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let granted = {
            let log = log.clone();
            let note = move |refused: &Refused| log.lock().unwrap().push(refused.to_string());
            match cancel {
                Some(cancel) => Granted::cancellable(grants, cancel, note),
                None => Granted::new(grants, note),
            }
        };
        let mut linker = Linker::new(engine);
        add_to_linker(&mut linker, |process| process).unwrap();
        let mut store = Store::new(engine, Process::new(granted));
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, instance, log }
    }

    pub fn call(&mut self, name: &str, args: &[i64]) -> Result<i32, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("{name}"));
        let args: Vec<_> = args.iter().map(|arg| Val::I32(*arg as i32)).collect();
        let mut results: Vec<_> = func.ty(&self.store).results().iter().map(|ty| Val::default(*ty)).collect();
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results.first().map_or(0, |result| result.i32().unwrap()))
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> [i64; 2] {
        self.memory()[at..][..bytes.len()].copy_from_slice(bytes);
        [at as i64, bytes.len() as i64]
    }

    pub fn name(&mut self, name: &str) -> &mut Self {
        let args = self.put(0, name.as_bytes());
        self.call("set_prog_name", &args).unwrap();
        self
    }

    pub fn args(&mut self, args: &[&str]) -> &mut Self {
        for arg in args {
            let args = self.put(0, arg.as_bytes());
            self.call("add_arg", &args).unwrap();
        }
        self
    }

    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        let ([name, name_len], [value, value_len]) = (self.put(0, name.as_bytes()), self.put(256, value.as_bytes()));
        self.call("add_env", &[name, name_len, value, value_len]).unwrap();
        self
    }

    pub fn stdin(&mut self, bytes: &[u8]) -> &mut Self {
        let args = self.put(0, bytes);
        self.call("add_stdin", &args).unwrap();
        self
    }

    pub fn timeout(&mut self, millis: u32) -> &mut Self {
        self.call("set_timeout", &[millis.into()]).unwrap();
        self
    }

    /// Runs it: exit code, which both functions tell, standard output and error.
    pub fn run(&mut self) -> (i32, String, String) {
        let code = self.call("run", &[]).unwrap();
        assert_eq!(self.call("get_exit_code", &[]).unwrap(), code);
        (code, self.output("stdout"), self.output("stderr"))
    }

    /// Runs a script of the shell.
    pub fn sh(&mut self, script: &str) -> (i32, String, String) {
        self.name("sh").args(&["-c", script]).run()
    }

    pub fn output(&mut self, which: &str) -> String {
        let len = self.call(&format!("get_{which}_len"), &[]).unwrap() as usize;
        self.call(&format!("get_{which}"), &[64]).unwrap();
        String::from_utf8_lossy(&self.memory()[64..][..len]).into_owned()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn set_gas(&mut self, gas: u64) {
        self.store.set_gas(Gas(gas));
    }
}
