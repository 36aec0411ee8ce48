//! A service that takes uploads and runs their functions, behind the routes that SSVM's had.
//!
//! | route | what |
//! |---|---|
//! | `POST /api/executables` | uploads a module; its number and keys come back |
//! | `GET /api/executables`, `GET`, `DELETE /api/executables/ID` | what there is; takes one away |
//! | `PUT /api/update_wasm_binary/ID` | puts another module in its place |
//! | `POST /api/run/ID/FUNCTION`, `.../bytes` | runs a function: text in and out, or bytes |
//! | `POST /api/multipart/run/ID/FUNCTION`, `.../bytes` | the same with an input for each part |
//! | `PUT`, `GET /api/state/ID` | text that functions get as their first argument |
//! | `PUT /api/callback/ID` | where answers go |
//! | `GET /api/log/ID` | the last runs |
//! | `POST /api/ephemeral_storage`, `GET`, `PUT`, `DELETE .../KEY` | a value of JSON, for an hour |
//! | `PUT`, `DELETE /api/keys/ID/usage_key` | another usage key, or none |
//!
//! `SSVM_Admin_Key` is shown to change an executable, `SSVM_Usage_Key` to run it if it has one; with `SSVM_Create_Usage_Key: true` an
//! upload gets one, and `SSVM_Description` describes it. `SSVM_Fetch` names where a function's input comes from, `SSVM_Callback`
//! where its answer goes, in a header or in a body of JSON: for both the server needs a grant to connect. All is kept in memory.

mod key;
mod outbound;
mod routes;
mod running;
mod store;

pub(crate) use routes::routes;

use crate::body::Bounds;
use gristmill_ext_grants::{Granted, Grants, Limits};
use key::Key;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// What the service takes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whoever uploads must show this key as `SSVM_Admin_Key`; without, everybody may upload.
    pub upload_key: Option<String>,
    /// Executables at once.
    pub executables: usize,
    /// Bytes of one.
    pub bytes: usize,
    /// Bytes of all.
    pub total: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { upload_key: None, executables: 256, bytes: 16 << 20, total: 256 << 20 }
    }
}

/// Modules that are uploaded at once: each may have all the bytes that one can have.
const UPLOADS: usize = 2;

/// The service.
pub(crate) struct Faas {
    store: Store,
    upload_key: Option<Key>,
    uploads: Bounds,
    small: Bounds,
    /// For connections of the server itself: no run's deadline counts for them.
    granted: Arc<Granted>,
    patience: Duration,
}

impl Faas {
    /// An empty service. Connections to others are made as `grants` say.
    pub(crate) fn new(options: Options, grants: &Grants, patience: Duration) -> Self {
        let mut grants = grants.clone();
        grants.limits = Limits { milliseconds: None, ..grants.limits };
        Self {
            store: Store::new(&options),
            uploads: Bounds::new(options.bytes, UPLOADS, patience),
            small: Bounds::new(store::VALUE, 64, patience),
            upload_key: options.upload_key.map(Key::new),
            granted: Granted::new(grants, |refused| eprintln!("{refused}")),
            patience,
        }
    }
}
