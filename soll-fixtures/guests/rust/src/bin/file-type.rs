//! Tells what is in files by their first and last bytes: `file-type FILE...` prints label and probability of each, `file-type` the
//! label of what it reads from standard input. Needs the folders of the files, and the model Magika
//! (`magika-standard_v3_3.onnx`) under the name `magika`.

use std::error::Error;
use std::io::{Read, stdin};
use std::{env, fs};

use wasmedge_wasi_nn::{ExecutionTarget, Graph, GraphBuilder, GraphEncoding, TensorType};

/// What the model's outputs stand for, in their order.
const LABELS: &str = include_str!("file-type-labels.txt");
/// Bytes that the model looks at, of each end.
const END: usize = 1024;
/// Where there is no byte.
const NONE: i32 = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let labels: Vec<&str> = LABELS.lines().collect();
    let graph = GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU).build_from_cache("magika")?;
    let best = |bytes: &[u8]| -> Result<(&str, f32), Box<dyn Error>> {
        let scores = scores(&graph, bytes, labels.len())?;
        let (best, score) = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).ok_or("no labels")?;
        Ok((labels[best], *score))
    };
    if env::args().len() <= 1 {
        let mut bytes = Vec::new();
        stdin().read_to_end(&mut bytes)?;
        println!("{}", best(&bytes)?.0);
    }
    for path in env::args().skip(1) {
        let bytes = fs::read(&path).map_err(|e| format!("{path}: {e}"))?;
        let (label, score) = best(&bytes)?;
        println!("{path}: {label} {score:.3}");
    }
    Ok(())
}

fn scores(graph: &Graph, bytes: &[u8], labels: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut context = graph.init_execution_context()?;
    context.set_input(0, TensorType::I32, &[1, 2 * END], ends(bytes))?;
    context.compute()?;
    let mut scores = vec![0f32; labels];
    context.get_output(0, &mut scores)?;
    Ok(scores)
}

/// The first bytes without the blanks before them, then the last without those behind.
fn ends(bytes: &[u8]) -> Vec<i32> {
    let first = bytes[..bytes.len().min(4 * END)].trim_ascii_start();
    let last = bytes[bytes.len().saturating_sub(4 * END)..].trim_ascii_end();
    let mut ends = vec![NONE; 2 * END];
    for (place, &byte) in ends[..END].iter_mut().zip(first) {
        *place = byte.into();
    }
    for (place, &byte) in ends[END..].iter_mut().rev().zip(last.iter().rev()) {
        *place = byte.into();
    }
    ends
}
