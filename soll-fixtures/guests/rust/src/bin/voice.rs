//! Finds speech in sound: `voice FILE`, 16-bit samples, 16,000 a second, one channel. Prints begin and end of each stretch in
//! seconds, with the highest probability in it. Needs the folder of the file, and the model Silero VAD
//! (`silero_vad_16k_sequence.onnx`) under the name `silero`.

use std::error::Error;
use std::{env, fs};

use wasi_nn::{ExecutionTarget, GraphBuilder, GraphEncoding, TensorType};

/// Samples a second.
const RATE: usize = 16_000;
/// New samples that the model looks at in a step, behind the last ones of the step before.
const STEP: usize = 512;
const BEFORE: usize = 64;
/// Numbers of the model's memory between steps.
const MEMORY: usize = 128;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("voice FILE")?;
    let samples: Vec<f32> = fs::read(&path)?
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0)
        .collect();
    let probabilities = speech(&samples)?;

    let seconds = |step: usize| (step * STEP) as f32 / RATE as f32;
    let mut step = 0;
    while step < probabilities.len() {
        let length = probabilities[step..].iter().take_while(|&&p| p >= 0.5).count();
        if length > 0 {
            let highest = probabilities[step..step + length].iter().copied().fold(0.0, f32::max);
            println!("{:.3} {:.3} {highest:.4}", seconds(step), seconds(step + length));
        }
        step += length.max(1);
    }
    Ok(())
}

/// How likely each step is speech.
fn speech(samples: &[f32]) -> Result<Vec<f32>, Box<dyn Error>> {
    let steps = samples.len().div_ceil(STEP);
    let mut padded = vec![0.0; BEFORE];
    padded.extend_from_slice(samples);
    padded.resize(BEFORE + steps * STEP, 0.0);
    let rows: Vec<f32> = (0..steps).flat_map(|step| padded[step * STEP..][..BEFORE + STEP].iter().copied()).collect();

    let graph = GraphBuilder::new(GraphEncoding::Onnx, ExecutionTarget::CPU).build_from_cache("silero")?;
    let mut context = graph.init_execution_context()?;
    context.set_input(0, TensorType::F32, &[steps, BEFORE + STEP], &rows)?;
    context.set_input(1, TensorType::F32, &[1, 1, MEMORY], [0f32; MEMORY])?;
    context.set_input(2, TensorType::F32, &[1, 1, MEMORY], [0f32; MEMORY])?;
    context.compute()?;
    let mut probabilities = vec![0f32; steps];
    context.get_output(0, &mut probabilities)?;
    Ok(probabilities)
}
