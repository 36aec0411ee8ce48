//! The functions of value ops, as types: what a family computes, by name.

use crate::error::Trap;
use crate::interp::code::{Family, for_each_family};
use crate::wasm::num::{
    self,
    slot::{Slot, Yield},
};

/// A total function of two slots.
pub(crate) trait Binary {
    const FAMILY: Family;
    fn apply(a: u64, b: u64) -> u64;
}

/// A comparison: a total function whose branch is a family too.
pub(crate) trait Compare: Binary {
    const BRANCH: Family;
}

/// A function of two slots that may trap.
pub(crate) trait Partial {
    const FAMILY: Family;
    fn apply(a: u64, b: u64) -> Result<u64, Trap>;
}

/// A function of one slot; some trap, the others compile to no test at all.
pub(crate) trait Unary {
    const FAMILY: Family;
    fn apply(a: u64) -> Result<u64, Trap>;
}

/// A width of memory access.
pub(crate) trait Access {
    const FAMILY: Family;
    const SIZE: u64;
    /// # Safety
    /// `at` points at [`Access::SIZE`] readable bytes.
    unsafe fn load(at: *const u8) -> u64;
    /// # Safety
    /// `at` points at [`Access::SIZE`] writable bytes.
    unsafe fn store(at: *mut u8, value: u64);
}

/// A little-endian integer of memory and how it widens to a slot.
trait Widen: Sized {
    const SIZE: u64 = size_of::<Self>() as u64;
    fn widen32(self) -> u64;
    fn widen64(self) -> u64;
    fn narrow(slot: u64) -> Self;
}

macro_rules! widen {
    ($($ty:ident)*) => { $(
        impl Widen for $ty {
            #[inline(always)]
            fn widen32(self) -> u64 {
                u64::from(self as i32 as u32)
            }
            #[inline(always)]
            fn widen64(self) -> u64 {
                self as i64 as u64
            }
            #[inline(always)]
            fn narrow(slot: u64) -> Self {
                slot as Self
            }
        }
    )* };
}
widen!(u8 u16 u32 u64 i8 i16 i32);

macro_rules! access {
    ($name:ident $ty:ty, $widen:ident) => {
        pub(crate) struct $name;

        impl Access for $name {
            const FAMILY: Family = Family::$name;
            const SIZE: u64 = <$ty as Widen>::SIZE;
            #[inline(always)]
            unsafe fn load(at: *const u8) -> u64 {
                // SAFETY: the caller's promise. `to_le` is its own inverse: from little-endian to this machine's order.
                unsafe { at.cast::<$ty>().read_unaligned() }.to_le().$widen()
            }
            #[inline(always)]
            unsafe fn store(at: *mut u8, value: u64) {
                // SAFETY: the caller's promise.
                unsafe { at.cast::<$ty>().write_unaligned(<$ty as Widen>::narrow(value).to_le()) }
            }
        }
    };
}

macro_rules! functions {
    ($($kind:ident { $($body:tt)* })*) => { $(functions!(@$kind $($body)*);)* };
    (@commutative $($f:ident $m:ident;)*) => { $(functions!(@binary $f $m);)* };
    (@ordered $($f:ident $m:ident;)*) => { $(functions!(@binary $f $m);)* };
    (@float_binary $($f:ident $m:ident;)*) => { $(functions!(@binary $f $m);)* };
    (@compare $($f:ident $br:ident $m:ident;)*) => { $(
        functions!(@binary $f $m);
        impl Compare for $f {
            const BRANCH: Family = Family::$br;
        }
    )* };
    (@binary $f:ident $m:ident) => {
        pub(crate) struct $f;

        impl Binary for $f {
            const FAMILY: Family = Family::$f;
            #[inline(always)]
            fn apply(a: u64, b: u64) -> u64 {
                num::$m(Slot::from_slot(a), Slot::from_slot(b)).into_slot()
            }
        }
    };
    (@partial $($f:ident $m:ident;)*) => { $(
        pub(crate) struct $f;

        impl Partial for $f {
            const FAMILY: Family = Family::$f;
            #[inline(always)]
            fn apply(a: u64, b: u64) -> Result<u64, Trap> {
                num::$m(Slot::from_slot(a), Slot::from_slot(b)).into_result()
            }
        }
    )* };
    (@unary $($f:ident $m:ident;)*) => { $(
        pub(crate) struct $f;

        impl Unary for $f {
            const FAMILY: Family = Family::$f;
            #[inline(always)]
            fn apply(a: u64) -> Result<u64, Trap> {
                num::$m(Slot::from_slot(a)).into_result()
            }
        }
    )* };
    (@float_unary $($f:ident $m:ident;)*) => { functions!(@unary $($f $m;)*); };
    (@load $($f:ident $ty:ident;)*) => { $(functions!(@load_one $f $ty);)* };
    // Sign extension to 32 bits leaves the upper half of the slot zero; everything else widens to 64.
    (@load_one I32Load8S $ty:ident) => { access!(I32Load8S $ty, widen32); };
    (@load_one I32Load16S $ty:ident) => { access!(I32Load16S $ty, widen32); };
    (@load_one $f:ident $ty:ident) => { access!($f $ty, widen64); };
    (@store $($f:ident $ty:ident;)*) => { $(access!($f $ty, widen64);)* };
    (@other $($rest:tt)*) => {};
}
for_each_family!(functions);
