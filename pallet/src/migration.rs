//! What runs once when a runtime that has the pallet follows one that had an earlier version of it, or none.

use crate::{Config, Pallet, STORAGE_VERSION};
use core::marker::PhantomData;
use frame_support::migrations::VersionedMigration;
use frame_support::traits::{Get, UncheckedOnRuntimeUpgrade};
use frame_support::weights::Weight;

/// The pallet is new on this chain: its account gets the existential deposit, by issuing it. Later versions of what is stored
/// add a migration like this one, from their predecessor's number to their own.
pub type Begin<T> = VersionedMigration<0, 1, Endow<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// The work of [`Begin`].
pub struct Endow<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for Endow<T> {
    fn on_runtime_upgrade() -> Weight {
        debug_assert_eq!(STORAGE_VERSION, 1);
        Pallet::<T>::endow();
        T::DbWeight::get().reads_writes(2, 2)
    }
}
