//! Pictures, through guests.

mod common;

use common::*;
use gristmill::{Error, Trap};
use gristmill_ext_grants::{Grants, Limits, Price, Prices};
use image::codecs::jpeg::JpegEncoder;
use image::{ColorType, DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};

const SSVM: Names = Names::with("ssvm_image", "ssvm_image_");
const WASMEDGE: Names = Names { as_module: "wasmedge_image", as_prefix: "wasmedge_image_", ..SSVM };
const LATER: Names = Names::plain("wasmedge_image");

/// Four pixels, two by two.
const SQUARE: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30];

fn png(pixels: &[u8], color: ColorType, side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(pixels, side, side, ExtendedColorType::from(color)).unwrap();
    bytes
}

fn jpeg(side: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..side * side * 3).map(|i| (i * 7 % 251) as u8).collect();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95).write_image(&pixels, side, side, ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn swapped(pixels: &[u8]) -> Vec<u8> {
    pixels.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*b, *g, *r]).collect()
}

fn floats(pixels: &[u8]) -> Vec<f32> {
    pixels.iter().map(|byte| f32::from(*byte) / 255.0).collect()
}

#[test]
fn a_png_is_written_in_all_four_ways() {
    for names in [SSVM, WASMEDGE] {
        let mut run = Run::new(names, Grants::default());
        let [ptr, len] = run.put(DATA, &png(&SQUARE, ColorType::Rgb8, 2));
        let args = [ptr, len, 2, 2, RESULT as i64];
        run.is("load_png_to_rgb8", &args, 0);
        assert_eq!(run.memory()[RESULT..][..13], [&SQUARE[..], &[0]].concat());
        run.is("load_png_to_bgr8", &args, 0);
        assert_eq!(run.memory()[RESULT..][..12], swapped(&SQUARE));
        run.is("load_png_to_rgb32f", &args, 0);
        assert_eq!(run.floats(RESULT, 12), floats(&SQUARE));
        run.is("load_png_to_bgr32f", &args, 0);
        assert_eq!(run.floats(RESULT, 12), floats(&swapped(&SQUARE)));
        // It is no JPEG.
        run.is("load_jpg_to_rgb8", &args, 1);
    }
}

#[test]
fn grey_palettes_alpha_and_16_bits_become_rgb() {
    let mut run = Run::new(SSVM, Grants::default());
    let mut read = |bytes: &[u8]| {
        let [ptr, len] = run.put(DATA, bytes);
        run.is("load_png_to_rgb8", &[ptr, len, 2, 2, RESULT as i64], 0);
        run.memory()[RESULT..][..12].to_vec()
    };
    assert_eq!(read(&png(&[0, 50, 100, 255], ColorType::L8, 2)), [0, 0, 0, 50, 50, 50, 100, 100, 100, 255, 255, 255]);
    let alpha: Vec<u8> = SQUARE.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 0]).collect();
    assert_eq!(read(&png(&alpha, ColorType::Rgba8, 2)), SQUARE);
    let wide: Vec<u8> = SQUARE.iter().flat_map(|byte| [*byte; 2]).collect();
    assert_eq!(read(&png(&wide, ColorType::Rgb16, 2)), SQUARE);
}

#[test]
fn a_jpeg_is_what_the_decoder_gives() {
    let mut run = Run::new(SSVM, Grants::default());
    let bytes = jpeg(16);
    let pixels = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).map(DynamicImage::into_rgb8).unwrap();
    let [ptr, len] = run.put(DATA, &bytes);
    run.is("load_jpg_to_rgb8", &[ptr, len, 16, 16, RESULT as i64], 0);
    assert_eq!(run.memory()[RESULT..][..768], pixels.as_raw()[..]);
    run.is("load_jpg_to_bgr8", &[ptr, len, 16, 16, RESULT as i64], 0);
    assert_eq!(run.memory()[RESULT..][..768], swapped(pixels.as_raw()));
    run.is("load_jpg_to_rgb32f", &[ptr, len, 16, 16, RESULT as i64], 0);
    assert_eq!(run.floats(RESULT, 768), floats(pixels.as_raw()));
    run.is("load_jpg_to_bgr32f", &[ptr, len, 16, 16, RESULT as i64], 0);
    // Corners stay when it is resized.
    run.is("load_jpg_to_rgb8", &[ptr, len, 5, 3, RESULT as i64], 0);
    let corner = |at: usize| pixels.as_raw()[at..][..3].to_vec();
    assert_eq!(run.memory()[RESULT..][..3], corner(0));
    assert_eq!(run.memory()[RESULT + 14 * 3..][..3], corner(255 * 3));
}

#[test]
fn what_is_truncated_fails_and_leaves_the_destination() {
    for (name, bytes) in [("load_jpg_to_rgb8", jpeg(32)), ("load_png_to_rgb8", png(&SQUARE, ColorType::Rgb8, 2))] {
        let mut run = Run::new(SSVM, Grants::default());
        // All lengths of a small picture; of a larger one some.
        for len in (0..bytes.len() - 12).step_by(1 + bytes.len() / 64) {
            let [ptr, len] = run.put(DATA, &bytes[..len]);
            run.put(RESULT, &[7; 3_072]);
            run.is(name, &[ptr, len, 32, 32, RESULT as i64], 1);
            assert_eq!(run.memory()[RESULT..][..3_072], [7; 3_072], "{name} {len}");
        }
    }
}

