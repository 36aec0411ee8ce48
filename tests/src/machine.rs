//! One module on any executor: instantiate, call its exports one after the other, look at everything that can be seen.

use gristmill::error::Fault;
use gristmill::{
    Caller, Engine, Error, Extern, ExternType, Gas, Guest, Linker, Meter, Module, Particles, Profile, Schedule, Stop,
    Store, Trap, Val, ValType,
};
use gristmill_reference as reference;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A host function: memory named `memory` or none, arguments, results, all as slots: two for a vector, the lower half first.
pub type HostFn = Arc<dyn Fn(&mut [u8], &[u64]) -> Vec<u64> + Send + Sync>;

/// Gives the host function behind an import, by module and name.
pub type Imports<'a> = &'a dyn Fn(&str, &str) -> HostFn;

/// What to do with a module.
pub struct Plan<'a> {
    /// Features and limits.
    pub profile: Profile,
    /// Prices.
    pub schedule: Schedule,
    /// What there is to spend.
    pub meter: Meter,
    /// The module.
    pub bytes: &'a [u8],
    /// Its host functions.
    pub imports: Imports<'a>,
    /// Exported functions to call in turn, with their arguments.
    pub calls: &'a [(String, Vec<u64>)],
}

/// One host call: name, arguments, gas shown.
pub type HostCall = (String, Vec<u64>, Gas);

/// What can be seen after instantiation or a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Results, or why there are none. References show as 0 and 1.
    pub end: Result<Vec<u64>, Stop>,
    /// Particles left.
    pub left: u128,
    /// Host calls so far.
    pub trace: Vec<HostCall>,
    /// Exported memories (by hash), globals and tables, unless the gas is out.
    pub state: Option<Vec<u64>>,
    /// The start of the memory exported as `memory`, if a look at it was asked for.
    pub head: Vec<u8>,
}

/// An executor that can follow a [`Plan`].
pub enum Executor {
    /// The engine.
    Engine(Engine),
    /// The naive one.
    Reference,
}

/// All executors under a profile and schedule.
pub fn executors(profile: Profile, schedule: Schedule) -> Vec<(&'static str, Executor)> {
    let engines = crate::engines(profile, schedule).into_iter();
    let mut all: Vec<_> = engines.map(|(name, engine)| (name, Executor::Engine(engine))).collect();
    all.push(("reference", Executor::Reference));
    all
}

impl Executor {
    /// Follows the plan: what was seen after instantiation and after each call, or nothing for an invalid module.
    pub fn run(&self, plan: &Plan<'_>) -> Option<Vec<Seen>> {
        self.run_over(plan, &[], 0)
    }

    /// The same with `input` at the start of the memory exported as `memory` before the calls, and a look at as many of
    /// its first bytes as `watch` says.
    pub fn run_over(&self, plan: &Plan<'_>, input: &[u8], watch: usize) -> Option<Vec<Seen>> {
        match self {
            Executor::Engine(engine) => run_engine(engine, plan, input, watch),
            Executor::Reference => run_reference(plan, input, watch),
        }
    }
}

/// Particles left, the part below a gas included.
pub fn particles(meter: &Meter) -> u128 {
    let whole = meter.left();
    let fits = |part: u64| {
        let mut rest = meter.clone();
        rest.charge_gas(whole).is_ok() && rest.charge(Particles(part)).is_ok()
    };
    let (mut low, mut high) = (0, 10_000);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    u128::from(whole.0) * 10_000 + u128::from(low)
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether what the store holds is unspecified: gas ran out now or earlier.
fn is_out_of_gas<T>(end: &Result<T, Stop>) -> bool {
    matches!(end, Err(Stop::Trap(Trap::OutOfGas) | Stop::Fault(Fault::Spent)))
}

fn stop(error: Error) -> Stop {
    match error {
        Error::Trap(trap) => trap.into(),
        Error::Fault(fault) => fault.into(),
        Error::Halt(halt) => halt.into(),
        Error::ThrownException => Stop::Exception,
        other => panic!("an error that is no end of a run: {other}"),
    }
}

fn to_slots<'v>(vals: impl IntoIterator<Item = &'v Val>) -> Vec<u64> {
    let slots = |val: &Val| match val {
        Val::I32(v) => vec![u64::from(*v as u32)],
        Val::I64(v) => vec![*v as u64],
        Val::F32(bits) => vec![u64::from(*bits)],
        Val::F64(bits) => vec![*bits],
        Val::FuncRef(func) => vec![u64::from(func.is_some())],
        Val::ExternRef(value) => vec![u64::from(value.is_some())],
        Val::ExnRef(value) => vec![u64::from(value.is_some())],
        Val::V128(bits) => vec![*bits as u64, (*bits >> 64) as u64],
    };
    vals.into_iter().flat_map(slots).collect()
}

