//! The module `gristmill_storage`: its reference, and the bodies of its functions.
//!
//! # Rules of all functions
//!
//! Every parameter is an `i32`, but for `delta` of `increment`, an `i64`; every result is an `i32`, a [`Status`]. What is told
//! beside it is written to addresses that the guest gives: 4 bytes for `out` and `written` (8 for `out` of `increment`),
//! little-endian, at any alignment. All pointers and lengths are looked at before anything else happens, those to write to
//! included. Unless a status says otherwise, nothing has changed and nothing is written to the guest's memory when it is not
//! [`Ok`](Status::Ok). Only running out of gas or of time ends the program.
//!
//! `space` is a namespace: 0 is the first that is granted, other numbers come from `open`. A key has 1 to [`KEY`] bytes, a value
//! 0 to [`VALUE`]; both are any bytes. Keys are in the order of their bytes. What a function has acknowledged is on disk.
//! Instances that share a namespace see each other's acts whole, one after another.
//!
//! Any function may return [`BadPointer`](Status::BadPointer) if it takes pointers, [`BadHandle`](Status::BadHandle) if it
//! takes a namespace, [`BadKey`](Status::BadKey) if it takes a key, [`Denied`](Status::Denied) for namespace 0 when none is
//! granted, [`ReadOnly`](Status::ReadOnly) if it changes something, and [`Broken`](Status::Broken). The functions say what
//! else.
//!
//! # Functions
//!
//! | function | does | and returns |
//! | --- | --- | --- |
//! | `open(name, name_len, out)` | writes the handle of the namespace with that name, which is good as long as the instance | `Denied`: there is no such grant |
//! | `get(space, key, key_len, buf, buf_len, written)` | writes the value to `buf` and its length to `written` | `NotFound`; `TooSmall`: `written` has the length that it takes, `buf` is as it was |
//! | `set(space, key, key_len, value, value_len)` | gives the key that value, whether or not it had one | `TooLong`; `Full` |
//! | `delete(space, key, key_len)` | removes the key | `NotFound` |
//! | `exists(space, key, key_len, out)` | writes 1 if the key is there and 0 if not | |
//! | `list(space, prefix, prefix_len, cursor, cursor_len, buf, buf_len, written)` | writes keys that begin with `prefix` (which may be empty) and are behind `cursor` (empty at first, then the last key that was listed), as many as fit: for each 4 bytes of length and the key. `written` has the bytes; 0 is the end | `TooSmall`: not one fits, `written` has what the next takes; `BadKey`: prefix or cursor are longer than keys |
//! | `compare_and_swap(space, key, key_len, old, old_len, new, new_len)` | gives the key the value `new` if it has `old`. A length of -1 says that there is no value, and its pointer means nothing: as `old` that the key must not be there, as `new` that it is removed | `Mismatch`; `TooLong`; `Full` |
//! | `increment(space, key, key_len, delta, out)` | adds `delta` to the value, 8 bytes and signed, or to 0 when there is none, and writes the sum | `NotANumber`: it has not 8 bytes; `Overflow`; `Full` |
//! | `batch_begin(space)` | begins a batch: the instance's only one | `BatchOpen` |
//! | `batch_set(key, key_len, value, value_len)` | adds a `set`. Nothing sees it before the commit, not even this instance | `NoBatch`; `TooLong`; `BatchFull`: more than [`BATCH`] bytes; the batch is as it was |
//! | `batch_delete(key, key_len)` | adds a `delete`; the key need not be there | `NoBatch`; `BatchFull` |
//! | `batch_commit()` | makes all changes at once, in their order | `NoBatch`; `Full`: none is made. The batch is over whatever it returns |
//! | `batch_rollback()` | forgets the batch | `NoBatch` |
//!
//! A batch that is open when the instance ends is forgotten.
//!
//! Each call costs the price of a call; keys, values and names by their bytes, `list` by the bytes of `buf`, before the work. The
//! value of `get` is paid for when its length is known and before any of it reaches the guest.

