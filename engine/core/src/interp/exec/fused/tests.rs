use super::*;
use crate::error::Trap;
use crate::gas::Schedule;
use crate::interp::code::Family;
use crate::interp::exec::machine::Machine;
use crate::interp::exec::memory::{PAGE, Pool};
use crate::interp::exec::{looped, slow};
use crate::limits::RunLimits;
use crate::wasm::types::MemoryType;
use alloc::{sync::Arc, vec::Vec};

/// Slots that ops compute with; more than that are compared.
const SLOTS: u64 = 14;
/// The slot that holds a return address: behind those that a copy of several may write.
const CONTROL: u16 = 19;
/// Where a callee's frame begins.
const CALLEE: u16 = 24;
/// Where the accumulator goes in the end, by the way the code was left.
const FALLEN: u16 = 20;
const TAKEN: u16 = 21;
const GLOBALS: usize = 4;

/// xorshift64*: the same cases on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    /// Small numbers, addresses at memory's end, and anything.
    fn value(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(4),
            1 => PAGE as u64 - self.below(16),
            2 => self.below(PAGE as u64),
            _ => self.below(u64::MAX),
        }
    }
}

/// The ops of `parts` with operands at random, a pad for each way to leave them, and a function to call.
fn program(parts: &[u16], random: &mut Random) -> Vec<Word> {
    let size: usize = parts.iter().map(|part| words_of(Word::new(*part, 0, 0, 0))).sum();
    let (fallen, taken, callee) = (size, size + 2, size + 4);
    let mut code = Vec::new();
    for part in parts {
        let at = code.len();
        let mut slot = || random.below(SLOTS) as u16;
        let (a, b, c) = (slot(), slot(), slot());
        let mut word = Word::new(*part, a, b, c);
        let cost = |random: &mut Random| random.below(20);
        let family = word.family().expect("parts are ops of a family");
        let mut extension = random.value();
        match family {
            Family::Charge => word = Word::wide(*part, 0, cost(random) as u32),
            Family::GlobalGet | Family::GlobalSet => word = Word::wide(*part, a, random.below(GLOBALS as u64) as u32),
            Family::Copy if word.form() == 5 => word = Word::new(*part, a, b, c % 4),
            Family::Select => extension = random.below(SLOTS),
            Family::Br => word = Word::new(*part, (taken - at) as u16, cost(random) as u16, 0),
            Family::Return => word = Word::new(*part, CONTROL, b, c),
            Family::Call => word = Word::wide(*part, CALLEE, (callee - at) as u32),
            Family::BrTable => {
                word = Word::wide(*part, a, 0);
                extension = (taken - at) as u64 | cost(random) << 32;
            }
            _ if words_of(word) == 2 && !is_value(family) => {
                word = Word::new(*part, a, b, (taken - at) as u16);
                extension = cost(random) | cost(random) << 32;
            }
            Family::Store8 | Family::Store16 | Family::Store32 | Family::Store64 if random.below(2) == 0 => {
                word = Word::new(*part, a, b, random.below(1 << 16) as u16);
            }
            _ => {}
        }
        code.push(word);
        code.resize(at + words_of(word), Word(extension));
    }
    assert_eq!(code.len(), size);
    for pad in [FALLEN, TAKEN] {
        code.push(Word::new(Family::Copy.effect(1), pad, 0, 0));
        code.push(Word::new(Family::Exit.effect(0), 0, 0, 0));
    }
    assert_eq!((code.len(), fallen), (callee, taken - 2));
    code.extend([Word(random.below(20)), Word::new(8, 0, 2, 0), Word::new(Family::Exit.effect(0), 0, 0, 0)]);
    code
}

/// Whether an extension word holds an operand, not costs.
fn is_value(family: Family) -> bool {
    (family as u16) < Family::Copy as u16
        && !(Family::BrI32Eq as u16..=Family::BrI64GeU as u16).contains(&(family as u16))
        || matches!(family, Family::Copy | Family::Select)
        || family.inverse().is_some()
}

/// What can be seen of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    trap: Option<(Trap, usize)>,
    slots: Vec<u64>,
    globals: Vec<u64>,
    counter: i64,
    /// Bytes that are not zero, with their addresses.
    memory: Vec<(usize, u8)>,
}

