//! Machine code of WebAssembly modules for gristmill, by Cranelift: same results, same traps, same gas as the interpreter.
//!
//! [`Aot`] goes into [`gristmill::Engine::with_compiler`]; modules that such an engine loads are compiled, at once or in the
//! background, and what cannot be is interpreted, function by function. Machine code can be kept in a [`Cache`], written to a
//! file ([`Aot::compile`]) or into the module itself ([`SECTION`]); from a file it runs only if a trusted key signed it.

mod abi;
mod artifact;
mod background;
mod cache;
mod charge;
mod code;
mod compile;
mod enter;
mod lower;
mod memory;
mod nudge;
mod perf;
mod places;
mod reserve;
mod signal;
mod stack;

pub use artifact::Rejected;
pub use cache::Cache;
pub use compile::Listed;
pub use ed25519_dalek::{SigningKey, VerifyingKey};

use artifact::{Header, Purpose, Trust, Written};
use background::Workers;
use code::Placed;
use compile::Object;
use cranelift_codegen::isa::OwnedTargetIsa;
use gristmill::error::{Error, Fault};
use gristmill::tier::{self, Attach, Code, Compiler, Reserve, Source};
use gristmill::{Engine, Module, Profile, Schedule};
use memory::{Executable, Mappings};
use reserve::Reservations;
use stack::Stacks;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Name of the custom section that machine code lies in inside of a module.
pub const SECTION: &str = "gristmill.native";

/// When modules are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Before loading them returns.
    #[default]
    AtOnce,
    /// In the background, while the interpreter runs them. Instances made later, and calls that begin later, run the code.
    Background,
    /// Never: only code that comes with a module ([`SECTION`]) or is attached to it runs.
    Never,
}

/// How machine code keeps to the bounds of memory. Never changes a result or a gas figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// By comparing; nothing is asked of the process.
    #[default]
    Check,
    /// By 4 GiB of address space a memory, behind whose end the processor refuses every access. The process gets handlers of
    /// `SIGSEGV` and `SIGILL`, which stay, and hand on what is not theirs.
    Guard,
}

/// How an [`Aot`] is to be.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// When modules are compiled.
    pub when: When,
    /// Where code is kept.
    pub cache: Option<Cache>,
    /// Whose code inside of modules runs.
    pub trusted: Vec<VerifyingKey>,
    /// Threads that compile in the background at most; 0 is taken for 1.
    pub threads: usize,
    /// Tell Linux perf the names of functions: a line for each in `/tmp/perf-PID.map`.
    pub perf_map: bool,
    /// How bounds of memory are kept.
    pub bounds: Bounds,
}

/// Compiles modules as they are loaded.
pub struct Aot {
    shared: Arc<Shared>,
    workers: Option<Workers>,
}

/// What artifacts for a profile and a schedule begin with.
#[derive(Debug)]
struct Known {
    profile: Profile,
    schedule: Schedule,
    header: Arc<Written>,
}

struct Shared {
    isa: OwnedTargetIsa,
    /// Where memories lie when no bounds are compared.
    reservations: Option<Arc<Reservations>>,
    stacks: Arc<Stacks>,
    mappings: Arc<Mappings>,
    cache: Option<Cache>,
    trusted: Vec<VerifyingKey>,
    compiles: bool,
    perf_map: bool,
    /// What code is for, the module left out: by profile and schedule, of which a process has few.
    headers: Mutex<Vec<Known>>,
}

impl fmt::Debug for Aot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.shared.isa.triple().to_string();
        f.debug_struct("Aot")
            .field("target", &target)
            .field("background", &self.workers.is_some())
            .finish_non_exhaustive()
    }
}

