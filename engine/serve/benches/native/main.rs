//! How many requests a second, and how long does one take, beside the same handler in Rust in the same framework?
//!
//! Contenders take turns, of half a second when `--turn` says nothing else; a ratio is the median of the ratios of turns side by side. Server, workers and client share the machine's processors. Every answer is checked.

mod client;
mod servers;

use client::Turn;
use gristmill_measure::{Asked, median};
use servers::{Guest, native, ours};
use std::net::SocketAddr;
use std::time::Duration;

/// Connections that ask at once, each one request behind the other.
const CONNECTIONS: usize = 8;

struct Input {
    name: &'static str,
    path: &'static str,
    /// Bytes that are sent, and come back; none: a GET of `hello`.
    body: Option<usize>,
}

const INPUTS: [Input; 3] = [
    Input { name: "hello (a program of WASI)", path: "/hello", body: None },
    Input { name: "echo 1 KiB (a function)", path: "/f/echo", body: Some(1 << 10) },
    Input { name: "echo 64 KiB (a function)", path: "/f/echo", body: Some(64 << 10) },
];

fn main() {
    let asked = Asked::from_arguments(Duration::from_millis(500));
    let contenders: [(&str, SocketAddr); 3] =
        [("native", native()), ("aot", ours(Guest::Compiled)), ("interp", ours(Guest::Interpreted))];
    println!("\n## serve: requests a second and their 99th percentile, {CONNECTIONS} connections\n");
    println!(
        "| input | contender | requests/s | ratio | p50 us | p99 us | ratio of p99 |\n|---|---|---|---|---|---|---|"
    );
    for input in INPUTS.iter().filter(|input| asked.wants(input.name)) {
        let mut turns: [Vec<Turn>; 3] = Default::default();
        for round in 0..=asked.effort.rounds {
            for ((_, address), turns) in contenders.iter().zip(&mut turns) {
                let turn = client::turn(*address, input.path, input.body, CONNECTIONS, asked.effort.turn);
                // The first is for caches.
                if round > 0 {
                    turns.push(turn);
                }
            }
        }
        let base = turns[0].clone();
        for ((name, _), turns) in contenders.iter().zip(&turns) {
            let of = |figure: fn(&Turn) -> f64| median(&turns.iter().map(figure).collect::<Vec<_>>());
            let ratio = |figure: fn(&Turn) -> f64| {
                median(&turns.iter().zip(&base).map(|(a, b)| figure(a) / figure(b)).collect::<Vec<_>>())
            };
            println!(
                "| {} | {name} | {:.0} | {:.2} | {:.0} | {:.0} | {:.2} |",
                input.name,
                of(Turn::rate),
                ratio(Turn::rate),
                of(|turn| turn.percentile(50)),
                of(|turn| turn.percentile(99)),
                ratio(|turn| turn.percentile(99)),
            );
        }
    }
}
