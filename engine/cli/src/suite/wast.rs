//! Runs the specification's test scripts (`*.wast`) over anything that can load, link and call modules.
//!
//! The runner knows scripts and nothing of engines: an engine implements [`WastEngine`], one value of it a script. The
//! same runner so judges both dispatch back ends and the naive executor of the tests.

use std::collections::HashMap;
use std::fmt;

use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::{F32, F64, Id, Span};
use wast::{QuoteWat, QuoteWatTest, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

/// A value that goes into or comes out of a script's functions and globals. Floats are bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// `i32`.
    I32(i32),
    /// `i64`.
    I64(i64),
    /// `f32` by its bits.
    F32(u32),
    /// `f64` by its bits.
    F64(u64),
    /// `v128` by its bits, lane 0 in the lowest.
    V128(u128),
    /// A function reference: whether there is one behind it.
    FuncRef(bool),
    /// A host reference: null, or the number that the script gave it.
    ExternRef(Option<u32>),
    /// A reference to an exception: whether there is one behind it.
    ExnRef(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::I32(v) => write!(f, "i32 {v}"),
            Value::I64(v) => write!(f, "i64 {v}"),
            Value::F32(bits) => write!(f, "f32 {:?} (0x{bits:08x})", f32::from_bits(*bits)),
            Value::F64(bits) => write!(f, "f64 {:?} (0x{bits:016x})", f64::from_bits(*bits)),
            Value::V128(bits) => write!(f, "v128 {bits:#034x}"),
            Value::FuncRef(false) => f.write_str("ref.null func"),
            Value::FuncRef(true) => f.write_str("ref.func"),
            Value::ExternRef(None) => f.write_str("ref.null extern"),
            Value::ExnRef(false) => f.write_str("ref.null exn"),
            Value::ExnRef(true) => f.write_str("ref.exn"),
            Value::ExternRef(Some(n)) => write!(f, "ref.extern {n}"),
        }
    }
}

/// Why an engine did not do what a script asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An import is missing or of another type.
    Link(String),
    /// The guest trapped, in the specification's words.
    Trap(String),
    /// An exception that nothing has caught.
    Exception,
    /// Anything else: no such export, values of the wrong type, a bug.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Link(what) => write!(f, "link error: {what}"),
            Failure::Trap(what) => write!(f, "trap: {what}"),
            Failure::Exception => f.write_str("an exception that nothing has caught"),
            Failure::Other(what) => f.write_str(what),
        }
    }
}

/// What a script needs of an engine. One value serves one script; it starts with the `spectest` module registered.
pub trait WastEngine {
    /// A loaded and validated module.
    type Module;
    /// A handle of an instance.
    type Instance: Clone;

    /// Decodes and validates; the text is the reason of a refusal.
    ///
    /// # Errors
    /// These bytes are no valid module.
    fn load(&mut self, bytes: &[u8]) -> Result<Self::Module, String>;

    /// Links against everything registered so far, instantiates, runs the start function.
    ///
    /// # Errors
    /// [`Failure::Link`] and [`Failure::Trap`].
    fn instantiate(&mut self, module: &Self::Module) -> Result<Self::Instance, Failure>;

    /// Makes the exports of `instance` importable from the module `name`; a name given again means the new instance.
    ///
    /// # Errors
    /// [`Failure::Other`].
    fn register(&mut self, name: &str, instance: &Self::Instance) -> Result<(), Failure>;

    /// Calls an exported function.
    ///
    /// # Errors
    /// [`Failure::Trap`], or [`Failure::Other`] when there is no such function.
    fn invoke(&mut self, instance: &Self::Instance, name: &str, args: &[Value]) -> Result<Vec<Value>, Failure>;

    /// Reads an exported global.
    ///
    /// # Errors
    /// [`Failure::Other`] when there is no such global.
    fn global(&mut self, instance: &Self::Instance, name: &str) -> Result<Value, Failure>;
}

/// What became of one directive.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Line in the script, from 1.
    pub line: usize,
    /// The directive's keyword.
    pub directive: &'static str,
    /// Whether it is an assertion; only those count as passed.
    pub assertion: bool,
    /// Why it failed.
    pub error: Option<String>,
}

/// Number of assertions in a script, without running it.
///
/// # Errors
/// The script does not parse; the text says where.
pub fn count_assertions(text: &str) -> Result<usize, String> {
    with_script(text, |directives| directives.iter().filter(|d| keyword(d).1).count())
}

