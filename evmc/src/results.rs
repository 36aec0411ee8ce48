//! Results: who owns their output, on both sides of the edge.

use crate::abi::Abi;
use crate::abi::layout::{RawAddress, Release, ResultLayout, ResultParts};
use crate::convert;
use gristmill::Fault;
use gristmill::contract::{CallKind, Outcome, StatusCode};
use std::ffi::c_int;
use std::ptr;

/// A result for the other side, which owns it then: its output is one allocation, which [`release`] frees; NULL when
/// there is none.
pub(crate) fn write_result<A: Abi>(outcome: Outcome) -> A::Result {
    let output = outcome.output.into_boxed_slice();
    let output_size = output.len();
    let (output_data, release): (_, Release<A::Result>) = if output.is_empty() {
        (ptr::null(), None)
    } else {
        (Box::into_raw(output).cast::<u8>().cast_const(), Some(release::<A>))
    };
    let parts = ResultParts {
        status: outcome.status as c_int,
        gas_left: outcome.gas_left,
        gas_refund: outcome.gas_refund,
        output_data,
        output_size,
        create_address: outcome.create_address.map_or(RawAddress::default(), |address| address.0),
    };
    A::Result::new(parts, release)
}

/// Looks only into the result, which may be a copy and lie anywhere.
unsafe extern "C" fn release<A: Abi>(result: *const A::Result) {
    // SAFETY: NULL, or a result of ours or a copy of one.
    let Some(result) = (unsafe { result.as_ref() }) else { return };
    let ResultParts { output_data, output_size, .. } = result.parts();
    if !output_data.is_null() {
        let output = ptr::slice_from_raw_parts_mut(output_data.cast_mut(), output_size);
        // SAFETY: `result` made this pointer and size from a box, and the host calls this once.
        drop(unsafe { Box::from_raw(output) });
    }
}

/// Copies what the other side's result has and releases it, whatever it is.
///
/// # Safety
/// `raw` is a result that the other side has just returned.
pub(crate) unsafe fn take_result<R: ResultLayout>(raw: R, kind: CallKind) -> Result<Outcome, Fault> {
    let ResultParts { status, gas_left, gas_refund, output_data, output_size, create_address } = raw.parts();
    let status = convert::read_status_code(status);
    // SAFETY: the output of a result is readable until it is released, below.
    let output = unsafe { convert::bytes(output_data, output_size) }.map(<[u8]>::to_vec);
    if let Some(release) = raw.release() {
        // SAFETY: called once, with the result, after the last use of what it owns.
        unsafe { release(&raw) };
    }
    Ok(Outcome {
        status,
        gas_left,
        gas_refund: if status == StatusCode::Success { gas_refund } else { 0 },
        output: output.map_err(Fault::Host)?,
        create_address: convert::created(kind, status, create_address),
    })
}
