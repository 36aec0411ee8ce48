//! Data in a file.

use crate::backend::{Backend, Broken, Change, Expected, Quota, Usage, Written};
use redb::{
    Database, Durability, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    TableHandle, WriteTransaction,
};
use std::ops::Bound;
use std::path::Path;

/// Key -> value, in a table of its own for each namespace: the name of the namespace behind this.
const DATA: &str = "data/";
/// Namespace -> bytes, keys. What is not there is empty.
const USAGE: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("usage");
/// "format".
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// The name of the layout above; another layout has another name.
const FORMAT: &str = "gristmill-storage-2";

/// A [`Backend`] in a file: a data base of redb. One process opens it at a time; its instances share it.
///
/// Every write is a transaction that is on disk when it returns, in two phases: guests choose what is written, and commits in
/// one phase rest on a checksum that is no match for chosen data. Readers see the last commit and never wait; writers wait for
/// each other, and none holds on to the data base between two calls of a guest.
#[derive(Debug)]
pub struct Redb {
    database: Database,
}

impl Redb {
    /// Opens the file, and makes it when there is none.
    ///
    /// # Errors
    /// When it cannot be opened, another process has it, or it is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Broken> {
        let path = path.as_ref();
        let named = |what: String| Broken(format!("{}: {what}", path.display()));
        let database = Database::create(path).map_err(|error| named(error.to_string()))?;
        Self::over(database).map_err(|Broken(what)| named(what))
    }

    /// Over a data base that the embedder has opened: with a cache of another size, or on something else than a file.
    ///
    /// # Errors
    /// When it cannot be read or written, or is something else.
    pub fn over(database: Database) -> Result<Self, Broken> {
        let store = Self { database };
        match store.format().map_err(broken)?.as_deref() {
            Some(FORMAT) => Ok(store),
            Some(other) => Err(Broken(format!("the format is {other:?} and must be {FORMAT:?}"))),
            None => Err(Broken("it is a data base of something else".into())),
        }
    }

    /// The format of the file, which a new one gets here.
    fn format(&self) -> Result<Option<String>, redb::Error> {
        let write = self.begin()?;
        // Any table at all makes it somebody's.
        let is_new = write.list_tables()?.next().is_none();
        if !is_new {
            let has = write.list_tables()?.any(|table| table.name() == META.name());
            let format = match has {
                true => write.open_table(META)?.get("format")?.map(|text| text.value().to_owned()),
                false => None,
            };
            write.abort()?;
            return Ok(format);
        }
        write.open_table(USAGE)?;
        write.open_table(META)?.insert("format", FORMAT)?;
        write.commit()?;
        Ok(Some(FORMAT.into()))
    }

    fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        let mut write = self.database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        write.set_two_phase_commit(true);
        Ok(write)
    }

    fn read<T>(&self, body: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, Broken> {
        let read = || body(&self.database.begin_read()?);
        read().map_err(broken)
    }

    /// Reads in a namespace, if anything was ever written to it.
    fn data<T>(&self, space: &str, body: impl FnOnce(&Data) -> Result<T, redb::Error>) -> Result<Option<T>, Broken> {
        self.read(|read| match read.open_table(TableDefinition::new(&table(space))) {
            Ok(data) => body(&data).map(Some),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    /// Bytes and keys of a namespace, counted anew: what [`Backend::usage`] must say.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn recount(&self, space: &str) -> Result<Usage, Broken> {
        let usage = self.data(space, |data| {
            data.iter()?.try_fold(Usage::default(), |usage, entry| {
                let (key, value) = entry?;
                Ok(usage.changed(key.value().len(), None, Some(value.value().len())))
            })
        });
        Ok(usage?.unwrap_or_default())
    }

    /// The names of all namespaces that something was written to.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn spaces(&self) -> Result<Vec<String>, Broken> {
        self.read(|read| {
            let table = read.open_table(USAGE)?;
            table.iter()?.map(|entry| Ok(entry?.0.value().to_owned())).collect()
        })
    }
}

/// The table of a namespace.
type Data = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The name of the table of a namespace.
fn table(space: &str) -> String {
    [DATA, space].concat()
}

fn broken(error: redb::Error) -> Broken {
    Broken(error.to_string())
}

/// Makes the changes in a transaction that is not committed yet.
fn change(
    write: &WriteTransaction,
    space: &str,
    quota: Quota,
    expected: Option<Expected<'_>>,
    changes: &[Change<'_>],
) -> Result<Written, redb::Error> {
    let name = table(space);
    let mut data = write.open_table(TableDefinition::<&[u8], &[u8]>::new(&name))?;
    let mut usages = write.open_table(USAGE)?;
    if let Some((key, value)) = expected
        && data.get(key)?.as_ref().map(|found| found.value()) != value
    {
        return Ok(Written::Mismatch);
    }
    let before = usages.get(space)?.map_or(Usage::default(), |usage| {
        let (bytes, keys) = usage.value();
        Usage { bytes, keys }
    });
    let mut after = before;
    for (key, value) in changes {
        let old = match value {
            Some(value) => data.insert(*key, value)?,
            None => data.remove(*key)?,
        };
        let old = old.map(|old| old.value().len());
        after = after.changed(key.len(), old, value.map(<[u8]>::len));
    }
    if !quota.admits(before, after) {
        return Ok(Written::Full);
    }
    if after != before {
        usages.insert(space, (after.bytes, after.keys))?;
    }
    Ok(Written::Done { before, after })
}

impl Backend for Redb {
    fn view(&self, space: &str, key: &[u8], see: &mut dyn FnMut(&[u8])) -> Result<bool, Broken> {
        let found = self.data(space, |data| Ok(data.get(key)?.map(|value| see(value.value())).is_some()));
        Ok(found? == Some(true))
    }

    fn keys(
        &self,
        space: &str,
        prefix: &[u8],
        after: &[u8],
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Broken> {
        let listed = self.data(space, |data| {
            let from = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
            for entry in data.range::<&[u8]>((from, Bound::Unbounded))? {
                let (key, _) = entry?;
                let key = key.value();
                if !key.starts_with(prefix) || !each(key) {
                    break;
                }
            }
            Ok(())
        });
        listed.map(|_| ())
    }

    fn usage(&self, space: &str) -> Result<Usage, Broken> {
        self.read(|read| {
            Ok(read.open_table(USAGE)?.get(space)?.map_or(Usage::default(), |usage| {
                let (bytes, keys) = usage.value();
                Usage { bytes, keys }
            }))
        })
    }

    fn write(
        &self,
        space: &str,
        quota: Quota,
        expected: Option<Expected<'_>>,
        changes: &[Change<'_>],
    ) -> Result<Written, Broken> {
        let run = || {
            let write = self.begin()?;
            let written = change(&write, space, quota, expected, changes)?;
            match written {
                // Nothing was there to be removed: no need to wait for the disk.
                Written::Done { before, after } if before == after && changes.iter().all(|(_, new)| new.is_none()) => {
                    write.abort()?
                }
                Written::Done { .. } => write.commit()?,
                Written::Mismatch | Written::Full => write.abort()?,
            }
            Ok(written)
        };
        run().map_err(broken)
    }
}