use crate::backend::{Broken, Change, Usage, Written};
use crate::table::{Failure, Storage, quota};
use crate::{BATCH, CHANGE, KEY, VALUE};
use gristmill::{Guest, Stop, Trap};
use gristmill_ext_grants::{Access, Act};

/// What functions of `gristmill_storage` return. The numbers stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// It is done.
    Ok = 0,
    /// There is no such key.
    NotFound = 1,
    /// The buffer is too small; what it takes is written.
    TooSmall = 2,
    /// The namespace is not granted.
    Denied = 3,
    /// The namespace may be read only.
    ReadOnly = 4,
    /// The quota of the namespace, in bytes or in keys, does not admit it.
    Full = 5,
    /// A pointer and a length that are not inside memory.
    BadPointer = 6,
    /// There is no namespace with that handle.
    BadHandle = 7,
    /// A key that is empty or longer than [`KEY`].
    BadKey = 8,
    /// A value longer than [`VALUE`].
    TooLong = 9,
    /// The value is another one than expected.
    Mismatch = 10,
    /// The value is no number of 8 bytes.
    NotANumber = 11,
    /// The sum does not fit 64 bits.
    Overflow = 12,
    /// No batch is open.
    NoBatch = 13,
    /// A batch is open already.
    BatchOpen = 14,
    /// The batch would have more than [`BATCH`] bytes.
    BatchFull = 15,
    /// The host cannot read or write its data. Whether a change was made is not known.
    Broken = 16,
}

/// Changes that wait for their commit.
pub(crate) struct Batch {
    space: usize,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    bytes: usize,
}

/// Why a body ends before its end.
enum No {
    Status(Status),
    Stop(Stop),
}

impl From<Status> for No {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Pointers that are wrong are told; all other stops stop.
impl From<Stop> for No {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Trap(Trap::InvalidMemoryAccess) => Self::Status(Status::BadPointer),
            stop => Self::Stop(stop),
        }
    }
}

fn answer(body: impl FnOnce() -> Result<(), No>) -> Result<u32, Stop> {
    match body() {
        Ok(()) => Ok(Status::Ok as u32),
        Err(No::Status(status)) => Ok(status as u32),
        Err(No::Stop(stop)) => Err(stop),
    }
}

/// The length that says "no value".
const NONE: u32 = u32::MAX;

fn key_fits(len: u32) -> Result<(), No> {
    if (1..=KEY).contains(&(len as usize)) { Ok(()) } else { Err(Status::BadKey.into()) }
}

fn value_fits(len: u32) -> Result<(), No> {
    if len as usize <= VALUE { Ok(()) } else { Err(Status::TooLong.into()) }
}

/// A length that is one, or 0 for none.
fn length(len: u32) -> u32 {
    if len == NONE { 0 } else { len }
}

/// Checks a value that may be none.
fn check_maybe(guest: &Guest<'_>, ptr: u32, len: u32) -> Result<(), Stop> {
    if len == NONE { Ok(()) } else { guest.check(ptr, len) }
}

/// A value that may be none.
fn maybe<'a>(guest: &'a Guest<'_>, ptr: u32, len: u32) -> Result<Option<&'a [u8]>, Stop> {
    if len == NONE { Ok(None) } else { guest.slice(ptr, len).map(Some) }
}

impl Storage {
    /// The namespace of a handle, if it may be accessed so: its place among the grants.
    fn handle(&mut self, function: &'static str, handle: u32, access: Access) -> Result<usize, No> {
        // Handles are places counted from 1, and every place is granted: there is nothing to find by guessing.
        let place = (handle as usize).saturating_sub(1);
        if handle != 0 && place >= self.granted.grants.storage.len() {
            return Err(Status::BadHandle.into());
        }
        match self.space(function, place, access) {
            Ok(_) => Ok(place),
            Err(Failure::ReadOnly) => Err(Status::ReadOnly.into()),
            Err(_) => Err(Status::Denied.into()),
        }
    }