#[test]
fn later_functions_have_kinds_and_lengths() {
    let mut run = Run::new(LATER, Grants::default());
    let [ptr, len] = run.put(DATA, &png(&SQUARE, ColorType::Rgb8, 2));
    let result = RESULT as i64;
    for name in ["load_png", "load_image"] {
        run.is(name, &[ptr, len, 2, 2, 0, result, 12], 0);
        assert_eq!(run.memory()[RESULT..][..12], SQUARE);
        run.is(name, &[ptr, len, 2, 2, 1, result, 12], 0);
        assert_eq!(run.memory()[RESULT..][..12], swapped(&SQUARE));
        run.is(name, &[ptr, len, 2, 2, 2, result, 48], 0);
        let light = |byte: &u8| (f64::from(*byte) / 255.0).powf(2.2) as f32;
        assert_eq!(run.floats(RESULT, 12), SQUARE.iter().map(light).collect::<Vec<_>>());
        run.is(name, &[ptr, len, 2, 2, 0, result, 11], 1).is(name, &[ptr, len, 2, 2, 2, result, 47], 1);
        run.is(name, &[ptr, len, 2, 2, 4, result, 48], 1);
    }
    run.is("load_jpg", &[ptr, len, 2, 2, 0, result, 12], 1);
    let [ptr, len] = run.put(DATA, &jpeg(8));
    run.is("load_jpg", &[ptr, len, 2, 2, 3, result, 48], 0).is("load_image", &[ptr, len, 2, 2, 0, result, 12], 0);
    run.put(DATA, b"GIF89a");
    run.is("load_image", &[ptr, len, 2, 2, 0, result, 12], 1);
}

#[test]
fn sizes_are_bounded_before_anything_is_allocated() {
    let mut run = Run::new(SSVM, Grants::default());
    let bytes = png(&SQUARE, ColorType::Rgb8, 2);
    let [ptr, len] = run.put(DATA, &bytes);
    let outside = |answer: Result<i64, Error>| matches!(answer, Err(Error::Trap(Trap::InvalidMemoryAccess)));
    for (width, height) in [(-1, -1), (65_536, 65_536), (2, SIZE / 6 + 1)] {
        assert!(outside(run.call("load_png_to_rgb8", &[ptr, len, width, height, 0])), "{width} {height}");
    }
    assert!(outside(run.call("load_png_to_rgb8", &[SIZE - 1, 2, 2, 2, RESULT as i64])));
    assert!(outside(run.call("load_png_to_rgb8", &[ptr, len, 2, 2, SIZE - 11])));
    assert!(outside(run.call("load_png_to_rgb32f", &[ptr, len, 2, 2, SIZE - 47])));
    run.is("load_png_to_rgb8", &[ptr, len, 0, 2, RESULT as i64], 1).is(
        "load_png_to_rgb8",
        &[ptr, len, 2, 0, RESULT as i64],
        1,
    );
    // A header that promises more than anybody has.
    let mut vast = bytes.clone();
    vast[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let crc = crc32(&vast[12..29]);
    vast[29..33].copy_from_slice(&crc.to_be_bytes());
    let [ptr, len] = run.put(DATA, &vast);
    run.is("load_png_to_rgb8", &[ptr, len, 2, 2, RESULT as i64], 1);
    // And a memory that is smaller than the picture.
    let mut run =
        Run::new(SSVM, Grants { limits: Limits { pages: Some(1), ..Limits::default() }, ..Grants::default() });
    let [ptr, len] = run.put(DATA, &jpeg(100));
    run.is("load_jpg_to_rgb8", &[ptr, len, 2, 2, RESULT as i64], 1);
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn each_function_costs_and_a_picture_by_its_pixels() {
    for names in [SSVM, LATER] {
        let prices = Prices { image: Price { call: 1_000, kib: 0 }, ..Prices::default() };
        each_call_costs(names, &Grants { prices, ..Grants::default() });
    }
    let prices = Prices { image: Price { call: 0, kib: 1_000 }, ..Prices::default() };
    let flat = png(&vec![0; 3 << 16], ColorType::Rgb8, 256);
    assert!(flat.len() < 4_096);
    // 2^16 pixels of 11 bytes are 704 KiB.
    let load = |gas: u64| {
        let mut run = Run::new(SSVM, Grants { prices, ..Grants::default() });
        let [ptr, len] = run.put(DATA, &flat);
        run.set_gas(gas);
        run.call("load_png_to_rgb8", &[ptr, len, 1, 1, RESULT as i64])
    };
    assert!(matches!(load(704_000), Err(Error::Trap(Trap::OutOfGas))));
    assert!(matches!(load(712_000), Ok(0)));
}
