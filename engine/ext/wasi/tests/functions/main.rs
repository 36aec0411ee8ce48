//! All functions, one by one, as programs call them: what each does, and all that it refuses. [`table`] has a row for each.

mod guest;
mod more;
mod table;

use gristmill::{Error, Halt, Module, Trap};
use gristmill_ext_grants::Price;
use guest::*;
use std::collections::BTreeSet;
use table::{BADF, Case, FAULT, NOTCAPABLE, table};

/// Bits of rights to change something.
const WRITING: u64 = 0x7db_1f40;

/// Each row on the interpreter, and in machine code.
fn everywhere(test: impl Fn(&str, &Case)) {
    for (engine, ..) in engines() {
        table().iter().for_each(|case| test(engine, case));
    }
}

#[test]
fn every_function_has_a_row() {
    let table = table();
    let rows: BTreeSet<_> = table.iter().map(|case| case.name).collect();
    let functions: BTreeSet<_> = standard().map(|row| row.name).collect();
    assert_eq!(rows, functions);
    assert_eq!(rows.len(), table.len());
}

#[test]
fn what_each_does() {
    everywhere(|engine, case| {
        let mut world = World::new(engine);
        let answer = world.act(case.name, &case.args);
        match (case.name, answer) {
            ("proc_exit", Err(Error::Halt(Halt::Exit(code)))) => assert_eq!(code, 7),
            (name, answer) => assert_eq!(answer.unwrap(), case.answers, "{name}, {engine}"),
        }
        (case.check)(&mut world);
        assert_eq!(world.log(), "", "{}", case.name);
    });
}

/// Addresses, and counts where there are any, that lead out of memory.
fn wrong(pointer: Pointer, at: i64, count: i64) -> Vec<(i64, Option<i64>)> {
    let bytes = i64::from(pointer.bytes);
    let Some(each) = pointer.each.map(i64::from) else {
        let edges = [SIZE - bytes + 1, SIZE - 1, SIZE, SIZE + 1];
        let ends = [-1, -2, -bytes, 1 - bytes, i64::from(i32::MIN), i64::from(i32::MAX)];
        // A single byte does fit at the end.
        return edges.into_iter().chain(ends).filter(|at| bytes > 1 || *at != SIZE - 1).map(|at| (at, None)).collect();
    };
    let mut all = vec![
        (SIZE - bytes + 1, count),
        (SIZE, 1),
        (SIZE - each + 1, 1),
        (SIZE + 1, 0),
        (-1, 0),
        (-1, 1),
        (-each, 1),
        (-each, 2),
        (i64::from(i32::MIN), count),
    ];
    if each == 1 {
        all.extend([(at, -1), (at, -at), (at, 1 - at), (at, SIZE - at + 1), (at, i64::from(i32::MAX))]);
    }
    all.into_iter().map(|(at, count)| (at, Some(count))).collect()
}

#[test]
fn pointers_are_checked_before_anything_happens() {
    let mut tried = 0;
    for (engine, ..) in engines() {
        for case in table() {
            let mut world = World::new(engine);
            let laid = world.lay(&case.args);
            let before = world.state();
            for pointer in &laid.pointers {
                let count = laid.values.get(pointer.param + 1).copied().unwrap_or_default();
                for (at, count) in wrong(*pointer, laid.values[pointer.param], count) {
                    let mut values = laid.values.clone();
                    values[pointer.param] = at;
                    if let Some(count) = count {
                        values[pointer.param + 1] = count;
                    }
                    assert_eq!(world.call(case.name, &values).unwrap(), FAULT, "{} {values:?}", case.name);
                    tried += 1;
                }
            }
            assert_eq!(world.state(), before, "{}, {engine}", case.name);
            // Entries of lists, the first and the last.
            for (list, entry) in laid.lists.iter().flat_map(|list| [(*list, 0), (*list, 1)]) {
                for (at, length) in [(SIZE, 1), (SIZE - 1, 2), (SIZE + 1, 0), (-1, 1), (-1, -1), (8, -8), (8, -1)] {
                    let mut bad = [0; 8];
                    bad[..4].copy_from_slice(&(at as u32).to_le_bytes());
                    bad[4..].copy_from_slice(&(length as u32).to_le_bytes());
                    let place = list as usize + 8 * entry;
                    let kept = world.memory()[place..][..8].to_vec();
                    world.memory()[place..][..8].copy_from_slice(&bad);
                    assert_eq!(world.call(case.name, &laid.values).unwrap(), FAULT, "{} {at} {length}", case.name);
                    world.memory()[place..][..8].copy_from_slice(&kept);
                    tried += 1;
                }
            }
            assert_eq!(world.state(), before, "{}, {engine}", case.name);
            assert_eq!(world.log(), "", "{}", case.name);
        }
    }
    assert!(tried > 1_000, "{tried}");
}