/// Runs a script and judges every directive in it.
///
/// # Errors
/// The script does not parse; the text says where.
pub fn run_script<E: WastEngine>(text: &str, engine: &mut E) -> Result<Vec<Verdict>, String> {
    with_script(text, |directives| {
        let mut script = Script { engine, instances: HashMap::new(), definitions: HashMap::new(), current: None };
        let mut verdicts = Vec::with_capacity(directives.len());
        for directive in directives {
            let line = directive.span().linecol_in(text).0 + 1;
            let (directive_name, assertion) = keyword(&directive);
            let error = script.directive(directive).err();
            verdicts.push(Verdict { line, directive: directive_name, assertion, error });
        }
        verdicts
    })
}

fn with_script<T>(text: &str, f: impl FnOnce(Vec<WastDirective<'_>>) -> T) -> Result<T, String> {
    let describe = |mut e: wast::Error| {
        e.set_text(text);
        e.to_string()
    };
    let mut lexer = Lexer::new(text);
    // The suite tests names made of any character.
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(describe)?;
    let script: Wast<'_> = parser::parse(&buffer).map_err(describe)?;
    Ok(f(script.directives))
}

/// The directive's keyword, and whether it is an assertion.
fn keyword(directive: &WastDirective<'_>) -> (&'static str, bool) {
    match directive {
        WastDirective::Module(_) => ("module", false),
        WastDirective::ModuleDefinition(_) => ("module definition", false),
        WastDirective::ModuleInstance { .. } => ("module instance", false),
        WastDirective::Register { .. } => ("register", false),
        WastDirective::Invoke(_) => ("invoke", false),
        WastDirective::Thread(_) => ("thread", false),
        WastDirective::Wait { .. } => ("wait", false),
        WastDirective::AssertMalformed { .. } => ("assert_malformed", true),
        WastDirective::AssertInvalid { .. } => ("assert_invalid", true),
        WastDirective::AssertInvalidCustom { .. } => ("assert_invalid_custom", true),
        WastDirective::AssertMalformedCustom { .. } => ("assert_malformed_custom", true),
        WastDirective::AssertTrap { .. } => ("assert_trap", true),
        WastDirective::AssertReturn { .. } => ("assert_return", true),
        WastDirective::AssertExhaustion { .. } => ("assert_exhaustion", true),
        WastDirective::AssertUnlinkable { .. } => ("assert_unlinkable", true),
        WastDirective::AssertException { .. } => ("assert_exception", true),
        WastDirective::AssertSuspension { .. } => ("assert_suspension", true),
    }
}

/// A running script: the engine, and what its names stand for.
struct Script<'e, E: WastEngine> {
    engine: &'e mut E,
    instances: HashMap<String, E::Instance>,
    definitions: HashMap<String, E::Module>,
    current: Option<E::Instance>,
}

/// The key of a definition that has no name.
const UNNAMED: &str = "";

