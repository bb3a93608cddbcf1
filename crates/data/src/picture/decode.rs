use super::Picture;
use crate::DataError;
use png::{ColorType, Transformations};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Which channels a decoded picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// One.
    Gray,
    /// Three.
    Rgb,
    /// Those of the file: one, three, or four.
    AsIs,
}

/// Pixels that are believed; more are taken for damage.
const MAX_PIXELS: usize = 1 << 28;

/// The picture in the bytes of a JPEG or PNG file.
///
/// Files with 16 bits are read with their upper 8.
/// With `turn`, a JPEG file that says how it is to be turned is turned.
///
/// # Errors
/// The bytes are neither, or damaged.
pub fn decode(bytes: &[u8], colours: Colours, turn: bool) -> Result<Picture, DataError> {
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        if bytes.starts_with(&[0xff, 0xd8]) {
            decode_jpeg(bytes, colours, turn)
        } else if bytes.starts_with(b"\x89PNG") {
            decode_png(bytes, colours)
        } else {
            Err(foreign(bytes))
        }
    }));
    decoded.unwrap_or_else(|_| Err(DataError::Picture("this picture is damaged: decoding it fails".into())))
}

fn foreign(bytes: &[u8]) -> DataError {
    let start: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let what =
        if start.is_empty() { "there are no bytes".into() } else { format!("they begin with {}", start.join(" ")) };
    DataError::Picture(format!("these bytes are no JPEG or PNG picture: {what}"))
}

fn check_pixels(height: usize, width: usize) -> Result<(), DataError> {
    if height.checked_mul(width).is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels)) {
        return Ok(());
    }
    Err(DataError::Picture(format!("a picture of {height} x {width} pixels: empty, too large, or damaged")))
}

fn decode_jpeg(bytes: &[u8], colours: Colours, turn: bool) -> Result<Picture, DataError> {
    // Many files in use have small faults. What must not go unseen is that the end is missing.
    read_jpeg(bytes, colours, turn, true).or_else(|error| {
        let ends = bytes.rchunks(1 << 10).take(1).any(|end| end.windows(2).any(|pair| pair == [0xff, 0xd9]));
        if ends { read_jpeg(bytes, colours, turn, false) } else { Err(error) }
    })
}

fn read_jpeg(bytes: &[u8], colours: Colours, turn: bool, strict: bool) -> Result<Picture, DataError> {
    let failed = |error: DecodeErrors| DataError::Picture(format!("this JPEG picture is damaged or cut off: {error}"));
    let options = DecoderOptions::default().set_max_width(1 << 16).set_max_height(1 << 16).set_strict_mode(strict);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failed)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    check_pixels(height, width)?;
    let space = match (decoder.input_colorspace(), colours) {
        (Some(ColorSpace::Luma), Colours::Gray | Colours::AsIs) => ColorSpace::Luma,
        (Some(ColorSpace::YCbCr), Colours::Gray) => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let data = decoder.decode().map_err(failed)?;
    let gray = colours == Colours::Gray && space == ColorSpace::RGB;
    let data = if gray { data.chunks_exact(3).map(super::colour::gray).collect() } else { data };
    let picture = Picture::new(height, width, data.len() / (height * width), data)?;
    let turned = turn && colours != Colours::AsIs;
    Ok(if turned { turn_by(picture, decoder.exif().map_or(1, |exif| orientation(exif))) } else { picture })
}

/// The number that Exif data has for the orientation, 1 if it says nothing.
fn orientation(exif: &[u8]) -> u16 {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let big = exif.starts_with(b"MM");
    let short = |at: usize| {
        let bytes = exif.get(at..)?.first_chunk::<2>()?;
        Some(if big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    };
    let find = || {
        let start = usize::from(short(4 + if big { 2 } else { 0 })?);
        let entries = usize::from(short(start)?);
        let entry = (0..entries).map(|i| start + 2 + 12 * i).find(|&at| short(at) == Some(0x112))?;
        short(entry + 8)
    };
    find().unwrap_or(1)
}

/// The picture turned and mirrored as an Exif orientation says.
fn turn_by(picture: Picture, orientation: u16) -> Picture {
    let (swaps, right, down) = match orientation {
        2 => (false, true, false),
        3 => (false, true, true),
        4 => (false, false, true),
        5 => (true, false, false),
        6 => (true, false, true),
        7 => (true, true, true),
        8 => (true, true, false),
        _ => return picture,
    };
    let (h, w, c) = (picture.height, picture.width, picture.channels);
    let (height, width) = if swaps { (w, h) } else { (h, w) };
    let mut data = Vec::with_capacity(picture.data.len());
    for y in 0..height {
        for x in 0..width {
            let (row, column) = if swaps { (x, y) } else { (y, x) };
            let row = if down { h - 1 - row } else { row };
            let column = if right { w - 1 - column } else { column };
            data.extend_from_slice(&picture.data[(row * w + column) * c..][..c]);
        }
    }
    Picture { height, width, channels: c, data }
}

fn decode_png(bytes: &[u8], colours: Colours) -> Result<Picture, DataError> {
    let failed = |error| DataError::Picture(format!("this PNG picture is damaged: {error}"));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_limits(png::Limits { bytes: 8 * MAX_PIXELS });
    let info = decoder.read_header_info().map_err(failed)?;
    check_pixels(info.height as usize, info.width as usize)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let size = reader.output_buffer_size().ok_or_else(|| DataError::Picture("this PNG picture is too large".into()))?;
    let mut data = vec![0; size];
    let info = reader.next_frame(&mut data).map_err(failed)?;
    data.truncate(info.buffer_size());
    let data = converted(data, info.color_type, colours);
    let channels = data.len() / (info.height as usize * info.width as usize);
    Picture::new(info.height as usize, info.width as usize, channels, data)
}

/// The values with other channels.
fn converted(data: Vec<u8>, from: ColorType, to: Colours) -> Vec<u8> {
    use ColorType::{Grayscale, GrayscaleAlpha, Rgba};
    match (from, to) {
        (Grayscale, Colours::Gray | Colours::AsIs) | (ColorType::Rgb, Colours::Rgb | Colours::AsIs) => data,
        (Rgba, Colours::AsIs) => data,
        (Grayscale, Colours::Rgb) => data.iter().flat_map(|&v| [v; 3]).collect(),
        (GrayscaleAlpha, Colours::Gray) => data.chunks_exact(2).map(|pixel| pixel[0]).collect(),
        (GrayscaleAlpha, Colours::Rgb) => data.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(),
        (GrayscaleAlpha, Colours::AsIs) => data.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect(),
        (Rgba, Colours::Rgb) => data.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        (_, Colours::Gray) => data.chunks_exact(if from == Rgba { 4 } else { 3 }).map(gray).collect(),
        (_, _) => data,
    }
}

/// The gray of a pixel as libpng computes it: rounded down.
fn gray(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    ((r * 9797 + g * 19234 + b * 3737) >> 15) as u8
}
