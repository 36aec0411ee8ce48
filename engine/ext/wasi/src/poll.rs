//! `poll_oneoff`: waiting for clocks and descriptors.

use crate::Wasi;
use crate::abi::{Answer, Failed, answer};
use crate::clock::Id;
use crate::errno::Errno;
use crate::fd::timespec;
use crate::rights::Rights;
use crate::table::What;
use gristmill::{Guest, Halt};
use gristmill_ext_grants::Act;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::AsFd;
use std::time::Duration;

/// How a subscription lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Its bytes.
    size: u32,
    /// Where a clock begins.
    clock: usize,
}

impl Layout {
    /// Preview 1's.
    const STANDARD: Self = Self { size: 48, clock: 16 };
    /// The one before, where a number of the guest's comes before a clock.
    pub const UNSTABLE: Self = Self { size: 56, clock: 24 };
}

/// Bytes of an event.
const EVENT: u32 = 32;

/// Subscriptions that one call takes at most: more than there are descriptors.
const MANY: u32 = 4_096;

/// What a guest waits for.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    userdata: [u8; 8],
    to: To,
}

#[derive(Clone, Copy, Debug)]
enum To {
    /// Nanoseconds from now.
    Clock { left: u64 },
    /// A descriptor, to be read or written.
    Descriptor { fd: u32, write: bool },
    /// It cannot be waited for.
    Nothing { tag: u8, errno: Errno },
}

/// What happened.
struct Event {
    userdata: [u8; 8],
    errno: Option<Errno>,
    tag: u8,
    bytes: u64,
    hang_up: bool,
}

impl Event {
    fn of(subscription: &Subscription, errno: Option<Errno>, bytes: u64, hang_up: bool) -> Self {
        let tag = match subscription.to {
            To::Clock { .. } => 0,
            To::Descriptor { write, .. } => 1 + u8::from(write),
            To::Nothing { tag, .. } => tag,
        };
        Self { userdata: subscription.userdata, errno, tag, bytes, hang_up }
    }

