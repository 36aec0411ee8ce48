//! Arguments, environment, clocks, random bytes, and the end.

use crate::Wasi;
use crate::abi::{Answer, Failed, answer};
use crate::clock::Id;
use crate::errno::Errno;
use gristmill::{Guest, Halt, Stop};
use gristmill_ext_grants::{Act, Price};

/// Bytes of random data that are made at once.
const AT_ONCE: usize = 64 << 10;

/// Writes texts, each with a NUL behind it, and where each of them lies.
fn lay_out(guest: &mut Guest<'_>, price: Price, texts: &[String], pointers: u32, buffer: u32) -> Result<(), Failed> {
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    let (count, bytes) = (u32::try_from(4 * texts.len()), u32::try_from(bytes));
    guest.check(pointers, count.map_err(|_| Errno::Overflow)?)?;
    let bytes = bytes.map_err(|_| Errno::Overflow)?;
    guest.check(buffer, bytes)?;
    price.charge_bytes(guest, bytes.into())?;
    // Both places lie in memory.
    let (mut pointer, mut at) = (pointers, buffer);
    for text in texts {
        guest.write(pointer, &at.to_le_bytes())?;
        guest.write(at, text.as_bytes())?;
        at += text.len() as u32;
        guest.write(at, &[0])?;
        (pointer, at) = (pointer.wrapping_add(4), at.wrapping_add(1));
    }
    Ok(())
}

fn sizes(guest: &mut Guest<'_>, texts: &[String], count: u32, size: u32) -> Result<(), Failed> {
    let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    guest.check(count, 4)?;
    guest.check(size, 4)?;
    guest.write(count, &u32::try_from(texts.len()).map_err(|_| Errno::Overflow)?.to_le_bytes())?;
    Ok(guest.write(size, &u32::try_from(bytes).map_err(|_| Errno::Overflow)?.to_le_bytes())?)
}

impl Wasi {
    pub(crate) fn args_get(&mut self, guest: &mut Guest<'_>, pointers: u32, buffer: u32) -> Answer {
        answer(|| lay_out(guest, self.granted.grants.prices.wasi, &self.arguments, pointers, buffer))
    }

    pub(crate) fn args_sizes_get(&mut self, guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
        answer(|| sizes(guest, &self.arguments, count, size))
    }

    pub(crate) fn environ_get(&mut self, guest: &mut Guest<'_>, pointers: u32, buffer: u32) -> Answer {
        answer(|| lay_out(guest, self.granted.grants.prices.wasi, &self.environment, pointers, buffer))
    }

    pub(crate) fn environ_sizes_get(&mut self, guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
        answer(|| sizes(guest, &self.environment, count, size))
    }

    /// What a clock says; without a grant the operator is told.
    fn told<T>(&self, function: &'static str, time: Option<T>) -> Result<T, Errno> {
        time.ok_or_else(|| {
            self.granted.refuse(function, "", Act::Clock);
            Errno::Notcapable
        })
    }

    pub(crate) fn clock_res_get(&mut self, guest: &mut Guest<'_>, id: u32, out: u32) -> Answer {
        answer(|| {
            let resolution = self.told("clock_res_get", self.clock.resolution(Id::try_from(id)?))?;
            Ok(guest.write(out, &resolution.to_le_bytes())?)
        })
    }

    pub(crate) fn clock_time_get(&mut self, guest: &mut Guest<'_>, id: u32, _precision: u64, out: u32) -> Answer {
        answer(|| {
            let now = self.told("clock_time_get", self.clock.now(Id::try_from(id)?))?;
            Ok(guest.write(out, &now.to_le_bytes())?)
        })
    }

    pub(crate) fn random_get(&mut self, guest: &mut Guest<'_>, out: u32, length: u32) -> Answer {
        answer(|| {
            guest.check(out, length)?;
            self.granted.grants.prices.wasi.charge_bytes(guest, u64::from(length))?;
            let mut bytes = vec![0; AT_ONCE.min(length as usize)];
            let (mut at, mut left) = (out, length);
            loop {
                let part = bytes.len().min(left as usize);
                if !self.random.fill(&mut bytes[..part])? {
                    self.granted.refuse("random_get", "", Act::Random);
                    return Err(Errno::Notcapable.into());
                }
                guest.write(at, &bytes[..part])?;
                left -= part as u32;
                if left == 0 {
                    return Ok(());
                }
                at += part as u32;
                self.granted.in_time()?;
            }
        })
    }

    pub(crate) fn proc_exit(&mut self, _: &mut Guest<'_>, code: u32) -> Result<(), Stop> {
        Err(Halt::Exit(code as i32).into())
    }

    pub(crate) fn proc_raise(&mut self, _: &mut Guest<'_>, _signal: u32) -> Answer {
        answer(|| Err(Errno::Notsup.into()))
    }

    pub(crate) fn sched_yield(&mut self, _: &mut Guest<'_>) -> Answer {
        answer(|| {
            self.granted.in_time()?;
            std::thread::yield_now();
            Ok(())
        })
    }
}
