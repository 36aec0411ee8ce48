//! A guest whose exports are the functions of the storage, one each.
#![allow(dead_code)] // Each test uses its part.

use gristmill::{Config, Engine, Error, Gas, HostApi, Instance, Linker, Module, Store, Val, ValType};
use gristmill_aot::{Aot, Options};
use gristmill_ext_grants::{Access, Granted, Grants, Random};
use gristmill_ext_storage::{Backend, Memory, Storage, add_to_linker};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// The generation of names that a guest imports.
pub const SSVM: (&str, &str) = ("ssvm_native", "ssvm_storage_");
pub const WASMEDGE: (&str, &str) = ("wasmedge_native", "wasmedge_storage_");
pub const MODERN: (&str, &str) = ("gristmill_storage", "");

/// Bytes of its memory.
pub const SIZE: i64 = 65_536;

fn ty(ty: ValType) -> &'static str {
    if ty == ValType::I64 { "i64" } else { "i32" }
}

/// A module that imports what `takes` of a generation and exports it again, for calls from outside.
pub fn guest((module, prefix): (&str, &str), takes: impl Fn(&str) -> bool) -> String {
    let (mut imports, mut functions) = (String::new(), String::new());
    let original = if module == "wasmedge_native" { "ssvm_native" } else { module };
    for row in Storage::rows().iter().filter(|row| row.module == original) {
        let short = row.name.trim_start_matches("ssvm_storage_");
        if !takes(short) {
            continue;
        }
        let (func, params) = (row.ty(), row.params.len());
        let params_text: String = func.params().iter().map(|it| format!(" {}", ty(*it))).collect();
        let result = func.results().first().map_or(String::new(), |it| format!("(result {})", ty(*it)));
        let signature = format!("(param{params_text}) {result}");
        writeln!(imports, "(import {module:?} \"{prefix}{short}\" (func ${short} {signature}))").unwrap();
        let gets: String = (0..params).map(|i| format!("local.get {i} ")).collect();
        writeln!(functions, "(func (export {short:?}) {signature} {gets} call ${short})").unwrap();
    }
    format!("(module {imports} (memory (export \"memory\") 1) {functions})")
}

pub struct Run {
    pub store: Store<Storage>,
    pub instance: Instance,
    pub log: Arc<Mutex<Vec<String>>>,
}

pub fn engine() -> Engine {
    Engine::new(&Config::new()).unwrap()
}

/// The interpreter, and machine code.
pub fn engines() -> [(&'static str, Engine); 2] {
    let aot = Aot::new(Options::default()).unwrap();
    [("interpreter", engine()), ("machine code", Engine::with_compiler(&Config::new(), Arc::new(aot)).unwrap())]
}

pub fn linker(engine: &Engine) -> Linker<Storage> {
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |storage| storage).unwrap();
    linker
}

/// Grants of these namespaces, and random bytes.
pub fn grants(namespaces: &[&str]) -> Grants {
    let storage = namespaces.iter().map(|text| text.parse().unwrap()).collect();
    Grants { storage, random: Random::Seed(1), ..Grants::default() }
}

/// Grants of one namespace with a quota.
pub fn quota(bytes: Option<u64>, keys: Option<u64>) -> Grants {
    let mut grants = grants(&["app"]);
    (grants.storage[0].bytes, grants.storage[0].keys) = (bytes, keys);
    assert_eq!(grants.storage[0].access, Access::Rw);
    grants
}

impl Run {
    pub fn of(text: &str, grants: Grants, backend: Arc<dyn Backend>) -> Self {
        Self::on(&engine(), text, grants, backend)
    }

    pub fn on(engine: &Engine, text: &str, grants: Grants, backend: Arc<dyn Backend>) -> Self {
        let module = Module::new(engine, &wat::parse_str(text).unwrap()).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let granted = {
            let log = log.clone();
            Granted::new(grants, move |refused| log.lock().unwrap().push(refused.to_string()))
        };
        let mut store = Store::new(engine, Storage::new(granted, backend));
        let instance = linker(engine).instantiate(&mut store, &module).unwrap();
        Self { store, instance, log }
    }

    pub fn new(names: (&str, &str), grants: Grants, backend: Arc<dyn Backend>) -> Self {
        Self::of(&guest(names, |_| true), grants, backend)
    }

    /// With a back end of its own.
    pub fn alone(names: (&str, &str), grants: Grants) -> Self {
        Self::new(names, grants, Arc::new(Memory::default()))
    }

    pub fn call(&mut self, name: &str, args: &[i64]) -> Result<i64, Error> {
        let func = self.instance.get_func(&self.store, name).unwrap_or_else(|| panic!("{name}"));
        let ty = func.ty(&self.store);
        assert_eq!(ty.params().len(), args.len(), "{name}");
        let value =
            |(ty, arg): (&ValType, &i64)| if *ty == ValType::I64 { Val::I64(*arg) } else { Val::I32(*arg as i32) };
        let args: Vec<_> = ty.params().iter().zip(args).map(value).collect();
        let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        func.call(&mut self.store, &args, &mut results)?;
        Ok(results.first().map_or(0, |result| match result {
            Val::I64(value) => *value,
            value => value.i32().unwrap().into(),
        }))
    }

    pub fn memory(&mut self) -> &mut [u8] {
        self.instance.get_memory(&self.store, "memory").unwrap().data_mut(&mut self.store)
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) -> [i64; 2] {
        self.memory()[at..][..bytes.len()].copy_from_slice(bytes);
        [at as i64, bytes.len() as i64]
    }

    pub fn i32_at(&mut self, at: usize) -> i32 {
        i32::from_le_bytes(self.memory()[at..][..4].try_into().unwrap())
    }

    pub fn set(&mut self, space: i64, key: &[u8], value: &[u8]) -> i64 {
        let ([key, key_len], [value, value_len]) = (self.put(0, key), self.put(8_192, value));
        self.call("set", &[space, key, key_len, value, value_len]).unwrap()
    }

    pub fn get(&mut self, space: i64, key: &[u8]) -> Result<Vec<u8>, i64> {
        let [key, key_len] = self.put(0, key);
        match self.call("get", &[space, key, key_len, 8_192, 32_768, 4_096]).unwrap() {
            0 => {
                let len = self.i32_at(4_096) as usize;
                Ok(self.memory()[8_192..][..len].to_vec())
            }
            status => Err(status),
        }
    }

    pub fn open(&mut self, name: &str) -> Result<i64, i64> {
        let [name, len] = self.put(0, name.as_bytes());
        match self.call("open", &[name, len, 4_096]).unwrap() {
            0 => Ok(self.i32_at(4_096).into()),
            status => Err(status),
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn set_gas(&mut self, gas: u64) {
        self.store.set_gas(Gas(gas));
    }
}