impl<E: WastEngine> Script<'_, E> {
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name();
                // A module that fails must not leave its predecessor to answer for it.
                self.current = None;
                let module = self.load(&mut module)?;
                let instance = self.engine.instantiate(&module).map_err(|e| e.to_string())?;
                self.adopt(name, instance);
                Ok(())
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map_or(UNNAMED, |id| id.name()).to_string();
                let module = self.load(&mut module)?;
                self.definitions.insert(name, module);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let name = module.map_or(UNNAMED, |id| id.name());
                let module = self.definitions.get(name).ok_or_else(|| format!("no module definition `{name}`"))?;
                let made = self.engine.instantiate(module).map_err(|e| e.to_string())?;
                self.adopt(instance, made);
                Ok(())
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.engine.register(name, &instance).map_err(|e| e.to_string())
            }
            WastDirective::Invoke(call) => self.invoke(&call)?.map(drop).map_err(|e| e.to_string()),
            WastDirective::AssertReturn { exec, results, .. } => {
                let values = self.execute(exec)?.map_err(|e| e.to_string())?;
                check_results(&values, &results)
            }
            WastDirective::AssertTrap { exec, message, .. } => expect_trap(self.execute(exec)?, message),
            WastDirective::AssertExhaustion { call, message, .. } => expect_trap(self.invoke(&call)?, message),
            WastDirective::AssertInvalid { module, .. } | WastDirective::AssertMalformed { module, .. } => {
                self.expect_refusal(module)
            }
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let module = self.engine.load(&encode(&mut module)?)?;
                match self.engine.instantiate(&module) {
                    Ok(_) => Err(format!("linked, expected: {message}")),
                    Err(Failure::Link(text)) if same_words(&text, message) => Ok(()),
                    Err(other) => Err(format!("expected link error `{message}`, got {other}")),
                }
            }
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
                Err("custom sections are not judged by this engine".into())
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Ok(values) => Err(format!("returned {}, expected an exception", list(&values))),
                Err(Failure::Exception) => Ok(()),
                Err(other) => Err(format!("expected an exception, got {other}")),
            },
            WastDirective::AssertSuspension { .. } => Err("this engine has no stack switching".into()),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => Err("this engine has no threads".into()),
        }
    }

    fn adopt(&mut self, name: Option<Id<'_>>, instance: E::Instance) {
        if let Some(id) = name {
            self.instances.insert(id.name().to_string(), instance.clone());
        }
        self.current = Some(instance);
    }

    fn load(&mut self, module: &mut QuoteWat<'_>) -> Result<E::Module, String> {
        let bytes = module.encode().map_err(|e| e.message())?;
        self.engine.load(&bytes)
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<E::Instance, String> {
        match name {
            None => self.current.clone().ok_or_else(|| "there is no instance to act on".into()),
            Some(id) => {
                self.instances.get(id.name()).cloned().ok_or_else(|| format!("there is no instance `{}`", id.name()))
            }
        }
    }

    /// The outer error is about the script, the inner one is the engine's answer.
    fn invoke(&mut self, call: &WastInvoke<'_>) -> Result<Result<Vec<Value>, Failure>, String> {
        let instance = self.instance(call.module)?;
        let args = call.args.iter().map(argument).collect::<Result<Vec<_>, _>>()?;
        Ok(self.engine.invoke(&instance, call.name, &args))
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<Value>, Failure>, String> {
        match exec {
            WastExecute::Invoke(call) => self.invoke(&call),
            WastExecute::Wat(mut module) => {
                let module = self.engine.load(&encode(&mut module)?)?;
                Ok(self.engine.instantiate(&module).map(|_| Vec::new()))
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                Ok(self.engine.global(&instance, global).map(|v| vec![v]))
            }
        }
    }

    /// Text is refused by the parser or, where that lets a bad number pass, by the decoder; binaries by the decoder.
    fn expect_refusal(&mut self, mut module: QuoteWat<'_>) -> Result<(), String> {
        let bytes = match module.to_test() {
            Ok(QuoteWatTest::Binary(bytes)) => bytes,
            Ok(QuoteWatTest::Text(text)) => match encode_text(&text) {
                Ok(bytes) => bytes,
                Err(_) => return Ok(()),
            },
            Err(_) => return Ok(()),
        };
        match self.engine.load(&bytes) {
            Ok(_) => Err("accepted, expected a refusal".into()),
            Err(_) => Ok(()),
        }
    }
}

fn encode(module: &mut Wat<'_>) -> Result<Vec<u8>, String> {
    module.encode().map_err(|e| e.message())
}

fn encode_text(text: &[u8]) -> Result<Vec<u8>, wast::Error> {
    let text = std::str::from_utf8(text)
        .map_err(|e| wast::Error::new(Span::from_offset(e.valid_up_to()), "malformed UTF-8 encoding".into()))?;
    let buffer = ParseBuffer::new(text)?;
    parser::parse::<Wat<'_>>(&buffer)?.encode()
}

fn expect_trap(answer: Result<Vec<Value>, Failure>, message: &str) -> Result<(), String> {
    match answer {
        Ok(values) => Err(format!("returned {}, expected trap `{message}`", list(&values))),
        Err(Failure::Trap(text)) if same_words(&text, message) => Ok(()),
        Err(other) => Err(format!("expected trap `{message}`, got {other}")),
    }
}

/// Whether one message begins with the other: scripts shorten messages ("undefined") and add details to them
/// ("uninitialized element 2"). What kind of reference is null, the operator says already.
fn same_words(ours: &str, theirs: &str) -> bool {
    let is_null = |text: &str| text.starts_with("null ") && text.ends_with(" reference");
    ours.starts_with(theirs) || theirs.starts_with(ours) || is_null(ours) && is_null(theirs)
}

fn argument(arg: &WastArg<'_>) -> Result<Value, String> {
    let WastArg::Core(arg) = arg else { return Err("components are not supported".into()) };
    Ok(match arg {
        WastArgCore::I32(v) => Value::I32(*v),
        WastArgCore::I64(v) => Value::I64(*v),
        WastArgCore::F32(v) => Value::F32(v.bits),
        WastArgCore::F64(v) => Value::F64(v.bits),
        WastArgCore::V128(v) => Value::V128(u128::from_le_bytes(v.to_le_bytes())),
        WastArgCore::RefNull(ty) if is_null_of(ty, &Value::FuncRef(false)) => Value::FuncRef(false),
        WastArgCore::RefNull(ty) if is_null_of(ty, &Value::ExnRef(false)) => Value::ExnRef(false),
        WastArgCore::RefNull(ty) if is_null_of(ty, &Value::ExternRef(None)) => Value::ExternRef(None),
        WastArgCore::RefExtern(n) => Value::ExternRef(Some(*n)),
        other => return Err(format!("an argument of a type that this engine does not have: {other:?}")),
    })
}

fn check_results(values: &[Value], expected: &[WastRet<'_>]) -> Result<(), String> {
    if values.len() != expected.len() {
        return Err(format!("{} results, expected {}: {}", values.len(), expected.len(), list(values)));
    }
    for (value, expected) in values.iter().zip(expected) {
        let WastRet::Core(expected) = expected else { return Err("components are not supported".into()) };
        if !matches(value, expected) {
            return Err(format!("got {value}, expected {expected:?}"));
        }
    }
    Ok(())
}

/// Sign and payload of the canonical NaNs; the sign is free.
const F32_CANONICAL: u32 = 0x7fc0_0000;
const F64_CANONICAL: u64 = 0x7ff8_0000_0000_0000;

/// Whether `value` is what the script expects. An arithmetic NaN is one with the highest payload bit set.
fn matches(value: &Value, expected: &WastRetCore<'_>) -> bool {
    match (value, expected) {
        (_, WastRetCore::Either(cases)) => cases.iter().any(|case| matches(value, case)),
        (Value::I32(v), WastRetCore::I32(e)) => v == e,
        (Value::I64(v), WastRetCore::I64(e)) => v == e,
        (Value::F32(v), WastRetCore::F32(e)) => matches_f32(*v, e),
        (Value::F64(v), WastRetCore::F64(e)) => matches_f64(*v, e),
        (Value::V128(v), WastRetCore::V128(e)) => matches_v128(*v, e),
        (Value::FuncRef(false) | Value::ExternRef(None) | Value::ExnRef(false), WastRetCore::RefNull(None)) => true,
        (null, WastRetCore::RefNull(Some(ty))) => is_null_of(ty, null),
        (Value::FuncRef(true), WastRetCore::RefFunc(None)) => true,
        (Value::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Value::ExternRef(Some(v)), WastRetCore::RefExtern(Some(e))) => v == e,
        _ => false,
    }
}

/// Whether a value is the null of a type.
fn is_null_of(ty: &HeapType<'_>, value: &Value) -> bool {
    use AbstractHeapType::{Exn, Extern, Func, NoExn, NoExtern, NoFunc};
    match ty {
        HeapType::Abstract { ty: Func | NoFunc, .. } | HeapType::Concrete(_) => *value == Value::FuncRef(false),
        HeapType::Abstract { ty: Exn | NoExn, .. } => *value == Value::ExnRef(false),
        HeapType::Abstract { ty: Extern | NoExtern, .. } => *value == Value::ExternRef(None),
        _ => false,
    }
}

fn matches_f32(bits: u32, expected: &NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == F32_CANONICAL,
        NanPattern::ArithmeticNan => bits & F32_CANONICAL == F32_CANONICAL,
        NanPattern::Value(e) => bits == e.bits,
    }
}

fn matches_f64(bits: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == F64_CANONICAL,
        NanPattern::ArithmeticNan => bits & F64_CANONICAL == F64_CANONICAL,
        NanPattern::Value(e) => bits == e.bits,
    }
}

/// Lane by lane, each as its own type.
fn matches_v128(bits: u128, expected: &V128Pattern) -> bool {
    fn lanes<E>(bits: u128, width: u32, expected: &[E], matches: impl Fn(u128, &E) -> bool) -> bool {
        (0..).zip(expected).all(|(lane, e)| matches(bits >> (lane * width) & (u128::MAX >> (128 - width)), e))
    }
    match expected {
        V128Pattern::I8x16(e) => lanes(bits, 8, e, |lane, e| lane as i8 == *e),
        V128Pattern::I16x8(e) => lanes(bits, 16, e, |lane, e| lane as i16 == *e),
        V128Pattern::I32x4(e) => lanes(bits, 32, e, |lane, e| lane as i32 == *e),
        V128Pattern::I64x2(e) => lanes(bits, 64, e, |lane, e| lane as i64 == *e),
        V128Pattern::F32x4(e) => lanes(bits, 32, e, |lane, e| matches_f32(lane as u32, e)),
        V128Pattern::F64x2(e) => lanes(bits, 64, e, |lane, e| matches_f64(lane as u64, e)),
    }
}

fn list(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(Value::to_string).collect();
    format!("[{}]", values.join(", "))
}