impl Aot {
    /// A compiler for this machine.
    ///
    /// # Errors
    /// When there is none for it.
    pub fn new(options: Options) -> Result<Self, Error> {
        let Options { when, cache, trusted, threads, perf_map, bounds } = options;
        if bounds == Bounds::Guard {
            signal::install();
        }
        let workers = (when == When::Background).then(|| Workers::new(threads));
        let shared = Shared {
            isa: compile::isa()?,
            reservations: (bounds == Bounds::Guard).then(Arc::default),
            stacks: Arc::default(),
            mappings: Arc::default(),
            cache,
            trusted,
            compiles: when != When::Never,
            perf_map,
            headers: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), workers })
    }

    /// Machine code of a module as bytes, for this machine and this build, signed if there is a key; and how many of its
    /// functions have none.
    ///
    /// # Errors
    /// Those of loading.
    pub fn compile(&self, engine: &Engine, bytes: &[u8], key: Option<&SigningKey>) -> Result<(Vec<u8>, usize), Error> {
        let object = compile::module(&self.shared.isa, self.shared.bounds(), &Source::new(engine, bytes)?)?;
        Ok((artifact::write(&self.shared.purpose(engine, bytes), &object, key), object.interpreted.len()))
    }

    /// What every function of a module becomes on the way to machine code. For looking, not stable.
    ///
    /// # Errors
    /// Those of loading.
    pub fn listing(&self, engine: &Engine, bytes: &[u8]) -> Result<Vec<Listed>, Error> {
        compile::listing(&self.shared.isa, self.shared.bounds(), &Source::new(engine, bytes)?)
    }

    /// Looks whether machine code from outside may run for the module of `bytes` under this engine.
    ///
    /// # Errors
    /// Why it is not used.
    pub fn accept<'a>(&'a self, engine: &'a Engine, bytes: &'a [u8], code: &[u8]) -> Result<Accepted<'a>, Rejected> {
        let purpose = self.shared.purpose(engine, bytes);
        let object = artifact::read(code, &purpose, Trust::Keys(&self.shared.trusted))?;
        if self.shared.fits(engine) {
            Ok(Accepted { aot: self, engine, bytes, object })
        } else {
            Err(Rejected::Foreign)
        }
    }

    /// Ends what runs in the background: waits for what is at work and forgets what waits. Nothing is compiled any more.
    pub fn close(&self) {
        if let Some(workers) = &self.workers {
            workers.close();
        }
    }

    /// Waits until all that is to be compiled in the background is.
    pub fn wait(&self) {
        if let Some(workers) = &self.workers {
            workers.wait();
        }
    }
}

/// Machine code from outside that [`Aot::accept`] took, and what it is for.
#[derive(Debug)]
pub struct Accepted<'a> {
    aot: &'a Aot,
    engine: &'a Engine,
    bytes: &'a [u8],
    object: Object,
}

impl Accepted<'_> {
    /// Loads the module, to run that code.
    ///
    /// # Errors
    /// Those of loading; there is no memory for the code.
    pub fn load(self) -> Result<Module, Error> {
        let module = Module::new(self.engine, self.bytes)?;
        // SAFETY: loaded from the bytes, under the engine, that the header was compared with.
        unsafe { self.aot.shared.place(&module, self.object) }?;
        Ok(module)
    }
}

impl Shared {
    /// Whether this machine code may run in the engine's stores: what compares no bounds needs memories between guards.
    fn fits(&self, engine: &Engine) -> bool {
        self.bounds() == Bounds::Check || tier::reserves(engine)
    }

    fn bounds(&self) -> Bounds {
        if self.reservations.is_some() { Bounds::Guard } else { Bounds::Check }
    }

    /// What machine code of the module of `bytes` is for.
    fn purpose(&self, engine: &Engine, bytes: &[u8]) -> Purpose {
        let (profile, schedule) = (*engine.profile(), engine.schedule());
        let mut headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = headers.iter().position(|known| known.profile == profile && known.schedule == schedule);
        let at = found.unwrap_or_else(|| {
            let header = Arc::new(Header::new(engine, &*self.isa, self.bounds()).write());
            headers.push(Known { profile, schedule, header });
            headers.len() - 1
        });
        let header = headers[at].header.clone();
        drop(headers);
        Purpose::new(header, bytes)
    }

    /// Compiles a module.
    ///
    /// # Safety
    /// It was loaded from `bytes`.
    unsafe fn make(&self, module: &Module, bytes: &[u8]) -> Result<(), Error> {
        if !self.compiles {
            return Ok(());
        }
        let purpose = self.purpose(module.engine(), bytes);
        // SAFETY: the caller says that they were loaded.
        let source = unsafe { Source::valid(module.engine(), bytes) }?;
        let object = compile::module(&self.isa, self.bounds(), &source)?;
        if let Some(cache) = &self.cache {
            // A cache that cannot be written to costs time, and nothing else.
            let _ = cache.put(&purpose.name(), &artifact::write(&purpose, &object, None));
        }
        // SAFETY: made of these bytes just now, under the module's engine.
        unsafe { self.place(module, object) }
    }

