//! Bodies of `ssvm_tensorflow` and `ssvm_tensorflowlite`, which WasmEdge 0.8 to 0.12 have under its own names.
//!
//! Handles have 64 bits, and 0 is none. What does not work is 0 for a handle, 1 for a run, and nothing at all where there is no
//! result; an input that was refused makes the next run fail. Pointers outside of memory are a trap.

use crate::backend::Failure;
use crate::sessions::{Flavour, slotted};
use crate::table::{Nn, No, argument};
use crate::tensor::{Form, Type};
use crate::wasi_nn::{RANK, text};
use gristmill::{Guest, Stop, Trap};

/// A handle, or one that names nothing.
fn handle(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

impl Nn {
    /// What a body answers, or why not, which is for the operator alone.
    fn answer<T>(&mut self, done: Result<T, No>) -> Result<Option<T>, Stop> {
        match done {
            Ok(value) => Ok(Some(value)),
            Err(No::Stop(stop)) => Err(stop),
            Err(No::Failure(failure)) => {
                self.failure = Some(failure);
                Ok(None)
            }
        }
    }

    fn created(&mut self, done: Result<u32, No>) -> Result<u64, Stop> {
        Ok(self.answer(done)?.unwrap_or(0).into())
    }

    fn ended(&mut self, flavour: Flavour, session: u64) -> Result<(), Stop> {
        let done = self.end_session(flavour, handle(session));
        self.answer(done).map(drop)
    }

    fn ran(&mut self, guest: &mut Guest<'_>, flavour: Flavour, session: u64) -> Result<u32, Stop> {
        let done = self.run(guest, flavour, handle(session));
        Ok(u32::from(self.answer(done)?.is_none()))
    }

    fn len(&mut self, flavour: Flavour, tensor: u64) -> Result<u32, Stop> {
        let tensor = self.tensor(flavour, None, handle(tensor)).ok();
        Ok(tensor.map_or(0, |tensor| u32::try_from(tensor.bytes.len()).unwrap_or(u32::MAX)))
    }

    fn copied(&mut self, guest: &mut Guest<'_>, flavour: Flavour, tensor: u64, buf: u32) -> Result<(), Stop> {
        let Ok(tensor) = self.tensor(flavour, None, handle(tensor)) else { return Ok(()) };
        let len = u32::try_from(tensor.bytes.len()).map_err(|_| Trap::InvalidMemoryAccess)?;
        guest.check(buf, len)?;
        self.pay_bytes(guest, len.into())?;
        guest.write(buf, &tensor.bytes)
    }

    /// What an input is that does not work: noted, for nobody can be told.
    fn appended(&mut self, flavour: Flavour, session: u64, done: Result<(), No>) -> Result<(), Stop> {
        match done {
            Ok(()) => Ok(()),
            Err(No::Stop(stop)) => Err(stop),
            Err(No::Failure(failure)) => {
                self.spoil(flavour, handle(session), failure);
                Ok(())
            }
        }
    }

    pub(crate) fn tf_create_session(&mut self, guest: &mut Guest<'_>, model: u32, len: u32) -> Result<u64, Stop> {
        let done = self.begin_session(guest, "ssvm_tensorflow_create_session", Flavour::Full, (model, len));
        self.created(done)
    }

    pub(crate) fn tf_delete_session(&mut self, _: &mut Guest<'_>, session: u64) -> Result<(), Stop> {
        self.ended(Flavour::Full, session)
    }

    pub(crate) fn tf_run_session(&mut self, guest: &mut Guest<'_>, session: u64) -> Result<u32, Stop> {
        self.ran(guest, Flavour::Full, session)
    }

    pub(crate) fn tf_get_output_tensor(
        &mut self,
        guest: &mut Guest<'_>,
        session: u64,
        name: u32,
        len: u32,
        index: u32,
    ) -> Result<u64, Stop> {
        let done =
            text(guest, name, len).and_then(|name| self.result(Flavour::Full, handle(session), &slotted(&name, index)));
        self.created(done)
    }

    pub(crate) fn tf_get_tensor_len(&mut self, _: &mut Guest<'_>, tensor: u64) -> Result<u32, Stop> {
        self.len(Flavour::Full, tensor)
    }

    pub(crate) fn tf_get_tensor_data(&mut self, guest: &mut Guest<'_>, tensor: u64, buf: u32) -> Result<(), Stop> {
        self.copied(guest, Flavour::Full, tensor, buf)
    }

    #[allow(clippy::too_many_arguments)] // The interface's.
    pub(crate) fn tf_append_input(
        &mut self,
        guest: &mut Guest<'_>,
        session: u64,
        name: u32,
        len: u32,
        index: u32,
        dims: u32,
        count: u32,
        ty: u32,
        data: u32,
        data_len: u32,
    ) -> Result<(), Stop> {
        let done = (|| {
            let name = slotted(&text(guest, name, len)?, index);
            let form = form(guest, dims, count, ty)?;
            self.append_input(guest, handle(session), name, form, (data, data_len))
        })();
        self.appended(Flavour::Full, session, done)
    }

    pub(crate) fn tf_append_output(
        &mut self,
        guest: &mut Guest<'_>,
        session: u64,
        name: u32,
        len: u32,
        index: u32,
    ) -> Result<(), Stop> {
        let done = text(guest, name, len).and_then(|name| self.append_output(handle(session), slotted(&name, index)));
        self.appended(Flavour::Full, session, done)
    }

    pub(crate) fn tf_clear_input(&mut self, _: &mut Guest<'_>, session: u64) -> Result<(), Stop> {
        let done = self.clear_inputs(handle(session));
        self.answer(done).map(drop)
    }

    pub(crate) fn tf_clear_output(&mut self, _: &mut Guest<'_>, session: u64) -> Result<(), Stop> {
        let done = self.clear_outputs(handle(session));
        self.answer(done).map(drop)
    }

    pub(crate) fn lite_create_session(&mut self, guest: &mut Guest<'_>, model: u32, len: u32) -> Result<u64, Stop> {
        let done = self.begin_session(guest, "ssvm_tensorflowlite_create_session", Flavour::Lite, (model, len));
        self.created(done)
    }

    pub(crate) fn lite_delete_session(&mut self, _: &mut Guest<'_>, session: u64) -> Result<(), Stop> {
        self.ended(Flavour::Lite, session)
    }

    pub(crate) fn lite_run_session(&mut self, guest: &mut Guest<'_>, session: u64) -> Result<u32, Stop> {
        self.ran(guest, Flavour::Lite, session)
    }

    pub(crate) fn lite_get_output_tensor(
        &mut self,
        guest: &mut Guest<'_>,
        session: u64,
        name: u32,
        len: u32,
    ) -> Result<u64, Stop> {
        let done = text(guest, name, len).and_then(|name| self.result(Flavour::Lite, handle(session), &name));
        self.created(done)
    }

    pub(crate) fn lite_get_tensor_len(&mut self, _: &mut Guest<'_>, tensor: u64) -> Result<u32, Stop> {
        self.len(Flavour::Lite, tensor)
    }

    pub(crate) fn lite_get_tensor_data(&mut self, guest: &mut Guest<'_>, tensor: u64, buf: u32) -> Result<(), Stop> {
        self.copied(guest, Flavour::Lite, tensor, buf)
    }

    pub(crate) fn lite_append_input(
        &mut self,
        guest: &mut Guest<'_>,
        session: u64,
        name: u32,
        len: u32,
        data: u32,
        data_len: u32,
    ) -> Result<(), Stop> {
        let done =
            text(guest, name, len).and_then(|name| self.set_lite_input(guest, handle(session), name, (data, data_len)));
        self.appended(Flavour::Lite, session, done)
    }
}

/// Type and dimensions as TensorFlow's functions have them: dimensions are signed numbers of 64 bits.
pub(crate) fn form(guest: &Guest<'_>, dims: u32, count: u32, ty: u32) -> Result<Form, No> {
    guest.check(dims, count.checked_mul(8).ok_or(Trap::InvalidMemoryAccess).map_err(Stop::from)?)?;
    if count > RANK {
        return Err(argument(format!("a tensor of {count} dimensions")).into());
    }
    let ty =
        Type::of_tensorflow(ty).ok_or_else(|| Failure::Unsupported(format!("a tensor of TensorFlow's type {ty}")))?;
    let dim = |i: u32| {
        let dim = i64::from_le_bytes(guest.read(dims + 8 * i)?);
        usize::try_from(dim).map_err(|_| argument(format!("a dimension of {dim}")).into())
    };
    Ok(Form { ty, dims: (0..count).map(dim).collect::<Result<_, No>>()? })
}