    fn charge(&self, guest: &mut Guest<'_>, bytes: u64) -> Result<(), No> {
        self.price().charge_bytes(guest, bytes)?;
        Ok(self.granted.in_time()?)
    }

    fn named(&self, place: usize) -> &str {
        &self.granted.grants.storage[place].namespace
    }

    fn broken(&mut self, broken: Broken) -> No {
        self.failure = Some(Failure::Broken(broken));
        Status::Broken.into()
    }

    /// What has become of a write; the usages before and after it.
    fn written(
        &mut self,
        function: &'static str,
        place: usize,
        written: Result<Written, Broken>,
    ) -> Result<(Usage, Usage), No> {
        match written {
            Ok(Written::Done { before, after }) => Ok((before, after)),
            Ok(Written::Mismatch) => Err(Status::Mismatch.into()),
            Ok(Written::Full) => {
                self.granted.refuse(function, self.named(place), Act::StorageQuota);
                self.failure = Some(Failure::Full);
                Err(Status::Full.into())
            }
            Err(broken) => Err(self.broken(broken)),
        }
    }

    /// Shows `see` the value of a key, if it has one, and says whether it has.
    fn view(
        &mut self,
        guest: &Guest<'_>,
        place: usize,
        key: u32,
        key_len: u32,
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, No> {
        let is_there = self.backend.view(self.named(place), guest.slice(key, key_len)?, see);
        is_there.map_err(|broken| self.broken(broken))
    }

    pub(crate) fn open(&mut self, guest: &mut Guest<'_>, name: u32, name_len: u32, out: u32) -> Result<u32, Stop> {
        answer(|| {
            guest.check(name, name_len)?;
            guest.check(out, 4)?;
            self.charge(guest, name_len.into())?;
            let name = guest.slice(name, name_len)?;
            let place = self.granted.grants.storage.iter().position(|grant| grant.namespace.as_bytes() == name);
            let Some(place) = place else {
                // A line of the log shows 256 bytes; more than a name's worth need not be made text.
                let shown = &name[..name.len().min(KEY)];
                self.granted.refuse("open", String::from_utf8_lossy(shown), Act::Storage);
                self.failure = Some(Failure::NotGranted);
                return Err(Status::Denied.into());
            };
            Ok(guest.write(out, &(place as u32 + 1).to_le_bytes())?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The guest's.
    pub(crate) fn get(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        key: u32,
        key_len: u32,
        buf: u32,
        buf_len: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            guest.check(buf, buf_len)?;
            guest.check(written, 4)?;
            let place = self.handle("get", space, Access::Ro)?;
            key_fits(key_len)?;
            self.charge(guest, key_len.into())?;
            let (mut value, mut len) = (Vec::new(), 0);
            let is_there = self.view(guest, place, key, key_len, &mut |found| {
                len = found.len();
                // What does not fit is not copied either.
                value.extend_from_slice(if len <= buf_len as usize { found } else { &[] });
            })?;
            if !is_there {
                return Err(Status::NotFound.into());
            }
            // A back end of an embedder's own may keep longer ones.
            let len = u32::try_from(len).map_err(|_| Status::TooLong)?;
            if len > buf_len {
                guest.write(written, &len.to_le_bytes())?;
                return Err(Status::TooSmall.into());
            }
            self.charge(guest, len.into())?;
            guest.write(buf, &value)?;
            Ok(guest.write(written, &len.to_le_bytes())?)
        })
    }

    pub(crate) fn set(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        key: u32,
        key_len: u32,
        value: u32,
        value_len: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            guest.check(value, value_len)?;
            let place = self.handle("set", space, Access::Rw)?;
            key_fits(key_len)?;
            value_fits(value_len)?;
            self.charge(guest, u64::from(key_len) + u64::from(value_len))?;
            let change = (guest.slice(key, key_len)?, Some(guest.slice(value, value_len)?));
            let grant = &self.granted.grants.storage[place];
            let done = self.backend.write(&grant.namespace, quota(grant), None, &[change]);
            self.written("set", place, done).map(|_| ())
        })
    }

    pub(crate) fn delete(&mut self, guest: &mut Guest<'_>, space: u32, key: u32, key_len: u32) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            let place = self.handle("delete", space, Access::Rw)?;
            key_fits(key_len)?;
            self.charge(guest, key_len.into())?;
            let change = (guest.slice(key, key_len)?, None);
            let grant = &self.granted.grants.storage[place];
            let done = self.backend.write(&grant.namespace, quota(grant), None, &[change]);
            let (before, after) = self.written("delete", place, done)?;
            if before == after { Err(Status::NotFound.into()) } else { Ok(()) }
        })
    }

    pub(crate) fn exists(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        key: u32,
        key_len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            guest.check(out, 4)?;
            let place = self.handle("exists", space, Access::Ro)?;
            key_fits(key_len)?;
            self.charge(guest, key_len.into())?;
            let is_there = self.view(guest, place, key, key_len, &mut |_| {})?;
            Ok(guest.write(out, &u32::from(is_there).to_le_bytes())?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The guest's.
    pub(crate) fn list(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        prefix: u32,
        prefix_len: u32,
        cursor: u32,
        cursor_len: u32,
        buf: u32,
        buf_len: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(prefix, prefix_len)?;
            guest.check(cursor, cursor_len)?;
            guest.check(buf, buf_len)?;
            guest.check(written, 4)?;
            let place = self.handle("list", space, Access::Ro)?;
            if prefix_len.max(cursor_len) as usize > KEY {
                return Err(Status::BadKey.into());
            }
            self.charge(guest, u64::from(prefix_len) + u64::from(cursor_len) + u64::from(buf_len))?;
            let (mut keys, mut missed) = (Vec::new(), 0);
            let listed = self.backend.keys(
                self.named(place),
                guest.slice(prefix, prefix_len)?,
                guest.slice(cursor, cursor_len)?,
                &mut |key| {
                    let takes = 4 + key.len();
                    if keys.len() + takes > buf_len as usize {
                        missed = takes as u32;
                        return false;
                    }
                    keys.extend_from_slice(&(key.len() as u32).to_le_bytes());
                    keys.extend_from_slice(key);
                    true
                },
            );
            listed.map_err(|broken| self.broken(broken))?;
            if keys.is_empty() && missed > 0 {
                guest.write(written, &missed.to_le_bytes())?;
                return Err(Status::TooSmall.into());
            }
            guest.write(buf, &keys)?;
            Ok(guest.write(written, &(keys.len() as u32).to_le_bytes())?)
        })
    }

    #[allow(clippy::too_many_arguments)] // The guest's.
    pub(crate) fn compare_and_swap(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        key: u32,
        key_len: u32,
        old: u32,
        old_len: u32,
        new: u32,
        new_len: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            check_maybe(guest, old, old_len)?;
            check_maybe(guest, new, new_len)?;
            let place = self.handle("compare_and_swap", space, Access::Rw)?;
            key_fits(key_len)?;
            value_fits(length(new_len))?;
            self.charge(guest, [key_len, length(old_len), length(new_len)].map(u64::from).iter().sum())?;
            let key = guest.slice(key, key_len)?;
            let (old, new) = (maybe(guest, old, old_len)?, maybe(guest, new, new_len)?);
            let grant = &self.granted.grants.storage[place];
            let done = self.backend.write(&grant.namespace, quota(grant), Some((key, old)), &[(key, new)]);
            self.written("compare_and_swap", place, done).map(|_| ())
        })
    }

    pub(crate) fn increment(
        &mut self,
        guest: &mut Guest<'_>,
        space: u32,
        key: u32,
        key_len: u32,
        delta: u64,
        out: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            guest.check(out, 8)?;
            let place = self.handle("increment", space, Access::Rw)?;
            key_fits(key_len)?;
            self.charge(guest, u64::from(key_len) + 8)?;
            // Whenever this goes round, another instance's act has come between and is done: somebody always gets on.
            loop {
                self.granted.in_time()?;
                let mut old = Some([0; 8]);
                let is_there = self.view(guest, place, key, key_len, &mut |value| old = value.try_into().ok())?;
                let old = old.ok_or(Status::NotANumber)?;
                let sum = i64::from_le_bytes(old).checked_add(delta as i64).ok_or(Status::Overflow)?.to_le_bytes();
                let name = guest.slice(key, key_len)?;
                let grant = &self.granted.grants.storage[place];
                let expected = Some((name, is_there.then_some(&old[..])));
                let done = self.backend.write(&grant.namespace, quota(grant), expected, &[(name, Some(&sum))]);
                match self.written("increment", place, done) {
                    Ok(_) => return Ok(guest.write(out, &sum)?),
                    Err(No::Status(Status::Mismatch)) => {}
                    Err(no) => return Err(no),
                }
            }
        })
    }

    pub(crate) fn batch_begin(&mut self, _: &mut Guest<'_>, space: u32) -> Result<u32, Stop> {
        answer(|| {
            let place = self.handle("batch_begin", space, Access::Rw)?;
            if self.batch.is_some() {
                return Err(Status::BatchOpen.into());
            }
            self.batch = Some(Batch { space: place, changes: Vec::new(), bytes: 0 });
            Ok(())
        })
    }

    /// Adds a change whose pointers are checked.
    fn batch_add(&mut self, guest: &mut Guest<'_>, key: (u32, u32), value: Option<(u32, u32)>) -> Result<(), No> {
        let batch = self.batch.as_ref().ok_or(Status::NoBatch)?;
        let value_len = value.map_or(0, |(_, len)| len);
        key_fits(key.1)?;
        value_fits(value_len)?;
        let bytes = batch.bytes + key.1 as usize + value_len as usize + CHANGE;
        if bytes > BATCH {
            return Err(Status::BatchFull.into());
        }
        self.charge(guest, u64::from(key.1) + u64::from(value_len))?;
        let value = value.map(|(ptr, len)| guest.slice(ptr, len).map(<[u8]>::to_vec)).transpose()?;
        let change = (guest.slice(key.0, key.1)?.to_vec(), value);
        let batch = self.batch.as_mut().ok_or(Status::NoBatch)?;
        batch.bytes = bytes;
        batch.changes.push(change);
        Ok(())
    }

    pub(crate) fn batch_set(
        &mut self,
        guest: &mut Guest<'_>,
        key: u32,
        key_len: u32,
        value: u32,
        value_len: u32,
    ) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            guest.check(value, value_len)?;
            self.batch_add(guest, (key, key_len), Some((value, value_len)))
        })
    }

    pub(crate) fn batch_delete(&mut self, guest: &mut Guest<'_>, key: u32, key_len: u32) -> Result<u32, Stop> {
        answer(|| {
            guest.check(key, key_len)?;
            self.batch_add(guest, (key, key_len), None)
        })
    }

    pub(crate) fn batch_commit(&mut self, guest: &mut Guest<'_>) -> Result<u32, Stop> {
        answer(|| {
            let batch = self.batch.take().ok_or(Status::NoBatch)?;
            self.charge(guest, batch.bytes as u64)?;
            let changes: Vec<Change<'_>> =
                batch.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
            let grant = &self.granted.grants.storage[batch.space];
            let done = self.backend.write(&grant.namespace, quota(grant), None, &changes);
            self.written("batch_commit", batch.space, done).map(|_| ())
        })
    }

    pub(crate) fn batch_rollback(&mut self, _: &mut Guest<'_>) -> Result<u32, Stop> {
        answer(|| self.batch.take().map(|_| ()).ok_or(No::Status(Status::NoBatch)))
    }
}
