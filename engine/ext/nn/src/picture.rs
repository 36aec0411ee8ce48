//! Pictures: decoded, resized, and written as rows of pixels.
//!
//! Whatever a picture has (grey, a palette, 16 bits, CMYK) becomes 8 bits of red, green and blue; transparency is dropped. No
//! gamma, colour profile or rotation of the file is applied.
//!
//! Resizing is bilinear, and does not keep proportions: the corners of the result are the corners of the picture, a pixel
//! between them lies at `x * (from - 1) / (to - 1)`, and the mean of the four pixels around it, weighted by nearness, is rounded to
//! the nearest, halves up. A side of one pixel is taken from the first. Integers alone are used, so the result is the same
//! everywhere.

use crate::backend::Failure;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Pixels of a picture, at most: they are held while it is decoded.
pub const PIXELS: u64 = 1 << 26;

/// Bytes that a pixel takes at most while it is decoded: four channels of 16 bits, and three of 8.
pub(crate) const DECODED: u64 = 11;

/// How pixels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// A byte a channel.
    Bytes,
    /// A float a channel, from 0 to 1: the byte, by 255.
    Floats,
    /// The same as light: the byte, by 255, to the power of 2.2. Resized as such.
    Light,
}

/// A picture as it is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub width: u32,
    pub height: u32,
    pub pixels: Pixels,
    /// Blue comes first.
    pub swapped: bool,
}

impl Frame {
    /// Bytes of it, or more than anybody has.
    pub fn bytes(&self) -> u64 {
        let pixel = if self.pixels == Pixels::Bytes { 3 } else { 12 };
        (u64::from(self.width) * u64::from(self.height)).saturating_mul(pixel)
    }
}

fn decoder(bytes: &[u8], format: Option<ImageFormat>) -> Result<impl ImageDecoder + '_, Failure> {
    let refuse = |why: String| Failure::Encoding(why);
    let format = match format {
        Some(format) => format,
        None => image::guess_format(bytes).map_err(|error| refuse(error.to_string()))?,
    };
    if format == ImageFormat::Jpeg && !has_end(bytes) {
        return Err(refuse("a JPEG without an end".into()));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXELS * DECODED);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| refuse(error.to_string()))
}

/// Whether an end follows the last scan: what is missing would be filled with grey.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    match (last(0xda), last(0xd9)) {
        (Some(scan), Some(end)) => scan < end,
        _ => false,
    }
}

/// Pixels of a picture, by its header.
pub(crate) fn pixels(bytes: &[u8], format: Option<ImageFormat>) -> Result<u64, Failure> {
    let (width, height) = decoder(bytes, format)?.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS {
        return Err(Failure::TooLarge(format!("a picture of {width} by {height}")));
    }
    Ok(pixels)
}

/// A picture as it is wanted.
pub(crate) fn decode(bytes: &[u8], format: Option<ImageFormat>, frame: Frame) -> Result<Vec<u8>, Failure> {
    let picture = DynamicImage::from_decoder(decoder(bytes, format)?);
    let picture = picture.map_err(|error| Failure::Encoding(error.to_string()))?.into_rgb8();
    let source = Source { width: picture.width(), height: picture.height(), bytes: picture.as_raw() };
    let order = if frame.swapped { [2, 1, 0] } else { [0, 1, 2] };
    let mut out = Vec::with_capacity(frame.bytes() as usize);
    let light: Vec<f64> = (0..=255).map(|byte| (f64::from(byte) / 255.0).powf(2.2)).collect();
    for y in 0..frame.height {
        let row = Between::new(y, frame.height, source.height);
        for x in 0..frame.width {
            let column = Between::new(x, frame.width, source.width);
            for channel in order {
                match frame.pixels {
                    Pixels::Bytes => out.push(source.mean(row, column, channel)),
                    Pixels::Floats => {
                        let value = f32::from(source.mean(row, column, channel)) / 255.0;
                        out.extend_from_slice(&value.to_le_bytes());
                    }
                    Pixels::Light => {
                        let value = source.weighted(row, column, channel, |byte| light[usize::from(byte)]);
                        out.extend_from_slice(&(value as f32).to_le_bytes());
                    }
                }
            }
        }
    }
    Ok(out)
}

