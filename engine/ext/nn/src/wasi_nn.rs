//! Bodies of `wasi_ephemeral_nn`: wasi-nn for core modules, and what WasmEdge adds to it.
//!
//! All answer a number: 0, or why not. Pointers are checked before anything else; what is wrong with them is `missing_memory`.

use crate::backend::{Encoding, Failure, Target};
use crate::table::{Context, Loaded, Nn, No, argument};
use crate::tensor::{Form, Type};
use gristmill::{Guest, Stop, Trap};
use std::sync::Arc;

/// What functions of wasi-nn answer. The numbers are the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Errno {
    /// It is done.
    Success = 0,
    /// A handle, an index or a tensor that does not fit; a result that is not there yet.
    InvalidArgument = 1,
    /// No back end takes the encoding, or the bytes are not of it.
    InvalidEncoding = 2,
    /// A pointer and a length that are not inside memory.
    MissingMemory = 3,
    /// Never answered: calls do not overlap.
    Busy = 4,
    /// The model does not run.
    RuntimeError = 5,
    /// What is asked for is not offered, or models of the guest are not granted.
    UnsupportedOperation = 6,
    /// The buffer is too small for the result, or the run takes more memory than is granted.
    TooLarge = 7,
    /// No model of that name is granted.
    NotFound = 8,
}

impl Errno {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Argument(_) => Self::InvalidArgument,
            Failure::Encoding(_) => Self::InvalidEncoding,
            Failure::Unsupported(_) => Self::UnsupportedOperation,
            Failure::TooLarge(_) => Self::TooLarge,
            Failure::NotFound(_) => Self::NotFound,
            Failure::Runtime(_) | Failure::Spent | Failure::Cancelled => Self::RuntimeError,
        }
    }

    /// The number that it had when there were six.
    fn old(self) -> Self {
        match self {
            Self::TooLarge => Self::MissingMemory,
            Self::UnsupportedOperation | Self::NotFound => Self::InvalidArgument,
            errno => errno,
        }
    }
}

/// Parts of a model, at most.
const PARTS: u32 = 16;

/// Dimensions of a tensor, at most.
pub(crate) const RANK: u32 = 16;

/// Bytes of a name, at most.
pub(crate) const NAME: u32 = 4 << 10;

/// Text of the guest: at most [`NAME`] bytes of UTF-8.
pub(crate) fn text(guest: &Guest<'_>, ptr: u32, len: u32) -> Result<String, No> {
    guest.check(ptr, len)?;
    if len > NAME {
        return Err(argument(format!("a name of {len} bytes")).into());
    }
    let text = std::str::from_utf8(guest.slice(ptr, len)?).map_err(|_| argument("a name that is no UTF-8"))?;
    Ok(text.into())
}

pub(crate) fn word(guest: &Guest<'_>, ptr: u32, place: u32) -> Result<u32, Stop> {
    let at = ptr.checked_add(4 * place).ok_or(Trap::InvalidMemoryAccess)?;
    Ok(u32::from_le_bytes(guest.read(at)?))
}

impl Nn {
    fn errno(&mut self, done: Result<(), No>) -> Result<u32, Stop> {
        let errno = match done {
            Ok(()) => Errno::Success,
            Err(No::Stop(Stop::Trap(Trap::InvalidMemoryAccess))) => Errno::MissingMemory,
            Err(No::Stop(stop)) => return Err(stop),
            Err(No::Failure(failure)) => {
                let errno = Errno::of(&failure);
                self.failure = Some(failure);
                errno
            }
        };
        Ok(if self.old_types { errno.old() } else { errno } as u32)
    }

    fn open(&mut self, guest: &mut Guest<'_>, graph: Arc<Loaded>, out: u32) -> Result<(), No> {
        let handle = self.graphs.insert(graph).ok_or_else(|| Failure::TooLarge("too many graphs are open".into()))?;
        Ok(guest.write(out, &handle.to_le_bytes())?)
    }

