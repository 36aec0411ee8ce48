//! An executor that is watched all the time, and judges what it is shown.

use gristmill::{Callee, Position, Stopped, Watcher};
use std::sync::Mutex;

/// Wants entries and ends to nest, gas never to rise inside of a function, and the frames of a trap to be the functions that
/// had not returned.
#[derive(Debug, Default)]
pub struct Judge(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// Functions that are open, with the particles they began with; host functions without an index.
    open: Vec<(Option<u32>, u128)>,
    /// Functions that were left since one was last entered.
    left: Vec<u32>,
}

impl Watcher for Judge {
    fn sees_calls(&self) -> bool {
        true
    }

    fn enter(&self, callee: Callee<'_>, left: u128) {
        let mut seen = self.0.lock().expect("no judgement was wrong");
        let own = callee.function.filter(|function| *function >= callee.module.imported_functions);
        seen.open.push((own, left));
        seen.left.clear();
    }

    fn leave(&self, left: u128) {
        let mut seen = self.0.lock().expect("no judgement was wrong");
        let (function, first) = seen.open.pop().expect("what is left was entered");
        // Host functions of tests may give gas back.
        assert!(function.is_none() || left <= first, "gas of function {function:?} rose from {first} to {left}");
        seen.left.extend(function);
    }

    fn trapped(&self, stopped: &Stopped<'_>) {
        let seen = self.0.lock().expect("no judgement was wrong");
        let entered = stopped.frames().iter().filter(|frame| frame.at != Position::Word(0));
        let frames: Vec<u32> = entered.map(|frame| frame.function).collect();
        let last = seen.left.len().checked_sub(frames.len()).map(|from| &seen.left[from..]);
        assert_eq!(last, Some(&frames[..]), "the frames of {}", stopped.trap());
        for frame in stopped.frames() {
            let module = stopped.module(frame.instance);
            let params = module.func_type(frame.function).params().len();
            let locals = stopped.locals(frame);
            assert!(
                frame.at == Position::Word(0) || locals.is_some_and(|locals| locals.len() >= params),
                "slots of {frame:?}"
            );
            assert_eq!(stopped.memories(frame.instance).count(), module.memories.len());
            assert_eq!(stopped.globals(frame.instance).len(), module.globals.len());
        }
    }
}
