//! A process around engines, for those that cannot be in the bench's own: another set of features, another compiler.
//!
//! The bench sends a line for every turn and gets the time of that turn back, so contenders of several processes take
//! turns as those of one do. With arguments a worker runs one kernel and ends: what callgrind looks at.

use crate::{Live, Peer};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use std::io::{BufRead as _, Write as _};
use std::time::Instant;
use std::{eprintln, format, println};

/// One unit of work, repeated.
type Work<'a> = Box<dyn FnMut() + 'a>;

/// Serves `peers` until the input ends.
///
/// Arguments: none, then lines; `list` names the engines; `ENGINE FILE EXPORT N TIMES` runs an export. Lines, fields parted
/// by tabs: `run ENGINE FILE EXPORT N RESULT`, `load`, `artifact` or `instantiate ENGINE FILE` answer `ok`; `turn TIMES` answers
/// the nanoseconds that so many units of the last one took.
///
/// # Panics
/// On anything else, and when an engine gives a wrong result: the bench sees the process end.
pub fn serve(peers: &[Box<dyn Peer>]) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let peer = |name: &str| {
        &**peers.iter().find(|peer| peer.name() == name).unwrap_or_else(|| panic!("no engine is called {name}"))
    };
    match &arguments[..] {
        [] => lines(peer),
        [list] if list == "list" => peers.iter().for_each(|peer| println!("{}", peer.name())),
        [engine, file, export, n, times] => {
            let mut live = peer(engine).load(&read(file)).instantiate();
            for _ in 0..number::<u32>(times) {
                println!("{}", live.run(export, number(n)));
            }
        }
        other => panic!("{other:?}: none, `list` or ENGINE FILE EXPORT N TIMES"),
    }
}

fn lines<'p>(peer: impl Fn(&str) -> &'p dyn Peer) {
    let mut work: Option<Work<'p>> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line of text");
        let fields: Vec<&str> = line.split('\t').collect();
        let answer = match fields[..] {
            ["turn", times] => {
                let work = work.as_mut().expect("work before a turn");
                let start = Instant::now();
                for _ in 0..number::<u64>(times) {
                    core::hint::black_box(&mut *work)();
                }
                format!("{}", start.elapsed().as_nanos())
            }
            ["run", engine, file, export, n, result] => {
                let mut live: Box<dyn Live> = peer(engine).load(&read(file)).instantiate();
                let (export, n, result) = (String::from(export), number::<i32>(n), number::<i64>(result));
                work = Some(Box::new(move || assert_eq!(live.run(&export, n), result)));
                "ok".into()
            }
            ["load", engine, file] => {
                let (peer, wasm) = (peer(engine), read(file));
                work = Some(Box::new(move || drop(core::hint::black_box(peer.load(core::hint::black_box(&wasm))))));
                "ok".into()
            }
            ["artifact", engine, file] => {
                work = Some(peer(engine).artifact(&read(file)).expect("this engine has machine code"));
                "ok".into()
            }
            ["instantiate", engine, file] => {
                let module = peer(engine).load(&read(file));
                work = Some(Box::new(move || drop(core::hint::black_box(module.instantiate()))));
                "ok".into()
            }
            _ => panic!("{line}: not a line of this protocol"),
        };
        println!("{answer}");
        if let Err(e) = std::io::stdout().flush() {
            eprintln!("the bench is gone: {e}");
            return;
        }
    }
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn number<T: core::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}: not such a number"))
}
