use super::Picture;
use crate::DataError;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use png::DeflateCompression;

/// How a picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With a quality from 1 to 100; colours with half of the resolution.
    Jpeg(u8),
    /// Without loss, compressed with 0 (fast) to 9 (small).
    Png(u8),
}

/// The bytes of a JPEG or PNG file.
///
/// # Errors
/// The picture is empty, or too large for the format, or has a number of channels that the format does not know.
pub fn encode(picture: &Picture, format: Format) -> Result<Vec<u8>, DataError> {
    match format {
        Format::Jpeg(quality) => encode_jpeg(picture, quality.clamp(1, 100)),
        Format::Png(level) => encode_png(picture, level.min(9)),
    }
}

fn encode_jpeg(picture: &Picture, quality: u8) -> Result<Vec<u8>, DataError> {
    let colours = match picture.channels {
        1 => ColorType::Luma,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        other => return Err(channels(other)),
    };
    let (Ok(width), Ok(height)) = (u16::try_from(picture.width), u16::try_from(picture.height)) else {
        let what =
            format!("a JPEG picture has at most 65535 rows and columns, got {} x {}", picture.height, picture.width);
        return Err(DataError::Invalid(what));
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    let done = encoder.encode(&picture.data, width, height, colours);
    done.map_err(|error| DataError::Invalid(format!("cannot encode this picture: {error}")))?;
    Ok(bytes)
}

fn encode_png(picture: &Picture, level: u8) -> Result<Vec<u8>, DataError> {
    let colours = match picture.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        4 => png::ColorType::Rgba,
        other => return Err(channels(other)),
    };
    let failed = |error| DataError::Invalid(format!("cannot encode this picture: {error}"));
    let side = |extent: usize| u32::try_from(extent).unwrap_or(0);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(picture.width), side(picture.height));
    encoder.set_color(colours);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(level));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&picture.data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn channels(got: usize) -> DataError {
    DataError::Invalid(format!("a picture to be encoded has 1, 3 or 4 channels, got {got}"))
}