    pub(crate) fn load(
        &mut self,
        guest: &mut Guest<'_>,
        builders: u32,
        count: u32,
        encoding: u32,
        target: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            guest.check(builders, count.checked_mul(8).ok_or(Trap::InvalidMemoryAccess).map_err(Stop::from)?)?;
            if count == 0 || count > PARTS {
                return Err(argument(format!("a model of {count} parts")).into());
            }
            let encoding = Encoding::of_number(encoding)
                .ok_or_else(|| Failure::Encoding(format!("there is no encoding {encoding}")))?;
            match Target::of_number(target) {
                Some(target) if target.is_here() => {}
                Some(target) => return Err(Failure::Unsupported(format!("there is no {target:?}")).into()),
                None => return Err(argument(format!("there is no target {target}")).into()),
            }
            let part = |i| Ok((word(guest, builders, 2 * i)?, word(guest, builders, 2 * i + 1)?));
            let parts = (0..count).map(part).collect::<Result<Vec<_>, Stop>>()?;
            let graph = self.load_own(guest, "load", encoding, &parts)?;
            self.open(guest, graph, out)
        })();
        self.errno(done)
    }

    pub(crate) fn load_by_name(&mut self, guest: &mut Guest<'_>, name: u32, len: u32, out: u32) -> Result<u32, Stop> {
        let done = self.load_named(guest, "load_by_name", name, len, out);
        self.errno(done)
    }

    fn load_named(
        &mut self,
        guest: &mut Guest<'_>,
        function: &'static str,
        name: u32,
        len: u32,
        out: u32,
    ) -> Result<(), No> {
        guest.check(out, 4)?;
        guest.check(name, len)?;
        self.pay_bytes(guest, len.min(NAME).into())?;
        let name = text(guest, name, len)?;
        let graph = self.load_granted(function, &name)?;
        self.open(guest, graph, out)
    }

    pub(crate) fn load_by_name_with_config(
        &mut self,
        guest: &mut Guest<'_>,
        name: u32,
        len: u32,
        config: u32,
        config_len: u32,
        out: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            let config = text(guest, config, config_len)?;
            // Options are those of language models.
            if !matches!(config.trim(), "" | "{}") {
                return Err(Failure::Unsupported("no back end takes options".into()).into());
            }
            self.load_named(guest, "load_by_name_with_config", name, len, out)
        })();
        self.errno(done)
    }

    pub(crate) fn init_execution_context(&mut self, guest: &mut Guest<'_>, graph: u32, out: u32) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(out, 4)?;
            let graph = self.graphs.get(graph).ok_or_else(|| argument("no such graph"))?.clone();
            let inputs = graph.graph.inputs().iter().map(|_| None).collect();
            let context = Context { graph, inputs, outputs: Vec::new(), prepared: None };
            let handle = self.contexts.insert(context);
            let handle = handle.ok_or_else(|| Failure::TooLarge("too many contexts are open".into()))?;
            Ok(guest.write(out, &handle.to_le_bytes())?)
        })();
        self.errno(done)
    }

    fn context(&mut self, context: u32) -> Result<&mut Context, Failure> {
        self.contexts.get_mut(context).ok_or_else(|| argument("no such context"))
    }

    pub(crate) fn set_input(
        &mut self,
        guest: &mut Guest<'_>,
        context: u32,
        index: u32,
        tensor: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(tensor, 20)?;
            let [dims, count, data, len] = [0, 1, 3, 4].map(|place| word(guest, tensor, place));
            let (dims, count, data, len) = (dims?, count?, data?, len?);
            let [ty] = guest.read(tensor + 8)?;
            guest.check(dims, count.checked_mul(4).ok_or(Trap::InvalidMemoryAccess).map_err(Stop::from)?)?;
            guest.check(data, len)?;
            let ty = Type::of_wasi_nn(ty, self.old_types).ok_or_else(|| argument(format!("there is no type {ty}")))?;
            if count > RANK {
                return Err(argument(format!("a tensor of {count} dimensions")).into());
            }
            let dims = (0..count).map(|i| word(guest, dims, i).map(|dim| dim as usize));
            let form = Form { ty, dims: dims.collect::<Result<_, _>>()? };
            let port = self.context(context)?.graph.graph.inputs().get(index as usize);
            match port.map(|port| port.takes(&form)) {
                None => return Err(argument(format!("there is no input {index}")).into()),
                Some(false) => return Err(argument(format!("input {index} takes no {form:?}")).into()),
                Some(true) => {}
            }
            let held = self.take_tensor(guest, form, data, len)?;
            self.context(context)?.inputs[index as usize] = Some(held);
            Ok(())
        })();
        self.errno(done)
    }

    pub(crate) fn compute(&mut self, guest: &mut Guest<'_>, context: u32) -> Result<u32, Stop> {
        let done = (|| {
            let it = self.context(context)?;
            // Results of the last run are gone, whatever becomes of this one.
            it.outputs = Vec::new();
            let inputs = it.inputs.iter().map(|input| input.as_ref().map(|held| held.tensor.clone()));
            let inputs = inputs.collect::<Option<Vec<_>>>().ok_or_else(|| argument("an input is not set"))?;
            let (graph, mut prepared) = (it.graph.clone(), it.prepared.take());
            let outputs = self.infer(guest, &graph, inputs, None, &mut prepared);
            let it = self.context(context)?;
            it.prepared = prepared;
            it.outputs = outputs?;
            Ok(())
        })();
        self.errno(done)
    }

    pub(crate) fn get_output(
        &mut self,
        guest: &mut Guest<'_>,
        context: u32,
        index: u32,
        buf: u32,
        max: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        let done = (|| {
            guest.check(buf, max)?;
            guest.check(written, 4)?;
            let output = self.context(context)?.outputs.get(index as usize);
            let tensor = output.ok_or_else(|| argument(format!("there is no output {index}")))?.tensor.clone();
            let len = u32::try_from(tensor.bytes.len()).ok().filter(|len| *len <= max);
            let len = len.ok_or_else(|| Failure::TooLarge(format!("{} bytes of output", tensor.bytes.len())))?;
            self.pay_bytes(guest, len.into())?;
            guest.write(buf, &tensor.bytes)?;
            Ok(guest.write(written, &len.to_le_bytes())?)
        })();
        self.errno(done)
    }

    pub(crate) fn unload(&mut self, _: &mut Guest<'_>, graph: u32) -> Result<u32, Stop> {
        // Contexts of it go on.
        let done = self.graphs.remove(graph).map(drop).ok_or_else(|| argument("no such graph").into());
        self.errno(done)
    }

    pub(crate) fn finalize_execution_context(&mut self, _: &mut Guest<'_>, context: u32) -> Result<u32, Stop> {
        let done = self.contexts.remove(context).map(drop).ok_or_else(|| argument("no such context").into());
        self.errno(done)
    }

    /// Functions that give a word of a language model at a time: nothing here does.
    fn single(&mut self, context: u32) -> Result<u32, Stop> {
        let done = match self.context(context) {
            Ok(_) => Failure::Unsupported("no back end gives words one by one".into()),
            Err(failure) => failure,
        };
        self.errno(Err(done.into()))
    }

    pub(crate) fn compute_single(&mut self, _: &mut Guest<'_>, context: u32) -> Result<u32, Stop> {
        self.single(context)
    }

    pub(crate) fn get_output_single(
        &mut self,
        guest: &mut Guest<'_>,
        context: u32,
        _index: u32,
        buf: u32,
        max: u32,
        written: u32,
    ) -> Result<u32, Stop> {
        match guest.check(buf, max).and_then(|()| guest.check(written, 4)) {
            Ok(()) => self.single(context),
            Err(stop) => self.errno(Err(stop.into())),
        }
    }

    pub(crate) fn fini_single(&mut self, _: &mut Guest<'_>, context: u32) -> Result<u32, Stop> {
        self.single(context)
    }
}
