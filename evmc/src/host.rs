//! The host side: loads an EVMC plugin, ours or another, and is a [`Vm`] over it.
//!
//! A plugin is native code: loading one trusts it as much as linking it.

mod driver;
mod error;
mod table;

pub use error::LoadError;

use crate::abi::layout::{OptionStatus, RawVm};
use crate::abi::{Abi, WithAbi, with_abi};
use driver::{Drive, Driver};
use gristmill::contract::{Host, Message, Outcome, Refunds, Revision, Vm};
use libloading::Library;
use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::NonNull;

/// The most bytes of a text that names a plugin. Source: EVMC's loader.
const MAX_TEXT: usize = 4_096;

/// A loaded plugin with an instance of its VM. Ends the instance and unloads the library when it is dropped.
pub struct Plugin {
    // Fields are dropped in this order: the instance's code is in the library.
    driver: Box<dyn Drive>,
    _library: Option<Library>,
}

/// A create function.
type Create = unsafe extern "C" fn() -> *mut c_void;

impl Plugin {
    /// Loads the plugin that `text` names, as EVMC's loader does: `path`, or `path,option=value,option=value`.
    ///
    /// The create function is `evmc_create_NAME`, else `evmc_create`; NAME is the file's name without `lib` at its
    /// beginning, up to the first dot, with `_` for `-`. So a copy or link named `libgristmill_abi9.so` is our plugin at
    /// ABI 9. Any ABI from 7 to 12 is understood. An option without `=` gets an empty value.
    ///
    /// # Errors
    /// Why there is no plugin; [`LoadError::number`] is what EVMC's loader would return.
    pub fn load(text: &str) -> Result<Self, LoadError> {
        let mut parts = text.split(',');
        let path = parts.next().unwrap_or_default();
        check(text, path)?;
        let library = open(path)?;
        let names = [format!("evmc_create_{}", symbol_part(path)), "evmc_create".into()];
        let options: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        Self::create(library, &names, &options)
    }

    /// Loads a plugin by a create function of any name, `evmc_create_gristmill_abi9` for example.
    ///
    /// # Errors
    /// As with [`Plugin::load`].
    pub fn load_symbol(path: &str, symbol: &str, options: &[(&str, &str)]) -> Result<Self, LoadError> {
        check(path, path)?;
        Self::create(open(path)?, &[symbol.into()], options)
    }

    fn create(library: Library, names: &[String], options: &[(&str, &str)]) -> Result<Self, LoadError> {
        let found = names.iter().find_map(|name| {
            // SAFETY: a function of such a name is a create function, by the rules of EVMC.
            unsafe { library.get::<Create>(name.as_bytes()) }.ok()
        });
        let create = *found.ok_or_else(|| LoadError::NoSymbol(names.join(" or ")))?;
        // SAFETY: `create` is a create function of a library that is loaded.
        let mut plugin = Self { _library: None, ..unsafe { Self::from_create(create) }? };
        plugin._library = Some(library);
        for (name, value) in options {
            plugin.set_option(name, value)?;
        }
        Ok(plugin)
    }

    /// An instance by a create function that is linked in.
    ///
    /// # Safety
    /// `create` is an EVMC create function, whose code and VM stay for the life of the plugin.
    ///
    /// # Errors
    /// [`LoadError::NotCreated`], [`LoadError::WrongAbi`].
    pub unsafe fn from_create(create: Create) -> Result<Self, LoadError> {
        struct Take(NonNull<c_void>);

        impl WithAbi for Take {
            type Output = Box<dyn Drive>;

            fn with<A: Abi>(self) -> Box<dyn Drive> {
                // SAFETY: the instance is new, and its own number says that this is its ABI.
                Box::new(unsafe { Driver::<A>::new(self.0.cast()) })
            }
        }

        // SAFETY: the caller's promise.
        let vm = NonNull::new(unsafe { create() }).ok_or(LoadError::NotCreated)?;
        // SAFETY: all ABIs begin with their number.
        let abi = unsafe { vm.cast::<c_int>().read() };
        match with_abi(abi, Take(vm)) {
            Some(driver) => Ok(Self { driver, _library: None }),
            None => {
                // SAFETY: the VM of every ABI since 7, and of those after 12, has this function at this place.
                unsafe { driver::destroy::<crate::abi::Abi7>(vm.cast::<RawVm<_>>()) };
                Err(LoadError::WrongAbi(abi))
            }
        }
    }

