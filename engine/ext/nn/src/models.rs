//! Models, shared between instances and read once.

use crate::backend::{Backend, Encoding, Failure, Graph, Origin, Target};
use crate::tract::Tract;
use gristmill_ext_grants::{Digest, Model};
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Something that is made once, by whoever asks first; others wait for it.
type Once<T> = Arc<OnceLock<Result<T, Failure>>>;

/// Models by what tells them apart.
type Graphs<K> = Mutex<HashMap<K, Once<Arc<dyn Graph>>>>;

/// Models that programs share, and what runs them. An embedder has one for all of its instances.
///
/// A file is read when it is asked for first; what it is then it is for as long as this lives. Files of the same content are one
/// model.
pub struct Models {
    backends: Vec<Arc<dyn Backend>>,
    files: Graphs<(PathBuf, Option<Digest>, Encoding, Option<String>)>,
    graphs: Graphs<(Digest, Encoding, Option<String>)>,
}

impl Default for Models {
    /// With the back ends that this build has: tract.
    fn default() -> Self {
        Self::new(vec![Arc::new(Tract)])
    }
}

impl Models {
    /// With these back ends; the first that takes an encoding gets it.
    pub fn new(backends: Vec<Arc<dyn Backend>>) -> Self {
        Self { backends, files: Mutex::default(), graphs: Mutex::default() }
    }

    /// The back ends.
    pub fn backends(&self) -> &[Arc<dyn Backend>] {
        &self.backends
    }

    /// The back end of that name.
    ///
    /// # Errors
    /// [`Failure::Unsupported`], with the names that there are.
    pub fn backend(&self, name: &str) -> Result<&Arc<dyn Backend>, Failure> {
        self.backends.iter().find(|backend| backend.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.backends.iter().map(|backend| backend.name()).collect();
            Failure::Unsupported(format!("there is no back end {name:?} among {names:?}"))
        })
    }

    /// The model of a grant.
    ///
    /// # Errors
    /// Its encoding, target or back end are not offered, its file cannot be read or has another digest, or is no such model.
    pub fn granted(&self, grant: &Model) -> Result<Arc<dyn Graph>, Failure> {
        let encoding = Encoding::of_name(&grant.encoding)
            .ok_or_else(|| Failure::Encoding(format!("there is no encoding {:?}", grant.encoding)))?;
        if !Target::of_name(&grant.target).is_some_and(Target::is_here) {
            return Err(Failure::Unsupported(format!("there is no target {:?}", grant.target)));
        }
        let backend = grant.backend.as_deref().map(|name| self.backend(name)).transpose()?;
        let key = (grant.file.clone(), grant.digest, encoding, grant.backend.clone());
        once(&self.files, key, || {
            let file = grant.file.display();
            let bytes = std::fs::read(&grant.file).map_err(|error| Failure::Runtime(format!("{file}: {error}")))?;
            let digest = Digest::of(&bytes);
            if let Some(wanted) = grant.digest.filter(|wanted| *wanted != digest) {
                return Err(Failure::Runtime(format!("{file} is {digest}, and not {wanted}")));
            }
            once(&self.graphs, (digest, encoding, grant.backend.clone()), || {
                self.load_by(backend, encoding, &[&bytes], Origin::Operator)
            })
        })
    }

    /// Reads a model, by the first back end that takes it.
    ///
    /// # Errors
    /// No back end takes it, or it cannot be read.
    pub fn load(&self, encoding: Encoding, parts: &[&[u8]], origin: Origin) -> Result<Arc<dyn Graph>, Failure> {
        self.load_by(None, encoding, parts, origin)
    }

    fn load_by(
        &self,
        backend: Option<&Arc<dyn Backend>>,
        encoding: Encoding,
        parts: &[&[u8]],
        origin: Origin,
    ) -> Result<Arc<dyn Graph>, Failure> {
        let encoding = match (encoding, parts) {
            (Encoding::Autodetect, [bytes]) => Encoding::of_bytes(bytes)
                .ok_or_else(|| Failure::Encoding("the bytes do not look like any model".into()))?,
            (Encoding::Autodetect, _) => return Err(Failure::Encoding("of several parts the encoding is told".into())),
            (encoding, _) => encoding,
        };
        let takes = |backend: &&Arc<dyn Backend>| backend.encodings().contains(&encoding);
        let backend = backend.or_else(|| self.backends.iter().find(takes)).filter(takes);
        backend.ok_or_else(|| Failure::Encoding(format!("no back end takes {encoding}")))?.load(encoding, parts, origin)
    }
}

fn once<K: Eq + Hash, T: Clone>(
    table: &Mutex<HashMap<K, Once<T>>>,
    key: K,
    make: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    // The lock is not held while a model is read. A thread that panicked has put its cell in, or not.
    let cell = table.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
    cell.get_or_init(make).clone()
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("backends", &self.backends).finish_non_exhaustive()
    }
}
