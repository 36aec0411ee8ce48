//! As `faces`, with the crate for WasmEdge 0.13 and later, whose functions have other names and report errors.

use std::error::Error;
use std::{env, fs};

use gristmill_guests::blazeface;
use wasmedge_tensorflow_interface::{TFLiteSession, load_jpg_image_to_rgb8, load_png_image_to_rgb8};

fn main() -> Result<(), Box<dyn Error>> {
    let (Some(model), Some(picture)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("faces-wasmedge MODEL PICTURE".into());
    };
    let bytes = fs::read(&picture)?;
    let load = if picture.ends_with(".png") { load_png_image_to_rgb8 } else { load_jpg_image_to_rgb8 };
    let pixels = load(&bytes, blazeface::SIDE, blazeface::SIDE);

    let mut session = TFLiteSession::new(fs::read(model)?);
    session.add_input(blazeface::INPUT, &blazeface::input(&pixels)).run();
    let boxes: Vec<f32> = session.get_output(blazeface::BOXES);
    let scores: Vec<f32> = session.get_output(blazeface::SCORES);
    blazeface::print(&blazeface::faces(&boxes, &scores));
    Ok(())
}
