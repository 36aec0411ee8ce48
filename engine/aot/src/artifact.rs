//! Machine code as bytes: what it is for, what it is, and who says so.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `gmcode`, 0, format 4 |
//! | 32 | SHA-256 of all that follows |
//! | 1 | 0: not signed; 1: signed |
//! | 32, 64 | if signed: Ed25519 key, signature of the body |
//! | rest | the body: [`Header`], SHA-256 of the module, the code ([postcard](https://postcard.jamesmunns.com)) |
//!
//! A digest says that bytes are whole, and nothing more: whoever made them can compute one. Code runs only when it comes out of
//! the owner's own cache ([`crate::cache`]), or when a key that the owner trusts signed it.

use crate::Bounds;
use crate::compile::Object;
use cranelift_codegen::isa::TargetIsa;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use gristmill::{Engine, tier::layout};
use serde::Serialize;
use sha2::digest::Output;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The last byte goes up with every change of how machine code and engine meet, gates and registers too: code of another build of
/// the same version must not run.
const MAGIC: [u8; 8] = *b"gmcode\0\x04";
const DIGEST: usize = 32;
const KEY: usize = 32;
const SIGNATURE: usize = 64;

/// What machine code is for, but for the module. All of it must be equal, or the code is for something else.
#[derive(Debug, Serialize)]
pub(crate) struct Header {
    /// Version of this crate.
    pub engine: String,
    /// Offsets that the code was made with.
    pub layout: Vec<u32>,
    /// Architecture and system.
    pub target: String,
    /// What the processor must have.
    pub features: String,
    /// How bounds of memory are kept.
    pub bounds: String,
    /// Profile: name, features, limits.
    pub profile: String,
    /// Schedule.
    pub schedule: String,
}

impl Header {
    /// Of code that a compiler for `isa` makes for an engine.
    pub(crate) fn new(engine: &Engine, isa: &dyn TargetIsa, bounds: Bounds) -> Self {
        let flags = |flags: Vec<cranelift_codegen::settings::Value>| {
            let texts: Vec<String> = flags.iter().map(ToString::to_string).collect();
            texts.join(" ")
        };
        Self {
            engine: env!("CARGO_PKG_VERSION").into(),
            layout: layout::ALL.iter().map(|offset| *offset as u32).collect(),
            target: isa.triple().to_string(),
            features: format!("{} {}", flags(isa.flags().iter().collect()), flags(isa.isa_flags())),
            bounds: format!("{bounds:?}"),
            profile: format!("{:?}", engine.profile()),
            schedule: engine.schedule().name().into(),
        }
    }

    /// As bytes.
    pub(crate) fn write(&self) -> Written {
        let bytes = postcard::to_allocvec(self).expect("plain data is written");
        Written { digest: Sha256::digest(&bytes), bytes }
    }
}

/// A [`Header`] as bytes.
#[derive(Debug)]
pub(crate) struct Written {
    bytes: Vec<u8>,
    digest: Output<Sha256>,
}

/// What machine code is for.
#[derive(Debug)]
pub(crate) struct Purpose {
    header: Arc<Written>,
    module: Output<Sha256>,
}

impl Purpose {
    /// Code for what the header says, of the module of `bytes`.
    pub(crate) fn new(header: Arc<Written>, bytes: &[u8]) -> Self {
        Self { header, module: Sha256::digest(bytes) }
    }

    /// A name that no other purpose has.
    pub(crate) fn name(&self) -> String {
        format!("{:x}-{:x}", self.header.digest, self.module)
    }

    /// What a body that is for this begins with.
    fn to_bytes(&self) -> Vec<u8> {
        [&self.header.bytes[..], &self.module].concat()
    }

    /// The code of a body that is for this.
    fn code_of<'a>(&self, body: &'a [u8]) -> Option<&'a [u8]> {
        body.strip_prefix(&self.header.bytes[..])?.strip_prefix(&self.module[..])
    }
}

/// Why bytes are not used as machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Not machine code of this format, or not whole.
    Damaged,
    /// For another engine, machine, profile, schedule or module.
    Foreign,
    /// Nobody who is trusted says that it may run.
    Untrusted,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Rejected::Damaged => "the machine code is damaged, or of another format",
            Rejected::Foreign => "the machine code is for another engine, machine, profile, schedule or module",
            Rejected::Untrusted => "nobody who is trusted has signed the machine code",
        })
    }
}

impl std::error::Error for Rejected {}

/// Who may say that code runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trust<'a> {
    /// The bytes come from the owner's own cache.
    Own,
    /// One of these keys must have signed them.
    Keys(&'a [VerifyingKey]),
}

/// Machine code as bytes, signed if there is somebody to.
pub(crate) fn write(purpose: &Purpose, object: &Object, signer: Option<&SigningKey>) -> Vec<u8> {
    let body = [purpose.to_bytes(), postcard::to_allocvec(object).expect("plain data is written")].concat();
    let mut rest = Vec::with_capacity(body.len() + 1 + KEY + SIGNATURE);
    match signer {
        None => rest.push(0),
        Some(signer) => {
            rest.push(1);
            rest.extend_from_slice(signer.verifying_key().as_bytes());
            rest.extend_from_slice(&signer.sign(&body).to_bytes());
        }
    }
    rest.extend_from_slice(&body);
    [&MAGIC[..], &Sha256::digest(&rest), &rest].concat()
}

/// Reads machine code for `purpose`, if somebody trusted says that it may run.
///
/// # Errors
/// Why it is not used.
pub(crate) fn read(bytes: &[u8], purpose: &Purpose, trust: Trust<'_>) -> Result<Object, Rejected> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(Rejected::Damaged)?;
    let (digest, rest) = rest.split_at_checked(DIGEST).ok_or(Rejected::Damaged)?;
    if Sha256::digest(rest)[..] != *digest {
        return Err(Rejected::Damaged);
    }
    let (signed, body) = match rest.split_first().ok_or(Rejected::Damaged)? {
        (0, body) => (None, body),
        (1, rest) => {
            let (key, rest) = rest.split_first_chunk::<KEY>().ok_or(Rejected::Damaged)?;
            let (signature, body) = rest.split_first_chunk::<SIGNATURE>().ok_or(Rejected::Damaged)?;
            (Some((key, Signature::from_bytes(signature))), body)
        }
        _ => return Err(Rejected::Damaged),
    };
    // Before anything of the body is looked at.
    let trusted = match (trust, signed) {
        (Trust::Own, _) => true,
        (Trust::Keys(_), None) => false,
        (Trust::Keys(keys), Some((key, signature))) => {
            keys.iter().any(|trusted| trusted.as_bytes() == key && trusted.verify_strict(body, &signature).is_ok())
        }
    };
    if !trusted {
        return Err(Rejected::Untrusted);
    }
    let code = purpose.code_of(body).ok_or(Rejected::Foreign)?;
    let object: Object = postcard::from_bytes(code).map_err(|_| Rejected::Damaged)?;
    if !object.is_whole() {
        return Err(Rejected::Damaged);
    }
    Ok(object)
}
