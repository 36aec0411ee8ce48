//! Configuration, fixed once, shared by modules and stores.

use crate::error::Error;
use crate::gas::{Pages, Schedule};
use crate::interp::exec::Dispatch;
use crate::interp::exec::memory::{Budget, Pool};
use crate::interp::exec::watch::Watch;
#[cfg(feature = "eager")]
use crate::interp::exec::watch::Watcher;
use crate::interp::translate::Workbench;
use crate::profile::Profile;
use crate::tier::Compiler;
use alloc::sync::Arc;

/// When functions are translated. Never changes a result, a gas figure, or which modules are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CompilationMode {
    /// All of them when the module is loaded.
    #[default]
    Eager,
    /// Each at its first call, once for all stores. Validation and the plan of gas stay with loading. For big modules of
    /// which little runs; calls between functions of a module are somewhat slower.
    LazyTranslation,
}

/// How an engine is to be: profile, schedule, dispatch, mode.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    profile: Profile,
    schedule: Schedule,
    dispatch: Dispatch,
    mode: CompilationMode,
    live_memory: Option<Pages>,
}

impl Config {
    /// The defaults: profile `general`, schedule `v1`, the fastest dispatch.
    pub fn new() -> Self {
        Self::default()
    }

    /// What modules may use.
    pub fn profile(&mut self, profile: Profile) -> &mut Self {
        self.profile = profile;
        self
    }

    /// What operators cost.
    pub fn schedule(&mut self, schedule: Schedule) -> &mut Self {
        self.schedule = schedule;
        self
    }

    /// When functions are translated; never changes a result. The default is eager.
    pub fn compilation_mode(&mut self, mode: CompilationMode) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Pages that all memories of all stores of the engine may have at once; a memory beyond is not made, and none grows beyond:
    /// [`Fault::OutOfMemory`](crate::error::Fault::OutOfMemory). The default is no bound but that of each memory.
    pub fn live_memory(&mut self, pages: Pages) -> &mut Self {
        self.live_memory = Some(pages);
        self
    }

    /// How ops follow each other; never changes a result.
    pub fn dispatch(&mut self, dispatch: Dispatch) -> &mut Self {
        self.dispatch = dispatch;
        self
    }
}

/// An engine. Cheap to clone, shareable between threads.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    /// What makes machine code of modules.
    compiler: Option<Arc<dyn Compiler>>,
    /// Memory that stores leave to each other.
    pool: Arc<Pool>,
    /// What loading modules leaves to the next.
    bench: Workbench,
    watch: Watch,
}

impl Engine {
    /// An engine with this configuration.
    ///
    /// # Errors
    /// When tail dispatch is asked for and this build has none.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::made(config, None)
    }

    /// An engine whose modules `compiler` makes machine code of. Never changes a result or a gas figure.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_compiler(config: &Config, compiler: Arc<dyn Compiler>) -> Result<Self, Error> {
        Self::made(config, Some(compiler))
    }

    fn made(config: &Config, compiler: Option<Arc<dyn Compiler>>) -> Result<Self, Error> {
        let mut config = *config;
        config.dispatch = match config.dispatch {
            Dispatch::Auto if Dispatch::has_tail() => Dispatch::Tail,
            Dispatch::Auto => Dispatch::Loop,
            Dispatch::Tail if !Dispatch::has_tail() => {
                return Err(Error::usage("this build has no tail dispatch: it takes an optimised build for x86-64"));
            }
            dispatch => dispatch,
        };
        let budget = config.live_memory.map(Budget::new);
        let pool = Pool::new(compiler.as_ref().and_then(|compiler| compiler.reserve()), budget);
        Ok(Self(Arc::new(Inner {
            config,
            compiler,
            pool: Arc::new(pool),
            bench: Workbench::default(),
            watch: Watch::default(),
        })))
    }

    #[cfg(feature = "eager")]
    /// An engine like this one, whose stores show their runs to `watcher`. Results and gas are the same.
    ///
    /// Where it sees calls, modules must be loaded by this very engine, which translates all functions at once and runs them
    /// with [`Dispatch::Loop`], whatever compiler the other has.
    pub fn watched(&self, watcher: Arc<dyn Watcher>) -> Self {
        let mut config = self.0.config;
        let watch = Watch(Some(watcher));
        let mut compiler = self.0.compiler.clone();
        if watch.sees_calls() {
            config.dispatch = Dispatch::Loop;
            config.mode = CompilationMode::Eager;
            compiler = None;
        }
        Self(Arc::new(Inner { config, compiler, pool: self.0.pool.clone(), bench: Workbench::default(), watch }))
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// What modules may use.
    pub fn profile(&self) -> &Profile {
        &self.0.config.profile
    }

    /// What operators cost.
    pub fn schedule(&self) -> Schedule {
        self.0.config.schedule
    }

    /// How ops follow each other: tail or loop.
    pub fn dispatch(&self) -> Dispatch {
        self.0.config.dispatch
    }

    /// When functions are translated.
    pub fn compilation_mode(&self) -> CompilationMode {
        self.0.config.mode
    }

    /// Whether modules of `other` can run here.
    pub(crate) fn is(&self, other: &Engine) -> bool {
        let same = |a: &Config, b: &Config| a.profile == b.profile && a.schedule == b.schedule;
        // Machine code may lean on where memories lie.
        let reserves = self.0.pool.reserves() == other.0.pool.reserves();
        // Code that shows its calls is of no use elsewhere.
        let shows = || self.0.watch.sees_calls() || other.0.watch.sees_calls();
        Arc::ptr_eq(&self.0, &other.0) || reserves && same(&self.0.config, &other.0.config) && !shows()
    }

    pub(crate) fn compiler(&self) -> Option<&Arc<dyn Compiler>> {
        self.0.compiler.as_ref()
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.0.pool
    }

    pub(crate) fn bench(&self) -> &Workbench {
        &self.0.bench
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(&Config::default()).expect("the automatic choice of dispatch always exists")
    }
}
