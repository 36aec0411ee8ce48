//! Where runs were that left their code early: functions by address, operators by return address.
//!
//! Cranelift keeps frame pointers: at each one lies the caller's, and above that the address at which the caller goes on. The
//! chain ends with a zero, where machine code was entered.

use crate::compile::Object;
use gristmill::tier::{self, Place};

/// Where functions and operators of a module are in its code.
pub(crate) struct Places {
    /// Address of the code.
    start: usize,
    /// Of every own function, in the order of the module, which is the code's too: where it begins.
    functions: Vec<u32>,
    /// Where the functions end: adaptors follow.
    end: u32,
    /// Functions that are interpreted.
    interpreted: Vec<u32>,
    /// Of every own function the byte of the module at which its first operator starts.
    bodies: Vec<u32>,
    /// Where calls return to, in order, and how far behind the first operator of the body the one starts that calls.
    returns: Vec<(u32, u32)>,
    /// Instructions that trap, in order, with their sites.
    traps: Vec<(u32, u32)>,
    imported: u32,
}

impl Places {
    /// Of a module's code, which begins at address `start`.
    pub(crate) fn new(object: Object, imported: u32, start: usize) -> Self {
        Self {
            start,
            functions: object.functions,
            end: object.adaptors.first().copied().unwrap_or(object.code.len() as u32),
            interpreted: object.interpreted,
            bodies: object.bodies,
            returns: object.returns,
            traps: object.traps,
            imported,
        }
    }

    /// Whether the instruction at `address` is one of a function.
    pub(crate) fn has(&self, address: usize) -> bool {
        (self.start..self.start + self.end as usize).contains(&address)
    }

    /// The site of the instruction at `address`, if that is one that traps.
    pub(crate) fn site_at(&self, address: usize) -> Option<u32> {
        let at = u32::try_from(address.checked_sub(self.start)?).ok()?;
        let found = self.traps.binary_search_by_key(&at, |(at, _)| *at).ok()?;
        Some(self.traps[found].1)
    }

    /// The functions that had been called, innermost first and `most` at most, of a run that left its code in the frame at
    /// `frame`, at `site` if it was a trap of the code itself. Nothing is there above `top`.
    ///
    /// # Safety
    /// From `frame` to `top` lies the stack that the run left.
    pub(crate) unsafe fn walk(&self, frame: usize, top: usize, site: Option<u32>, most: usize) -> Vec<Place> {
        let (mut places, mut frame, mut site) = (Vec::new(), frame, site);
        // Every frame lies above the one that it called.
        while frame != 0 && frame + 16 <= top && places.len() < most {
            // SAFETY: inside of the stack.
            let [around, return_to] = unsafe { *(frame as *const [usize; 2]) };
            places.extend(self.place(return_to, site.take()));
            if around <= frame {
                break;
            }
            frame = around;
        }
        places
    }

    /// The function that goes on at `return_to`; none: an adaptor, or a function that stands in for an interpreted one.
    fn place(&self, return_to: usize, site: Option<u32>) -> Option<Place> {
        let at = u32::try_from(return_to.checked_sub(self.start)?).ok().filter(|at| *at <= self.end)?;
        // What a call returns to lies behind it, and may be where the next function begins.
        let own = self.functions.partition_point(|start| *start < at).checked_sub(1)?;
        let function = own as u32 + self.imported;
        if self.interpreted.binary_search(&function).is_ok() {
            return None;
        }
        let returned = || self.returns.binary_search_by_key(&at, |(at, _)| *at).ok().map(|found| self.returns[found].1);
        let offset = site.map(tier::offset_of).or_else(returned);
        Some(Place { function, byte: offset.map(|offset| self.bodies[own] + offset) })
    }
}
