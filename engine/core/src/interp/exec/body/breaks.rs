//! Ops that leave the loop where a watched module calls or returns: [`watch`](crate::interp::exec::watch) goes on.

use super::*;

/// An op of a watched module that is not run but shown: its word is that of `B` with another code.
pub(crate) struct Break<B>(PhantomData<B>);

/// An op that [`Break`] may stand for.
pub(crate) trait Watched: Body {
    /// The form of [`Family::Break`] that stands for it.
    const FORM: u16;
}

impl Watched for Call {
    const FORM: u16 = 0;
}

impl Watched for CallImport {
    const FORM: u16 = 1;
}

impl Watched for CallIndirect {
    const FORM: u16 = 2;
}

impl Watched for CallRef {
    const FORM: u16 = 3;
}

impl<const FORM: u16> Watched for Return<FORM> {
    const FORM: u16 = 4 + FORM;
}

impl<const FORM: u16> Watched for TailCall<FORM> {
    const FORM: u16 = 8 + FORM;
}

impl<const FORM: u16> Watched for Throw<FORM> {
    const FORM: u16 = 12 + FORM;
}

impl<B: Watched> Body for Break<B> {
    const CODE: u16 = Family::Break.effect(B::FORM);
    const WORDS: usize = B::WORDS;
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Flow {
        // SAFETY: contract.
        let saved = unsafe { &mut (*r.vm).saved };
        (saved.pc, saved.fp, saved.acc) = (r.pc, r.fp, r.acc);
        // A stop without a reason.
        Flow::Stop
    }
}
