//! Bodies of `wasmedge_tensorflow` and `wasmedge_tensorflowlite` as they are from WasmEdge 0.13 on: functions without a prefix
//! that answer an error number and write what they have to tell.

use crate::backend::Failure;
use crate::legacy::form;
use crate::sessions::{Flavour, slotted};
use crate::table::{Nn, No};
use crate::wasi_nn::text;
use gristmill::{Guest, Stop, Trap};

/// What these functions answer. The numbers are WasmEdge's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// It is done.
    Success = 0,
    /// A handle or a name of nothing, a tensor that does not fit.
    InvalidArgument = 1,
    /// The bytes are no such model.
    InvalidEncoding = 2,
    /// A pointer that is not inside memory, or a buffer that is too small.
    MissingMemory = 3,
    /// Never answered: calls do not overlap.
    Busy = 4,
    /// The model does not run, takes too much memory, or is not granted.
    RuntimeError = 5,
}

/// `name:slot`, as these interfaces have it in the name itself.
fn named(name: &str) -> String {
    match name.rsplit_once(':') {
        Some((_, slot)) if slot.parse::<u32>().is_ok() => name.into(),
        _ => slotted(name, 0),
    }
}

impl Nn {
    fn code(&mut self, done: Result<(), No>) -> Result<u32, Stop> {
        let code = match done {
            Ok(()) => Code::Success,
            Err(No::Stop(Stop::Trap(Trap::InvalidMemoryAccess))) => Code::MissingMemory,
            Err(No::Stop(stop)) => return Err(stop),
            Err(No::Failure(failure)) => {
                let code = match &failure {
                    Failure::Argument(_) | Failure::NotFound(_) => Code::InvalidArgument,
                    Failure::Encoding(_) => Code::InvalidEncoding,
                    _ => Code::RuntimeError,
                };
                self.failure = Some(failure);
                code
            }
        };
        Ok(code as u32)
    }

    fn create(&mut self, guest: &mut Guest<'_>, flavour: Flavour, model: (u32, u32), out: u32) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            let session = self.begin_session(guest, "create_session", flavour, model)?;
            Ok(guest.write(out, &session.to_le_bytes())?)
        })();
        self.code(done)
    }

    fn delete(&mut self, flavour: Flavour, session: u32) -> Result<u32, Stop> {
        let done = self.end_session(flavour, session);
        self.code(done)
    }

    fn run_coded(&mut self, guest: &mut Guest<'_>, flavour: Flavour, session: u32) -> Result<u32, Stop> {
        let done = self.run(guest, flavour, session);
        self.code(done)
    }

    fn output(
        &mut self,
        guest: &mut Guest<'_>,
        flavour: Flavour,
        session: u32,
        (name, len): (u32, u32),
        out: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            let name = text(guest, name, len)?;
            let name = if flavour == Flavour::Full { named(&name) } else { name };
            let tensor = self.result(flavour, session, &name)?;
            Ok(guest.write(out, &tensor.to_le_bytes())?)
        })();
        self.code(done)
    }

    fn length(
        &mut self,
        guest: &mut Guest<'_>,
        flavour: Flavour,
        session: u32,
        tensor: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            let tensor = self.tensor(flavour, Some(session), tensor)?;
            let len =
                u32::try_from(tensor.bytes.len()).map_err(|_| Failure::TooLarge("a tensor beyond 4 GiB".into()))?;
            Ok(guest.write(out, &len.to_le_bytes())?)
        })();
        self.code(done)
    }

    fn data(
        &mut self,
        guest: &mut Guest<'_>,
        flavour: Flavour,
        (session, tensor): (u32, u32),
        (buf, max): (u32, u32),
        written: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(buf, max)?;
            guest.check(written, 4)?;
            let tensor = self.tensor(flavour, Some(session), tensor)?;
            let len = u32::try_from(tensor.bytes.len()).ok().filter(|len| *len <= max);
            let len = len.ok_or(Trap::InvalidMemoryAccess).map_err(Stop::from)?;
            self.pay_bytes(guest, len.into())?;
            guest.write(buf, &tensor.bytes)?;
            Ok(guest.write(written, &len.to_le_bytes())?)
        })();
        self.code(done)
    }

    pub(crate) fn create_session(
        &mut self,
        guest: &mut Guest<'_>,
        model: u32,
        len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.create(guest, Flavour::Full, (model, len), out)
    }

    /// A path of the host, which no guest has.
    pub(crate) fn create_session_saved_model(
        &mut self,
        guest: &mut Guest<'_>,
        path: u32,
        len: u32,
        _tags: u32,
        _tag_count: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            let path = text(guest, path, len)?;
            Err(Failure::Encoding(format!("no back end takes saved models: {path:?}")).into())
        })();
        self.code(done)
    }

    pub(crate) fn delete_session(&mut self, _: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        self.delete(Flavour::Full, session)
    }

    pub(crate) fn run_session(&mut self, guest: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        self.run_coded(guest, Flavour::Full, session)
    }

    pub(crate) fn get_output_tensor(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: u32,
        len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.output(guest, Flavour::Full, session, (name, len), out)
    }

    pub(crate) fn get_tensor_len(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        tensor: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.length(guest, Flavour::Full, session, tensor, out)
    }

    pub(crate) fn get_tensor_data(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        tensor: u32,
        buf: u32,
        max: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        self.data(guest, Flavour::Full, (session, tensor), (buf, max), written)
    }

    #[allow(clippy::too_many_arguments)] // The interface's.
    pub(crate) fn append_input_named(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: u32,
        len: u32,
        dims: u32,
        count: u32,
        ty: u32,
        data: u32,
        data_len: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            let name = named(&text(guest, name, len)?);
            let form = form(guest, dims, count, ty)?;
            self.append_input(guest, session, name, form, (data, data_len))
        })();
        self.code(done)
    }

    pub(crate) fn append_output_named(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: u32,
        len: u32,
    ) -> Result<u32, Stop> {
        let done = text(guest, name, len).and_then(|name| self.append_output(session, named(&name)));
        self.code(done)
    }

    pub(crate) fn clear_input(&mut self, _: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        let done = self.clear_inputs(session);
        self.code(done)
    }

    pub(crate) fn clear_output(&mut self, _: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        let done = self.clear_outputs(session);
        self.code(done)
    }

    pub(crate) fn create_lite_session(
        &mut self,
        guest: &mut Guest<'_>,
        model: u32,
        len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.create(guest, Flavour::Lite, (model, len), out)
    }

    pub(crate) fn delete_lite_session(&mut self, _: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        self.delete(Flavour::Lite, session)
    }

    pub(crate) fn run_lite_session(&mut self, guest: &mut Guest<'_>, session: u32) -> Result<u32, Stop> {
        self.run_coded(guest, Flavour::Lite, session)
    }

    pub(crate) fn get_lite_output_tensor(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: u32,
        len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.output(guest, Flavour::Lite, session, (name, len), out)
    }

    pub(crate) fn get_lite_tensor_len(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        tensor: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        self.length(guest, Flavour::Lite, session, tensor, out)
    }

    pub(crate) fn get_lite_tensor_data(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        tensor: u32,
        buf: u32,
        max: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        self.data(guest, Flavour::Lite, (session, tensor), (buf, max), written)
    }

    pub(crate) fn append_lite_input(
        &mut self,
        guest: &mut Guest<'_>,
        session: u32,
        name: u32,
        len: u32,
        data: u32,
        data_len: u32,
    ) -> Result<u32, Stop> {
        let done = text(guest, name, len).and_then(|name| self.set_lite_input(guest, session, name, (data, data_len)));
        self.code(done)
    }
}