/// Values from slots; a reference is null whatever the slot says, for nobody can make one from a number.
fn to_vals(types: impl IntoIterator<Item = ValType>, slots: &[u64]) -> Vec<Val> {
    let mut slots = slots.iter().copied();
    let mut slot = || slots.next().expect("a slot for every value");
    let val = |ty: ValType| {
        let slot_of = slot();
        match ty {
            ValType::I32 => Val::I32(slot_of as i32),
            ValType::I64 => Val::I64(slot_of as i64),
            ValType::F32 => Val::F32(slot_of as u32),
            ValType::F64 => Val::F64(slot_of),
            ValType::Ref(_) => Val::default(ty),
            ValType::V128 => Val::V128(u128::from(slot_of) | u128::from(slot()) << 64),
        }
    };
    types.into_iter().map(val).collect()
}

type Trace = Vec<HostCall>;

fn run_engine(engine: &Engine, plan: &Plan<'_>, input: &[u8], watch: usize) -> Option<Vec<Seen>> {
    Some(run_module(&Module::new(engine, plan.bytes).ok()?, plan, input, watch))
}

/// Follows a plan with its module loaded before, as [`Executor::run_over`].
pub fn run_module(module: &Module, plan: &Plan<'_>, input: &[u8], watch: usize) -> Vec<Seen> {
    let engine = module.engine();
    let mut linker = Linker::<Trace>::new(engine);
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { panic!("only functions can be imported here") };
        let (body, name) = ((plan.imports)(import.module(), import.name()), import.name().to_string());
        let call = move |mut caller: Caller<'_, Trace>, args: &[Val], results: &mut [Val]| {
            let args = to_slots(args);
            let gas = caller.meter_mut().left();
            caller.data_mut().push((name.clone(), args.clone(), gas));
            let found = match caller.get_export("memory") {
                Some(Extern::Memory(memory)) => body(memory.data_mut(&mut caller), &args),
                _ => body(&mut [], &args),
            };
            let found = to_vals(results.iter().map(Val::ty), &found);
            results.copy_from_slice(&found);
            Ok(())
        };
        // The same import may stand in the list twice.
        linker.allow_shadowing(true);
        linker.func_new(import.module(), import.name(), ty.clone(), call).expect("a fresh name");
    }
    let mut store = Store::new(engine, Trace::new());
    *store.meter_mut() = plan.meter.clone();
    let made = linker.instantiate(&mut store, module).map_err(stop);
    let mut seen = Vec::new();
    let Ok(instance) = made else {
        let end = made.map(|_| Vec::new());
        return vec![look(&store, None, end, 0)];
    };
    seen.push(look(&store, Some(instance), Ok(Vec::new()), watch));
    if let Some(memory) = instance.get_memory(&store, "memory") {
        memory.data_mut(&mut store)[..input.len()].copy_from_slice(input);
    }
    for (name, args) in plan.calls {
        let func = instance.get_func(&store, name).expect("the plan calls what there is");
        let ty = func.ty(&store);
        let args = to_vals(ty.params().iter().copied(), args);
        let mut results: Vec<_> = ty.results().iter().map(|ty| Val::default(*ty)).collect();
        let end = func.call(&mut store, &args, &mut results).map_err(stop);
        seen.push(look(&store, Some(instance), end.map(|()| to_slots(&results)), watch));
    }
    seen
}

fn look(
    store: &Store<Trace>,
    instance: Option<gristmill::Instance>,
    end: Result<Vec<u64>, Stop>,
    watch: usize,
) -> Seen {
    let state = instance.filter(|_| !is_out_of_gas(&end)).map(|instance| {
        let mut state = Vec::new();
        for (_, export) in instance.exports(store) {
            match export {
                Extern::Memory(memory) => state.push(hash(memory.data(store))),
                Extern::Global(global) => state.extend(to_slots([&global.get(store)])),
                Extern::Table(table) => {
                    let elements = (0..table.size(store)).filter_map(|i| table.get(store, i));
                    state.push(hash(to_slots(&elements.collect::<Vec<_>>())));
                }
                Extern::Func(_) | Extern::Tag(_) => {}
            }
        }
        state
    });
    let memory = instance.filter(|_| watch > 0).and_then(|instance| instance.get_memory(store, "memory"));
    let head = memory.map_or_else(Vec::new, |memory| memory.data(store)[..watch].to_vec());
    Seen { end, left: particles(store.meter()), trace: store.data().clone(), state, head }
}

/// The host functions of a plan behind their numbers.
struct Numbered {
    functions: Vec<(String, HostFn)>,
    trace: Trace,
}

