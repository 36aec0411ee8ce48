//! Do the handlers of the tail back end really end in jumps? Looks at the machine code of the release binary.
//!
//! LLVM makes jumps of sibling calls but promises nothing. A handler whose dispatch stayed a call would overflow the
//! host stack on hostile input, so this fails on any call through a register or table in a handler, and when it finds no
//! handlers at all. A call through the global offset table (`*0x..(%rip)`) is one to a named function.

use crate::{Outcome, output, root, target};
use std::path::PathBuf;
use std::process::Command;

/// The module that the handlers are functions of.
const HANDLERS: &str = "::interp::exec::tail::";
/// The functions of that module that are none: they start the first handler and wait for the last to return.
const ENTRIES: [&str; 2] = ["::interp::exec::tail::run", "::interp::exec::tail::stack_grows"];

pub fn main(arguments: &[String]) -> Outcome {
    let binary = match arguments.first() {
        Some(path) => PathBuf::from(path),
        None => {
            let cargo = ["build", "--quiet", "--release", "--package=gristmill-cli"];
            output(Command::new(env!("CARGO")).current_dir(root()).args(cargo))?;
            target().join("release/gristmill")
        }
    };
    let flags = ["--disassemble", "--demangle", "--no-show-raw-insn", "--no-addresses"];
    let listing = output(Command::new("objdump").args(flags).arg(&binary))?;
    let (handlers, calls) = examine(&listing);
    if handlers == 0 {
        return Err(format!("no symbol with {HANDLERS} in {}: nothing was checked", binary.display()).into());
    }
    if !calls.is_empty() {
        return Err(format!("{} indirect calls in handlers\n  {}", calls.len(), calls.join("\n  ")).into());
    }
    println!("tails: {handlers} handlers, no indirect call");
    Ok(())
}

/// The number of handlers in a listing of objdump, and the indirect calls in them.
fn examine(listing: &str) -> (usize, Vec<String>) {
    let mut handler = None;
    let (mut handlers, mut calls) = (0, Vec::new());
    for line in listing.lines() {
        if let Some(name) = line.strip_suffix(">:") {
            handler = (name.contains(HANDLERS) && !ENTRIES.iter().any(|entry| name.contains(entry))).then_some(name);
            handlers += usize::from(handler.is_some());
        } else if let Some(name) = handler
            && let Some((_, callee)) = line.split_once("call")
            && callee.trim_start().starts_with('*')
            && !callee.contains("(%rip)")
        {
            calls.push(format!("{}: {}", name.trim_start_matches('<'), line.trim()));
        }
    }
    (handlers, calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indirect_call_in_a_handler_is_found_and_only_there() {
        let listing = "\
<gristmill::interp::exec::tail::handler>:
\tadd    $0x8,%rsi
\tjmp    *(%rax,%rcx,8)
<gristmill::interp::exec::tail::enter>:
\tcall   *0x1234(%rip)        # <memcpy@GLIBC>
\tcall   1000 <gristmill::interp::exec::cold>
\tcall   *(%rax,%rcx,8)
\tret
<gristmill::interp::exec::tail::run>:
\tcall   *%rax
<core::fmt::write>:
\tcall   *0x18(%rax)
";
        let (handlers, calls) = examine(listing);
        assert_eq!(handlers, 2);
        assert_eq!(calls.len(), 1);
        assert!(calls[0].contains("enter"), "{calls:?}");
    }
}
