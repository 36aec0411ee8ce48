//! Bodies of `ssvm_image`, and of `wasmedge_image` in both of its forms.

use crate::backend::Failure;
use crate::picture::{self, DECODED, Frame, Pixels};
use crate::table::{Nn, No};
use gristmill::{Guest, Stop};
use image::ImageFormat;

/// What these functions answer when it is done.
const DONE: u32 = 0;

/// What they answer when it is not.
const FAILED: u32 = 1;

impl Nn {
    /// Decodes a picture and writes it at `out`, where so many bytes are.
    fn picture(
        &mut self,
        guest: &mut Guest<'_>,
        format: Option<ImageFormat>,
        (ptr, len): (u32, u32),
        frame: Frame,
        out: u32,
    ) -> Result<u32, Stop> {
        guest.check(ptr, len)?;
        // What does not fit into memory fails as what is outside of it; nothing was allocated for it.
        let wanted = u32::try_from(frame.bytes()).unwrap_or(u32::MAX);
        guest.check(out, wanted)?;
        match self.pictured(guest, format, (ptr, len), frame) {
            Ok(pixels) => {
                guest.write(out, &pixels)?;
                Ok(DONE)
            }
            Err(No::Stop(stop)) => Err(stop),
            Err(No::Failure(failure)) => {
                self.failure = Some(failure);
                Ok(FAILED)
            }
        }
    }

    fn pictured(
        &mut self,
        guest: &mut Guest<'_>,
        format: Option<ImageFormat>,
        (ptr, len): (u32, u32),
        frame: Frame,
    ) -> Result<Vec<u8>, No> {
        if frame.bytes() == 0 {
            return Err(Failure::Argument("a picture of no pixels".into()).into());
        }
        let price = self.prices().image;
        price.charge_bytes(guest, u64::from(len) + frame.bytes())?;
        let _held = self.memory.take(u64::from(len) + frame.bytes())?;
        let bytes = guest.slice(ptr, len)?.to_vec();
        let (bytes, pixels) = self.worker.run(&self.granted, move |_| {
            let pixels = picture::pixels(&bytes, format)?;
            Ok((bytes, pixels))
        })??;
        // A small file may be a large picture.
        price.charge_bytes(guest, pixels.saturating_mul(DECODED))?;
        let _decoded = self.memory.take(pixels.saturating_mul(DECODED))?;
        Ok(self.worker.run(&self.granted, move |_| picture::decode(&bytes, format, frame))??)
    }

    /// Functions of one name for all kinds, which come as a number.
    #[allow(clippy::too_many_arguments)] // The interface's.
    fn picture_of_kind(
        &mut self,
        guest: &mut Guest<'_>,
        format: Option<ImageFormat>,
        image: (u32, u32),
        (width, height): (u32, u32),
        kind: u32,
        (out, out_len): (u32, u32),
    ) -> Result<u32, Stop> {
        guest.check(out, out_len)?;
        let pixels = if kind < 2 { Pixels::Bytes } else { Pixels::Light };
        let frame = Frame { width, height, pixels, swapped: kind % 2 == 1 };
        if kind > 3 || u64::from(out_len) < frame.bytes() {
            let why = format!("kind {kind} of {width} by {height} in {out_len} bytes");
            self.failure = Some(Failure::Argument(why));
            return Ok(FAILED);
        }
        self.picture(guest, format, image, frame, out)
    }
}

/// The functions of `ssvm_image`, which have one type: body, format, pixels, whether blue comes first.
macro_rules! loaders {
    ($($name:ident $format:ident $pixels:ident $swapped:literal;)*) => {
        impl Nn {$(
            pub(crate) fn $name(
                &mut self,
                guest: &mut Guest<'_>,
                image: u32,
                len: u32,
                width: u32,
                height: u32,
                out: u32,
            ) -> Result<u32, Stop> {
                let frame = Frame { width, height, pixels: Pixels::$pixels, swapped: $swapped };
                self.picture(guest, Some(ImageFormat::$format), (image, len), frame, out)
            }
        )*}
    };
}

loaders! {
    jpg_to_rgb8 Jpeg Bytes false;
    jpg_to_bgr8 Jpeg Bytes true;
    jpg_to_rgb32f Jpeg Floats false;
    jpg_to_bgr32f Jpeg Floats true;
    png_to_rgb8 Png Bytes false;
    png_to_bgr8 Png Bytes true;
    png_to_rgb32f Png Floats false;
    png_to_bgr32f Png Floats true;
}

/// The functions of WasmEdge's later `wasmedge_image`: body, format.
macro_rules! kinds {
    ($($name:ident $format:expr;)*) => {
        impl Nn {$(
            #[allow(clippy::too_many_arguments)] // The interface's.
            pub(crate) fn $name(
                &mut self,
                guest: &mut Guest<'_>,
                image: u32,
                len: u32,
                width: u32,
                height: u32,
                kind: u32,
                out: u32,
                out_len: u32,
            ) -> Result<u32, Stop> {
                self.picture_of_kind(guest, $format, (image, len), (width, height), kind, (out, out_len))
            }
        )*}
    };
}

kinds! {
    load_jpg Some(ImageFormat::Jpeg);
    load_png Some(ImageFormat::Png);
    load_image None;
}