    /// Code that is at hand: inside of the module, or in the cache.
    fn find(&self, engine: &Engine, bytes: &[u8]) -> Option<Object> {
        if !self.trusted.is_empty()
            && let Some((plain, code)) = embedded(bytes)
        {
            // Signed for the module as it was before the section came.
            let purpose = self.purpose(engine, plain);
            if let Ok(object) = artifact::read(code, &purpose, Trust::Keys(&self.trusted)) {
                return Some(object);
            }
        }
        let cache = self.cache.as_ref()?;
        let purpose = self.purpose(engine, bytes);
        artifact::read(&cache.get(&purpose.name())?, &purpose, Trust::Own).ok()
    }

    /// Gives machine code a place and attaches it.
    ///
    /// # Safety
    /// It was made by this build for this machine, of the bytes that the module was loaded from, for its profile and schedule:
    /// just now, or so says the header of code that comes from the owner's cache or has a trusted signature.
    unsafe fn place(&self, module: &Module, object: Object) -> Result<(), Error> {
        let parsed = module.parsed();
        let own = parsed.functions.len() - parsed.imported_functions as usize;
        if object.functions.len() != own || object.bodies.len() != own || object.adaptors.len() != parsed.types.len() {
            return Err(Error::usage("this machine code is of another module"));
        }
        if !self.fits(module.engine()) {
            return Err(Error::usage("this machine code asks for memories that its engine does not make"));
        }
        let executable = Executable::new(&object.code, &self.mappings).map_err(|_| Error::from(Fault::OutOfMemory))?;
        if self.perf_map {
            // Nobody profiles: nothing left to do.
            let _ = perf::write(parsed, &object, &executable);
        }
        let at = |offsets: &[u32]| offsets.iter().map(|offset| executable.at(*offset as usize)).collect();
        let (functions, adaptors) = (at(&object.functions), at(&object.adaptors));
        let owner = Arc::new(Placed::new(object, parsed.imported_functions, executable, self.stacks.clone()));
        let code = Code { functions, adaptors, enter: enter::enter, context: Arc::as_ptr(&owner).cast(), owner };
        // SAFETY: the caller says so; that it compares bounds where it must was looked at.
        unsafe { tier::attach(module, code) };
        Ok(())
    }
}

/// A module with machine code in a section of its own, for engines that trust who signed it.
pub fn embed(module: &[u8], code: &[u8]) -> Vec<u8> {
    let mut section = vec![SECTION.len() as u8];
    section.extend_from_slice(SECTION.as_bytes());
    section.extend_from_slice(code);
    [module, &[0], &leb128(section.len()), &section].concat()
}

/// A module that [`embed`] wrote: what it was before, and the code.
fn embedded(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes.get(PREAMBLE..)?;
    loop {
        let start = bytes.len() - rest.len();
        let (&id, after) = rest.split_first()?;
        let (len, after) = read_leb128(after)?;
        let (contents, after) = after.split_at_checked(len)?;
        let named = contents.split_first().filter(|(len, _)| usize::from(**len) == SECTION.len());
        let code = named.and_then(|(_, named)| named.strip_prefix(SECTION.as_bytes())).filter(|_| id == 0);
        match code {
            // The last one: nothing else is put behind.
            Some(code) if after.is_empty() => return Some((&bytes[..start], code)),
            _ => rest = after,
        }
    }
}

/// Bytes of magic and version.
const PREAMBLE: usize = 8;

fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number as u8 & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

// SAFETY: code that is found was made when those very bytes were loaded, says its header: the owner's cache or a trusted key
// says that.
unsafe impl Compiler for Aot {
    unsafe fn find(&self, engine: &Engine, bytes: &[u8]) -> Option<Attach<'_>> {
        let object = self.shared.find(engine, bytes)?;
        Some(Box::new(move |module| {
            // SAFETY: the module is loaded from the bytes, under the engine, that the header was compared with. What cannot be
            // placed is interpreted.
            let _ = unsafe { self.shared.place(module, object) };
        }))
    }

    unsafe fn loaded(&self, module: &Module, bytes: &[u8]) {
        match &self.workers {
            // SAFETY: the caller says so. What has no machine code is interpreted.
            None => drop(unsafe { self.shared.make(module, bytes) }),
            Some(workers) => {
                let (shared, module, own) = (self.shared.clone(), module.clone(), bytes.to_vec());
                // SAFETY: as above.
                let make = move || drop(unsafe { shared.make(&module, &own) });
                workers.submit(bytes.len(), Box::new(make));
            }
        }
    }

    fn compiles_at_once(&self) -> bool {
        self.workers.is_none() && self.shared.compiles
    }

    fn reserve(&self) -> Option<Arc<dyn Reserve>> {
        self.shared.reservations.clone().map(|reservations| reservations as Arc<dyn Reserve>)
    }
}