/// A place between two pixels of a line: behind `first`, by `part` of `whole` of the way to the next.
#[derive(Clone, Copy)]
struct Between {
    first: u32,
    part: u64,
    whole: u64,
}

impl Between {
    /// Where pixel `at` of `to` is among `from`.
    fn new(at: u32, to: u32, from: u32) -> Self {
        let whole = u64::from(to.max(2) - 1);
        let place = u64::from(at) * u64::from(from - 1);
        Self { first: (place / whole) as u32, part: place % whole, whole }
    }
}

struct Source<'a> {
    width: u32,
    height: u32,
    bytes: &'a [u8],
}

impl Source<'_> {
    /// The four pixels around a place, and their weights.
    fn around(&self, row: Between, column: Between, channel: usize) -> [(u8, u64); 4] {
        let at = |x: u32, y: u32| {
            let pixel = y.min(self.height - 1) as usize * self.width as usize + x.min(self.width - 1) as usize;
            self.bytes[pixel * 3 + channel]
        };
        let (x, y) = (column.first, row.first);
        let (right, below) = (column.part, row.part);
        let (left, above) = (column.whole - right, row.whole - below);
        // Both sides have less than 2^32 pixels.
        [
            (at(x, y), left * above),
            (at(x + 1, y), right * above),
            (at(x, y + 1), left * below),
            (at(x + 1, y + 1), right * below),
        ]
    }

    fn mean(&self, row: Between, column: Between, channel: usize) -> u8 {
        let whole = u128::from(row.whole) * u128::from(column.whole);
        let sum: u128 = self
            .around(row, column, channel)
            .iter()
            .map(|(byte, weight)| u128::from(*byte) * u128::from(*weight))
            .sum();
        // A mean of bytes is one.
        ((sum + whole / 2) / whole) as u8
    }

    fn weighted(&self, row: Between, column: Between, channel: usize, value: impl Fn(u8) -> f64) -> f64 {
        let whole = row.whole as f64 * column.whole as f64;
        self.around(row, column, channel).iter().map(|(byte, weight)| value(*byte) * *weight as f64).sum::<f64>()
            / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(bytes: &[u8], (width, height): (u32, u32), to: (u32, u32)) -> Vec<u8> {
        let source = Source { width, height, bytes };
        let at = |x, y| source.mean(Between::new(y, to.1, height), Between::new(x, to.0, width), 0);
        (0..to.1).flat_map(|y| (0..to.0).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
    }

    /// Pixels of one channel, as pixels of three.
    fn grey(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|byte| [*byte; 3]).collect()
    }

    #[test]
    fn corners_stay_and_what_is_between_is_weighted() {
        let line = grey(&[0, 100]);
        assert_eq!(resize(&line, (2, 1), (2, 1)), [0, 100]);
        assert_eq!(resize(&line, (2, 1), (5, 1)), [0, 25, 50, 75, 100]);
        assert_eq!(resize(&line, (2, 1), (1, 1)), [0]);
        // A third of 100, and two, to the nearest; a half upwards.
        assert_eq!(resize(&line, (2, 1), (4, 1)), [0, 33, 67, 100]);
        assert_eq!(resize(&grey(&[0, 1]), (2, 1), (3, 1)), [0, 1, 1]);
        let square = grey(&[0, 100, 200, 40]);
        assert_eq!(resize(&square, (2, 2), (3, 3)), [0, 50, 100, 100, 85, 70, 200, 120, 40]);
        assert_eq!(resize(&grey(&[7]), (1, 1), (2, 2)), [7; 4]);
        // The largest sides that there can be.
        let between = Between::new(u32::MAX - 1, u32::MAX, u32::MAX);
        assert_eq!((between.first, between.part), (u32::MAX - 1, 0));
    }
}