#[test]
fn pointers_lead_nowhere_without_a_memory() {
    let (_, engine, _) = &engines()[0];
    let module = Module::new(engine, &wat::parse_str(module_text("")).unwrap()).unwrap();
    for case in table() {
        let mut world = World::new("interpreter");
        let laid = world.lay(&case.args);
        let mut linker = gristmill::Linker::new(engine);
        gristmill_ext_wasi::add_to_linker(&mut linker, |wasi: &mut gristmill_ext_wasi::Wasi| wasi).unwrap();
        world.instance = linker.instantiate(&mut world.store, &module).unwrap();
        if !laid.pointers.is_empty() {
            assert_eq!(world.call(case.name, &laid.values).unwrap(), FAULT, "{}", case.name);
        }
    }
}

#[test]
fn descriptors_that_are_not_open() {
    everywhere(|engine, case| {
        let mut world = World::new(engine);
        let laid = world.lay(&case.args);
        let before = world.state();
        for param in &laid.descriptors {
            for fd in [i64::from(NEXT), 1_023, 1_024, -1, i64::from(i32::MAX), i64::from(i32::MIN)] {
                let mut values = laid.values.clone();
                values[*param] = fd;
                assert_eq!(world.call(case.name, &values).unwrap(), BADF, "{} {values:?}", case.name);
            }
        }
        assert_eq!(world.state(), before, "{}", case.name);
    });
}

#[test]
fn arguments_that_each_refuses() {
    everywhere(|engine, case| {
        for (at, other, errno) in &case.refused {
            let mut world = World::new(engine);
            let mut args = case.args.clone();
            args[*at] = other.clone();
            let laid = world.lay(&args);
            let before = world.state();
            assert_eq!(world.call(case.name, &laid.values).unwrap(), *errno, "{} {args:?}", case.name);
            assert_eq!(world.state(), before, "{} {args:?}", case.name);
        }
    });
}

/// Takes one right of a descriptor away.
fn without_right(world: &mut World, fd: u32, bit: u32) {
    assert_eq!(world.act("fd_fdstat_get", &[Arg::Fd(fd), Arg::Out(24)]).unwrap(), 0);
    let (base, inheriting) = (world.u64_at(1, 8), world.u64_at(1, 16));
    assert!(base & 1 << bit != 0, "{fd} {bit}");
    let rights = [Arg::Fd(fd), Arg::Is((base & !(1 << bit)) as i64), Arg::Is(inheriting as i64)];
    assert_eq!(world.act("fd_fdstat_set_rights", &rights).unwrap(), 0);
}

#[test]
fn each_right_that_is_missing() {
    /// Those that work on any descriptor, or on none.
    const FREE: [&str; 6] =
        ["fd_close", "fd_fdstat_get", "fd_fdstat_set_rights", "fd_prestat_get", "fd_prestat_dir_name", "fd_renumber"];
    everywhere(|engine, case| {
        for (fd, bit) in case.rights {
            let mut world = World::new(engine);
            without_right(&mut world, *fd, *bit);
            let laid = world.lay(&case.args);
            let before = world.state();
            assert_eq!(world.call(case.name, &laid.values).unwrap(), NOTCAPABLE, "{} {bit}", case.name);
            assert_eq!(world.state(), before, "{} {bit}", case.name);
        }
        let takes = case.args.iter().any(|arg| matches!(arg, Arg::Fd(_))) && !FREE.contains(&case.name);
        assert_eq!(takes, !case.rights.is_empty(), "{}", case.name);
    });
}

