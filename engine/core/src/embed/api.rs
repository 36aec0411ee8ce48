//! Importable functions as tables: [`HostApi`], the narrow view of the guest that their bodies get, and `host_api!`.
//!
//! A body sees [`Guest`] (memory, meter, mode) and never the instance, so it cannot re-enter the code that called it.
//! Both tiers and the naive executor of the tests reach a body through the same [`HostApi::call`].

use super::intercept::Writes;
use crate::error::{Stop, Trap};
use crate::gas::{Gas, Meter};
use crate::wasm::isa::Ty;

/// One importable function: what a module may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRow {
    /// The guest's name of the module.
    pub module: &'static str,
    /// The guest's name of the function.
    pub name: &'static str,
    /// Parameter names and types.
    pub params: &'static [(&'static str, Ty)],
    /// At most one result.
    pub result: Option<Ty>,
    /// The price as the table writes it, for the generated page.
    pub price: &'static str,
    /// Whether the function writes state and so traps in static mode.
    pub writes: bool,
    /// The doc comment.
    pub docs: &'static [&'static str],
}

/// A table of importable functions over `Self`, made by [`host_api!`](crate::host_api).
pub trait HostApi {
    /// The rows; an import resolves to an index into them.
    fn rows() -> &'static [ApiRow];

    /// Calls row `index` with raw argument slots; the result slot is 0 when the row has no result.
    ///
    /// # Errors
    /// What the body stops with, and the prologue: out of gas, argument out of range, static violation. A `Fault` when
    /// there is no such row or there are fewer slots than parameters: linking rules both out.
    fn call(&mut self, index: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<u64, Stop>;
}

impl<A: HostApi> HostApi for &mut A {
    fn rows() -> &'static [ApiRow] {
        A::rows()
    }

    fn call(&mut self, index: usize, guest: &mut Guest<'_>, args: &[u64]) -> Result<u64, Stop> {
        (**self).call(index, guest, args)
    }
}

/// What a host function sees of its guest.
pub struct Guest<'a> {
    memory: &'a mut [u8],
    told: Told<'a>,
    /// The meter of the run.
    pub meter: &'a mut Meter,
}

/// Who is told what may be written.
enum Told<'a> {
    Nobody,
    /// A memory of our machine: bytes that somebody may have written, from the first on.
    Memory(&'a mut usize),
    /// Who takes notes, and the memory.
    Notes(&'a mut Writes, Option<&'a mut usize>),
}

impl<'a> Guest<'a> {
    /// A guest with that memory.
    pub fn new(memory: &'a mut [u8], meter: &'a mut Meter) -> Self {
        Self { memory, told: Told::Nobody, meter }
    }

    /// A guest with what a machine's memory lends.
    #[inline]
    pub(crate) fn lent((memory, written): (&'a mut [u8], &'a mut usize), meter: &'a mut Meter) -> Self {
        Self { memory, told: Told::Memory(written), meter }
    }

    /// Linear memory 0 of the calling instance; empty when it has none.
    #[inline]
    pub fn memory(&self) -> &[u8] {
        self.memory
    }

    /// All of it, to write to. For a few bytes [`Guest::write`] is better: memory that was not written need not be zeroed.
    #[inline]
    pub fn memory_mut(&mut self) -> &mut [u8] {
        self.tell(0, self.memory.len());
        self.memory
    }

    /// The same guest, for a call of which `writes` notes what was written, and no notes of before.
    pub fn noting<'b>(&'b mut self, writes: &'b mut Writes) -> Guest<'b> {
        let most = match &mut self.told {
            Told::Nobody => None,
            Told::Memory(most) => Some(&mut **most),
            Told::Notes(_, most) => most.as_deref_mut(),
        };
        Guest { memory: self.memory, told: Told::Notes(writes, most), meter: self.meter }
    }

    /// What is between may be written now.
    #[inline]
    fn tell(&mut self, from: usize, to: usize) {
        match &mut self.told {
            Told::Memory(most) => **most = (**most).max(to),
            _ => self.note(from, to),
        }
    }

    #[cold]
    fn note(&mut self, from: usize, to: usize) {
        if let Told::Notes(writes, most) = &mut self.told {
            writes.note(from..to);
            if let Some(most) = most {
                **most = (**most).max(to);
            }
        }
    }

    /// Takes whole gas.
    ///
    /// # Errors
    /// [`Trap::OutOfGas`].
    #[inline]
    pub fn charge(&mut self, gas: Gas) -> Result<(), Stop> {
        Ok(self.meter.charge_gas(gas)?)
    }

    /// Checks that `len` bytes at `ptr` lie in memory, by the bulk memory rule: a zero length at the very end is fine, one
    /// beyond is not.
    ///
    /// # Errors
    /// [`Trap::InvalidMemoryAccess`].
    #[inline]
    pub fn check(&self, ptr: u32, len: u32) -> Result<(), Stop> {
        if u64::from(ptr) + u64::from(len) <= self.memory.len() as u64 {
            Ok(())
        } else {
            Err(Trap::InvalidMemoryAccess.into())
        }
    }

    /// The `len` bytes at `ptr`.
    ///
    /// # Errors
    /// [`Trap::InvalidMemoryAccess`].
    #[inline]
    pub fn slice(&self, ptr: u32, len: u32) -> Result<&[u8], Stop> {
        self.check(ptr, len)?;
        Ok(&self.memory[ptr as usize..][..len as usize])
    }