impl reference::Host for Numbered {
    fn call(&mut self, number: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<Vec<u64>, Stop> {
        let (name, body) = &self.functions[number];
        self.trace.push((name.clone(), args.to_vec(), guest.meter.left()));
        Ok(body(guest.memory_mut(), args))
    }
}

fn run_reference(plan: &Plan<'_>, input: &[u8], watch: usize) -> Option<Vec<Seen>> {
    let module = reference::Module::new(&plan.profile, plan.schedule, plan.bytes).ok()?;
    let mut store = reference::Store::new(plan.profile.run, plan.schedule);
    store.meter = plan.meter.clone();
    let mut host = Numbered { functions: Vec::new(), trace: Trace::new() };
    let imports = (0..).zip(module.imports()).map(|(index, import)| {
        host.functions.push((import.name.clone(), (plan.imports)(&import.module, &import.name)));
        Some(store.host_func(index as usize, module.func_type(index).clone()))
    });
    let imports: Vec<_> = imports.collect();
    let instance = match store.instantiate(&mut host, &module, &imports) {
        Ok(instance) => instance,
        Err(reference::Failure::Stop(stop)) => {
            return Some(vec![look_reference(&store, None, &module, &host, Err(stop), 0)]);
        }
        Err(reference::Failure::Link(what)) => panic!("only functions can be imported here: {what}"),
    };
    let mut seen = vec![look_reference(&store, Some(instance), &module, &host, Ok(Vec::new()), watch)];
    if let Some(reference::Extern::Memory(memory)) = store.export(instance, "memory") {
        store.memories[memory].bytes[..input.len()].copy_from_slice(input);
    }
    for (name, args) in plan.calls {
        let Some(reference::Extern::Func(func)) = store.export(instance, name) else {
            panic!("the plan calls what there is");
        };
        let ty = store.func_type(func).clone();
        let args: Vec<_> = halves(ty.params()).zip(args).map(|(ty, &slot)| narrow(ty, slot)).collect();
        let end = store.invoke(&mut host, func, &args);
        let shown = |(ty, slot): (wasmparser::ValType, u64)| shown(ty, slot);
        let end = end.map(|slots| halves(ty.results()).zip(slots).map(shown).collect());
        seen.push(look_reference(&store, Some(instance), &module, &host, end, watch));
    }
    Some(seen)
}

/// The type behind each slot: a vector stands there twice.
fn halves(types: &[wasmparser::ValType]) -> impl Iterator<Item = wasmparser::ValType> {
    types.iter().flat_map(|ty| std::iter::repeat_n(*ty, if *ty == wasmparser::ValType::V128 { 2 } else { 1 }))
}

/// How many slots values of these types have.
pub fn slots(types: &[wasmparser::ValType]) -> usize {
    halves(types).count()
}

/// Whether null can be given for every reference that a function takes.
pub fn takes_defaults(ty: &wasmparser::FuncType) -> bool {
    ty.params().iter().all(wasmparser::ValType::is_defaultable)
}

/// An argument of type `ty` from 64 bits; references are null.
fn narrow(ty: wasmparser::ValType, slot: u64) -> u64 {
    match ty {
        wasmparser::ValType::I32 | wasmparser::ValType::F32 => u64::from(slot as u32),
        wasmparser::ValType::I64 | wasmparser::ValType::F64 | wasmparser::ValType::V128 => slot,
        _ => 0,
    }
}

/// A slot of type `ty` as it shows: references as 0 and 1.
fn shown(ty: wasmparser::ValType, slot: u64) -> u64 {
    if matches!(ty, wasmparser::ValType::Ref(_)) { u64::from(slot != 0) } else { slot }
}

fn look_reference(
    store: &reference::Store,
    instance: Option<reference::InstanceId>,
    module: &reference::Module,
    host: &Numbered,
    end: Result<Vec<u64>, Stop>,
    watch: usize,
) -> Seen {
    let state = instance.filter(|_| !is_out_of_gas(&end)).map(|instance| {
        let mut state = Vec::new();
        for export in module.exports() {
            match store.export(instance, &export.name) {
                Some(reference::Extern::Memory(m)) => state.push(hash(store.memories[m].bytes.as_slice())),
                Some(reference::Extern::Global(g)) => {
                    let global = &store.globals[g];
                    let ty = global.ty.content_type;
                    let slots = [global.value as u64, (global.value >> 64) as u64];
                    state.extend(halves(&[ty]).zip(slots).map(|(ty, slot)| shown(ty, slot)));
                }
                Some(reference::Extern::Table(t)) => {
                    let elements = store.tables[t].elements.iter();
                    state.push(hash(elements.map(|&slot| u64::from(slot != 0)).collect::<Vec<_>>()));
                }
                _ => {}
            }
        }
        state
    });
    let head = match instance.filter(|_| watch > 0).and_then(|instance| store.export(instance, "memory")) {
        Some(reference::Extern::Memory(memory)) => store.memories[memory].bytes[..watch].to_vec(),
        _ => Vec::new(),
    };
    Seen { end, left: particles(&store.meter), trace: host.trace.clone(), state, head }
}