    fn encode(&self) -> [u8; EVENT as usize] {
        let mut bytes = [0; EVENT as usize];
        bytes[..8].copy_from_slice(&self.userdata);
        bytes[8..10].copy_from_slice(&self.errno.map_or(0, |errno| errno as u16).to_le_bytes());
        bytes[10] = self.tag;
        bytes[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[24..26].copy_from_slice(&u16::from(self.hang_up).to_le_bytes());
        bytes
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

impl Wasi {
    fn subscription(&self, bytes: &[u8], clock: usize) -> Subscription {
        let mut userdata = [0; 8];
        userdata.copy_from_slice(&bytes[..8]);
        let tag = bytes[8];
        let to = match tag {
            0 => {
                let flags = word(bytes, clock + 24) & 0xffff;
                self.clock_subscription(word(bytes, clock), long(bytes, clock + 8), flags)
            }
            1 | 2 => self.descriptor_subscription(word(bytes, 16), tag == 2),
            _ => Err(Errno::Inval),
        };
        Subscription { userdata, to: to.unwrap_or_else(|errno| To::Nothing { tag, errno }) }
    }

    fn clock_subscription(&self, id: u32, time: u64, flags: u32) -> Result<To, Errno> {
        let now = self.clock.now(Id::try_from(id)?).ok_or_else(|| {
            self.granted.refuse("poll_oneoff", "", Act::Clock);
            Errno::Notcapable
        })?;
        match flags {
            0 => Ok(To::Clock { left: time }),
            1 => Ok(To::Clock { left: time.saturating_sub(now) }),
            _ => Err(Errno::Inval),
        }
    }

    fn descriptor_subscription(&self, fd: u32, write: bool) -> Result<To, Errno> {
        let descriptor = self.table.get(fd)?;
        if matches!(descriptor.what, What::Directory { .. }) {
            return Err(Errno::Badf);
        }
        let right = if write { Rights::FD_WRITE } else { Rights::FD_READ };
        let listens = descriptor.base.has(Rights::SOCK_ACCEPT) && !write;
        if !descriptor.base.has(Rights::POLL_FD_READWRITE) || !(listens || descriptor.base.has(right)) {
            return Err(Errno::Notcapable);
        }
        Ok(To::Descriptor { fd, write })
    }

    /// What can be read of something that never has to be waited for.
    fn ready(&self, fd: u32, write: bool) -> u64 {
        match self.table.get(fd).map(|descriptor| &descriptor.what) {
            Ok(What::File { file, position }) if !write => {
                file.stat().map_or(0, |stat| stat.size.saturating_sub(*position))
            }
            _ => 0,
        }
    }

    /// What has happened to the descriptors within `timeout`; nothing waits for ever when there is one.
    fn look(&self, subscriptions: &[Subscription], timeout: Option<Duration>) -> Result<Vec<Event>, Failed> {
        let (mut events, mut waiting, mut whose) = (Vec::new(), Vec::new(), Vec::new());
        for subscription in subscriptions {
            match subscription.to {
                To::Clock { .. } => {}
                To::Nothing { errno, .. } => events.push(Event::of(subscription, Some(errno), 0, false)),
                To::Descriptor { fd, write } => {
                    let waited = match &self.table.get(fd)?.what {
                        What::File { file, .. } | What::Stream(file) => file.waits(),
                        What::Socket(socket) => Some(socket.as_fd()),
                        What::Directory { .. } => None,
                    };
                    match waited {
                        None => events.push(Event::of(subscription, None, self.ready(fd, write), false)),
                        Some(waited) => {
                            let flags = if write { PollFlags::OUT } else { PollFlags::IN };
                            waiting.push(PollFd::from_borrowed_fd(waited, flags));
                            whose.push(subscription);
                        }
                    }
                }
            }
        }
        // Something has happened already: the others are only looked at.
        let timeout = if events.is_empty() { timeout } else { Some(Duration::ZERO) };
        if !waiting.is_empty() || timeout.is_some_and(|timeout| !timeout.is_zero()) {
            match poll(&mut waiting, timeout.map(timespec).as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(Errno::from(errno).into()),
            }
        }
        for (waited, subscription) in waiting.iter().zip(whose) {
            let seen = waited.revents();
            if seen.is_empty() {
                continue;
            }
            let bytes = match subscription.to {
                To::Descriptor { write: false, .. } => rustix::io::ioctl_fionread(waited.as_fd()).unwrap_or(0),
                _ => 0,
            };
            let errno = seen.contains(PollFlags::NVAL).then_some(Errno::Badf);
            let errno = errno.or(seen.contains(PollFlags::ERR).then_some(Errno::Io));
            events.push(Event::of(subscription, errno, bytes, seen.contains(PollFlags::HUP)));
        }
        Ok(events)
    }

    pub(crate) fn poll_oneoff(
        &mut self,
        guest: &mut Guest<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        out: u32,
    ) -> Answer {
        self.poll(guest, Layout::STANDARD, subscriptions, events, count, out)
    }

    /// The same, of subscriptions that lie in memory in one way or the other.
    pub(crate) fn poll(
        &mut self,
        guest: &mut Guest<'_>,
        layout: Layout,
        subscriptions: u32,
        events: u32,
        count: u32,
        out: u32,
    ) -> Answer {
        answer(|| {
            if count == 0 || count > MANY {
                return Err(Errno::Inval.into());
            }
            self.granted.grants.prices.wasi.charge_bytes(guest, u64::from(count * layout.size))?;
            guest.check(events, count * EVENT)?;
            guest.check(out, 4)?;
            let bytes = guest.slice(subscriptions, count * layout.size)?.to_vec();
            let wanted = bytes.chunks_exact(layout.size as usize).map(|bytes| self.subscription(bytes, layout.clock));
            let wanted: Vec<_> = wanted.collect();
            let happened = self.wait_for(&wanted)?;
            let mut at = events;
            for event in &happened {
                guest.write(at, &event.encode())?;
                at = at.wrapping_add(EVENT);
            }
            Ok(guest.write(out, &(happened.len() as u32).to_le_bytes())?)
        })
    }

    /// Waits until something of that has happened; at least one thing has.
    fn wait_for(&mut self, wanted: &[Subscription]) -> Result<Vec<Event>, Failed> {
        let clocks = wanted.iter().filter_map(|wanted| match wanted.to {
            To::Clock { left } => Some(left),
            _ => None,
        });
        let first = clocks.min();
        let elapsed = |wanted: &[Subscription], passed: u64| -> Vec<Event> {
            let over = wanted.iter().filter(|it| matches!(it.to, To::Clock { left } if left <= passed));
            over.map(|it| Event::of(it, None, 0, false)).collect()
        };
        // Time that is the guest's alone passes at once.
        if let (Some(first), true) = (first, self.clock.is_virtual()) {
            let mut happened = self.look(wanted, Some(Duration::ZERO))?;
            if happened.is_empty() {
                self.clock.pass(first);
                happened = elapsed(wanted, first);
            }
            return Ok(happened);
        }
        let begun = std::time::Instant::now();
        loop {
            let passed = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let left = first.map(|first| Duration::from_nanos(first.saturating_sub(passed)));
            let Some(patience) = self.granted.turn(left) else { return Err(Failed::Stop(Halt::TimedOut.into())) };
            let mut happened = self.look(wanted, patience)?;
            let passed = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            happened.extend(elapsed(wanted, passed));
            if !happened.is_empty() {
                return Ok(happened);
            }
        }
    }
}