fn outcome(code: &[Word], seed: u64, run: unsafe fn(Regs) -> Flow) -> Outcome {
    let mut random = Random(seed);
    let mut machine = Machine::new(Schedule::V1, RunLimits::CHAIN1, &Arc::new(Pool::new(None, None)));
    machine.add_memory(MemoryType::new(1, None)).unwrap();
    let mut globals: Vec<u64> = (0..GLOBALS).map(|_| random.value()).collect();
    let cells: Vec<*mut u64> = globals.iter_mut().map(core::ptr::from_mut).collect();
    // SAFETY: the machine is this function's alone. The stack has more slots than the code names; the code is complete and
    // ends in exits; pointers into it, to the globals and to the machine outlive the run, and nothing else uses them.
    let (vm, flow, slots) = unsafe {
        let pointer = machine.as_ptr();
        let vm = &mut *pointer;
        vm.memory = vm.memories.pointer(0);
        vm.globals = cells.as_ptr();
        (vm.meter.counter, vm.meter.reserve) = (random.below(60) as i64, 0);
        vm.reserve_slots(64).unwrap();
        let fp = vm.stack.base;
        let slots = core::slice::from_raw_parts_mut(fp, 64);
        slots.iter_mut().for_each(|slot| *slot = random.value());
        slots[usize::from(CONTROL)] = &raw const slow::EXIT[1] as usize as u64;
        let mut r = Regs { vm: pointer, pc: code.as_ptr(), fp, mem: core::ptr::null_mut(), acc: random.value() };
        r.reload_memory();
        (&*pointer, run(r), core::slice::from_raw_parts(fp, 64).to_vec())
    };
    let trap = match flow {
        Flow::Done => None,
        Flow::Trap(trap) => Some((trap, (vm.saved.pc as usize).wrapping_sub(code.as_ptr() as usize) / 8)),
        _ => panic!("no op here stops for another reason"),
    };
    // Out of gas has no place: it is seen after the jump.
    let trap = trap.map(|(trap, at)| (trap, if trap == Trap::OutOfGas { 0 } else { at }));
    // SAFETY: the memory is alive, and the run is over.
    let data = unsafe { (*vm.memory).data() };
    let memory = data.iter().copied().enumerate().filter(|(_, byte)| *byte != 0).collect();
    // A return address is a place in the code at hand.
    let range = code.as_ptr_range();
    let place =
        |slot: u64| if range.contains(&(slot as usize as *const Word)) { slot - range.start as u64 } else { slot };
    let slots = slots.into_iter().map(place).collect();
    Outcome { trap, slots, globals, counter: vm.meter.counter, memory }
}

#[test]
fn a_fused_op_does_what_its_parts_do() {
    for (at, parts) in LIST.iter().enumerate() {
        let parts: Vec<u16> = parts.iter().copied().take_while(|part| *part != NONE).collect();
        for seed in 1..40 {
            let apart = program(&parts, &mut Random((seed << 20) + at as u64));
            let mut fused = apart.clone();
            fused[0] = fused[0].with_code((CODES + at) as u16);
            let expected = outcome(&apart, seed, looped::run);
            assert_eq!(outcome(&fused, seed, looped::run), expected, "{apart:?}");
            #[cfg(gristmill_tail)]
            for code in [&apart, &fused] {
                assert_eq!(outcome(code, seed, crate::interp::exec::tail::run), expected, "{apart:?}");
            }
        }
    }
}

#[test]
fn code_is_fused_from_the_left_and_anew_behind_the_head_of_a_loop() {
    let find = |length: usize| LIST.iter().rposition(|p| p.iter().filter(|c| **c != NONE).count() == length).unwrap();
    for length in [2, 3] {
        let at = find(length);
        let code = program(&LIST[at][..length], &mut Random(7));
        let mut fused = code.clone();
        let ops = fused.len() - 7;
        fuse(&mut fused[..ops], &[], |_, _| None);
        assert_eq!(fused[0], code[0].with_code((CODES + at) as u16));
        assert_eq!(fused[1..], code[1..]);
        assert_eq!(first_of(fused[0].code()), code[0].code());
        let mut split = code.clone();
        fuse(&mut split[..ops], &[words_of(code[0])], |_, _| None);
        assert_eq!(split[0], code[0]);
    }
    fuse(&mut [], &[], |_, _| None);
}