    /// The `len` bytes at `ptr`, to write to.
    ///
    /// # Errors
    /// [`Trap::InvalidMemoryAccess`].
    #[inline]
    pub fn slice_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8], Stop> {
        self.check(ptr, len)?;
        let (from, to) = (ptr as usize, ptr as usize + len as usize);
        self.tell(from, to);
        Ok(&mut self.memory[from..to])
    }

    /// A copy of the `N` bytes at `ptr`.
    ///
    /// # Errors
    /// [`Trap::InvalidMemoryAccess`].
    #[inline]
    pub fn read<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.slice(ptr, N as u32)?);
        Ok(bytes)
    }

    /// Writes `bytes` at `ptr`.
    ///
    /// # Errors
    /// [`Trap::InvalidMemoryAccess`]; nothing is written then.
    #[inline]
    pub fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<(), Stop> {
        let len = u32::try_from(bytes.len()).map_err(|_| Trap::InvalidMemoryAccess)?;
        self.check(ptr, len)?;
        let (from, to) = (ptr as usize, ptr as usize + bytes.len());
        self.memory[from..to].copy_from_slice(bytes);
        // Last: nothing has to be kept over the call that this may be.
        self.tell(from, to);
        Ok(())
    }
}

/// Makes a [`HostApi`] out of rows: module, guest name => body(parameters) -> result, base price, + price by argument, effect.
///
/// The prologue of every row runs in a fixed order: base price, then the price by argument (an expression of type
/// `Result<Gas, Stop>`, which may refuse an argument before it names a price), then the static check of `writes`. The
/// base price is a closure over the implementing type, so that it may depend on schedule and revision. `in_static` names the
/// method that tells whether the frame is static. The effect is `reads`, `writes`, or `guards`: a writing row whose body
/// makes the static check itself, because something comes before it or because only some arguments write. A body is a
/// method `fn(&mut self, &mut Guest, args..) -> Result<R, Stop>` with `R` one of `()`, `u32`, `u64`, `f32`, `f64`; parameters arrive
/// as `u32` for `i32` and `u64` for `i64`.
///
/// Each row becomes a function of its own behind one table of function pointers: a call costs one bounds check and one
/// jump whatever the number of rows, and only the called row's frame is on the native stack when calls nest.
#[macro_export]
macro_rules! host_api {
    (impl [$($generics:tt)*] $target:ty, in_static $in_static:ident { $(
        $(#[doc = $doc:literal])*
        $module:literal $name:ident => $body:ident($($param:ident: $ty:ident),*) -> $result:ident,
            $base:expr, $(+ $extra:expr,)? $effect:ident;
    )* }) => {
        impl<$($generics)*> $crate::HostApi for $target {
            fn rows() -> &'static [$crate::ApiRow] {
                static ROWS: &[$crate::ApiRow] = &[$($crate::ApiRow {
                    module: $module,
                    name: stringify!($name),
                    params: &[$((stringify!($param), $crate::wasm::isa::Ty::$ty)),*],
                    result: $crate::host_api!(@result $result),
                    price: concat!(stringify!($base) $(, " + ", stringify!($extra))?),
                    writes: $crate::host_api!(@writes $effect),
                    docs: &[$($doc),*],
                }),*];
                ROWS
            }

            #[inline]
            fn call(
                &mut self,
                index: usize,
                guest: &mut $crate::Guest<'_>,
                args: &[u64],
            ) -> Result<u64, $crate::Stop> {
                #[allow(clippy::redundant_closure_call, irrefutable_let_patterns)] // Rows without parameters.
                let rows: &[$crate::ApiFn<Self>] = const { &[$(
                    |this, guest, args| {
                        let &[$($param,)* ..] = args else {
                            return Err($crate::Fault::Internal("a host function got too few arguments").into());
                        };
                        $(let $param = $crate::host_api!(@arg $ty $param);)*
                        guest.charge((($base) as fn(&Self) -> $crate::Gas)(this))?;
                        $(
                            let extra: Result<$crate::Gas, $crate::Stop> = $extra;
                            guest.charge(extra?)?;
                        )?
                        $crate::host_api!(@static_check $effect this.$in_static());
                        this.$body(guest, $($param),*).map($crate::IntoSlot::into_slot)
                    }
                ),*] };
                match rows.get(index) {
                    Some(row) => row(self, guest, args),
                    None => Err($crate::Fault::Internal("no such row in the host table").into()),
                }
            }
        }
    };
    (@result none) => { None };
    (@result $ty:ident) => { Some($crate::wasm::isa::Ty::$ty) };
    (@writes reads) => { false };
    (@writes writes) => { true };
    (@writes guards) => { true };
    (@static_check writes $is_static:expr) => {
        if $is_static {
            return Err($crate::Trap::StaticViolation.into());
        }
    };
    (@static_check $effect:ident $is_static:expr) => {};
    (@arg i32 $slot:ident) => { $slot as u32 };
    (@arg i64 $slot:ident) => { $slot };
    (@arg f32 $slot:ident) => { f32::from_bits($slot as u32) };
    (@arg f64 $slot:ident) => { f64::from_bits($slot) };
}

/// One row of a [`HostApi`] as a function: prologue and body.
pub type ApiFn<T> = fn(&mut T, &mut Guest<'_>, &[u64]) -> Result<u64, Stop>;

/// A result that fits a slot.
pub trait IntoSlot {
    /// The slot; 32-bit values are zero-extended.
    fn into_slot(self) -> u64;
}

impl IntoSlot for () {
    fn into_slot(self) -> u64 {
        0
    }
}

impl IntoSlot for u32 {
    fn into_slot(self) -> u64 {
        u64::from(self)
    }
}

impl IntoSlot for u64 {
    fn into_slot(self) -> u64 {
        self
    }
}

impl IntoSlot for f32 {
    fn into_slot(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl IntoSlot for f64 {
    fn into_slot(self) -> u64 {
        self.to_bits()
    }
}