    /// What the VM calls itself; empty when it does not say.
    pub fn name(&self) -> String {
        self.driver.name()
    }

    /// Its version; empty when it does not say.
    pub fn version(&self) -> String {
        self.driver.version()
    }

    /// The ABI that it speaks, 7 to 12.
    pub fn abi(&self) -> i32 {
        self.driver.abi()
    }

    /// What it can run: the sum of [`CAPABILITY_EVM1`](crate::abi::layout::CAPABILITY_EVM1) and its neighbours. Options
    /// may change it.
    pub fn capabilities(&self) -> u32 {
        self.driver.capabilities()
    }

    /// Who counts refunds: the VM since ABI 10, the journal before.
    pub fn refunds(&self) -> Refunds {
        if self.abi() >= 10 { Refunds::FromVm } else { Refunds::Counted }
    }

    /// Sets an option.
    ///
    /// # Errors
    /// [`LoadError::OptionName`], also when the VM has no options; [`LoadError::OptionValue`].
    pub fn set_option(&mut self, name: &str, value: &str) -> Result<(), LoadError> {
        let text = |text: &str| CString::new(text);
        let raw_name = text(name).map_err(|_| LoadError::OptionName(name.into()))?;
        let bad_value = || LoadError::OptionValue(name.into(), value.into());
        let raw_value = text(value).map_err(|_| bad_value())?;
        match self.driver.set_option(&raw_name, &raw_value) {
            number if number == OptionStatus::Success as c_int => Ok(()),
            number if number == OptionStatus::InvalidName as c_int => Err(LoadError::OptionName(name.into())),
            _ => Err(bad_value()),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("abi", &self.abi())
            .finish_non_exhaustive()
    }
}

impl Vm for Plugin {
    /// Runs the frame in the plugin. What it claims is held to its status and to the gas that it got; a result that
    /// cannot be is an internal error, and so is a frame in which `host` failed, whatever the plugin made of that.
    ///
    /// # Panics
    /// When `host` does: the panic waits until the plugin has returned.
    fn execute(&self, host: &mut dyn Host, revision: Revision, message: &Message<'_>, code: &[u8]) -> Outcome {
        self.driver.execute(host, revision, message, code)
    }
}

fn check(text: &str, path: &str) -> Result<(), LoadError> {
    if path.is_empty() || text.len() > MAX_TEXT {
        return Err(LoadError::Text);
    }
    Ok(())
}

fn open(path: &str) -> Result<Library, LoadError> {
    // SAFETY: a plugin is trusted code, initialisers and all; the module's text says so.
    unsafe { Library::new(path) }.map_err(|e| LoadError::Open(path.into(), e.to_string()))
}

/// The name that a file gives to its create function.
fn symbol_part(path: &str) -> String {
    let file = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_prefix("lib").unwrap_or(&file);
    name.split('.').next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_files() {
        let rows = [
            ("/usr/lib/libgristmill_evmc.so", "gristmill_evmc"),
            ("hera.so", "hera"),
            ("./liblib.so", "lib"),
            ("a/b.c/libssvm-evmc.so.0.8", "ssvm_evmc"),
            ("x/lib.so", ""),
        ];
        for (path, name) in rows {
            assert_eq!(symbol_part(path), name, "{path}");
        }
    }

    #[test]
    fn texts_that_name_nothing() {
        assert!(matches!(Plugin::load(""), Err(LoadError::Text)));
        assert!(matches!(Plugin::load(",engine=interp"), Err(LoadError::Text)));
        assert!(matches!(Plugin::load(&"x".repeat(MAX_TEXT + 1)), Err(LoadError::Text)));
        let error = Plugin::load("/nowhere/libx.so,a=b").unwrap_err();
        assert!(error.number() == 1 && error.to_string().contains("/nowhere/libx.so"), "{error}");
    }

    unsafe extern "C" fn nothing() -> *mut c_void {
        std::ptr::null_mut()
    }

    #[test]
    fn what_is_no_vm_is_refused() {
        // SAFETY: a create function that makes nothing.
        assert!(matches!(unsafe { Plugin::from_create(nothing) }, Err(LoadError::NotCreated)));
    }
}