#[test]
fn what_was_granted_to_be_read_is_not_changed() {
    let mut tried = 0;
    for (engine, ..) in engines() {
        for case in table() {
            for (fd, bit) in case.rights.iter().filter(|(fd, bit)| [RW, DIR].contains(fd) && WRITING & 1 << bit != 0) {
                let mut world = World::new(engine);
                let args = case.args.iter().map(|arg| if is(arg, *fd) { Arg::Fd(RO) } else { arg.clone() });
                let laid = world.lay(&args.collect::<Vec<_>>());
                let before = world.state();
                assert_eq!(world.call(case.name, &laid.values).unwrap(), NOTCAPABLE, "{} {bit}", case.name);
                assert_eq!(world.state(), before, "{}", case.name);
                let log = world.log();
                assert!(log.contains(case.name) && log.contains("without :ro"), "{}: {log}", case.name);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 2 * 9);
}

fn is(arg: &Arg, number: u32) -> bool {
    matches!(arg, Arg::Fd(fd) if *fd == number)
}

#[test]
fn nothing_works_without_a_grant() {
    /// These have nothing to refuse; their answers are about nothing.
    const HARMLESS: [&str; 7] =
        ["args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "poll_oneoff", "sched_yield", "proc_exit"];
    everywhere(|engine, case| {
        let mut world = World::bare(engine);
        let laid = world.lay(&case.args);
        let before = world.state();
        match world.call(case.name, &laid.values) {
            Err(Error::Halt(Halt::Exit(7))) if case.name == "proc_exit" => {}
            answer => assert_eq!(answer.unwrap(), case.ungranted, "{}", case.name),
        }
        if HARMLESS.contains(&case.name) {
            match case.name {
                "args_sizes_get" => assert_eq!((world.u32(0), world.u32(1)), (1, 8)),
                "environ_sizes_get" => assert_eq!((world.u32(0), world.u32(1)), (0, 0)),
                // The clock is not granted, the descriptor is not there.
                "poll_oneoff" => {
                    assert_eq!(world.u32(3), 2);
                    let events = world.bytes(1, 64);
                    assert_eq!((events[8], events[40]), (NOTCAPABLE as u8, BADF as u8));
                }
                _ => {}
            }
        } else {
            assert_eq!(world.state(), before, "{}", case.name);
        }
        let missing = match case.name {
            "clock_res_get" | "clock_time_get" | "poll_oneoff" => "--clock",
            "random_get" => "--random",
            _ => "",
        };
        let told = world.log().contains(case.name) && world.log().contains(missing);
        assert_eq!(told, !missing.is_empty(), "{}: {}", case.name, world.log());
    });
}

#[test]
fn gas_is_taken_before_the_work() {
    let price = Price { call: 1_000, kib: 5_000 };
    everywhere(|engine, case| {
        for gas in [900, 3_000] {
            let mut world = World::with(engine, |grants| grants.prices.wasi = price);
            let laid = world.lay(&case.args);
            let before = world.outside();
            world.set_gas(gas);
            let answer = world.call(case.name, &laid.values);
            if gas == 900 || case.moves {
                assert_eq!(answer.unwrap_err().as_trap(), Some(Trap::OutOfGas), "{} {gas}", case.name);
                assert_eq!(world.outside(), before, "{} {gas}", case.name);
            } else {
                let error = answer.err().and_then(|error| error.as_trap());
                assert_eq!(error, None, "{} {gas}", case.name);
            }
        }
    });
}
