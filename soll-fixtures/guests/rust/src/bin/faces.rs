//! Finds faces in a picture: `faces MODEL PICTURE`. Written with the crate that SSVM's programs were written with: the host reads
//! the picture, makes it small, and runs the program's own model. Needs the folders of both files, and that models of its own
//! are allowed. The model is `face_detection_short_range.tflite`.

use std::error::Error;
use std::{env, fs};

use gristmill_guests::blazeface;
use ssvm_tensorflow_interface::{ModelType, Session, load_jpg_image_to_rgb8, load_png_image_to_rgb8};

fn main() -> Result<(), Box<dyn Error>> {
    let (Some(model), Some(picture)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("faces MODEL PICTURE".into());
    };
    let bytes = fs::read(&picture)?;
    let load = if picture.ends_with(".png") { load_png_image_to_rgb8 } else { load_jpg_image_to_rgb8 };
    let pixels = load(&bytes, blazeface::SIDE, blazeface::SIDE);

    let mut session = Session::new(fs::read(model)?, ModelType::TensorFlowLite);
    let side = i64::from(blazeface::SIDE);
    session.add_input(blazeface::INPUT, &blazeface::input(&pixels), &[1, side, side, 3]).run();
    let boxes: Vec<f32> = session.get_output(blazeface::BOXES);
    let scores: Vec<f32> = session.get_output(blazeface::SCORES);
    if boxes.is_empty() || scores.is_empty() {
        return Err("the model did not run".into());
    }
    blazeface::print(&blazeface::faces(&boxes, &scores));
    Ok(())
}
