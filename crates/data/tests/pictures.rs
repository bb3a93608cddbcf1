//! Pictures: formats, damage, and batches of them that are the same for every number of threads.

use rsym_data::DataError;
use rsym_data::batch::{Batches, RecordSpec, Records};
use rsym_data::picture::{
    Augment, Colours, Format, Interpolation, Jitter, Normalize, Picture, brightness, contrast, decode, encode,
    saturation, shift_hls, shorter_side,
};
use rsym_data::record::{Header, RecordWriter};
use rsym_kernels::random::Key;
use rsym_tensor::DType;
use std::path::Path;

fn picture(height: usize, width: usize, channels: usize) -> Picture {
    let data = (0..height * width * channels).map(|i| (i * 7 % 251) as u8).collect();
    Picture::new(height, width, channels, data).unwrap()
}

/// A picture without sharp edges.
fn smooth(height: usize, width: usize) -> Picture {
    let data = (0..height * width * 3).map(|i| (i / 3 % width * 2 + i / 3 / width * 3 + i % 3 * 20) as u8).collect();
    Picture::new(height, width, 3, data).unwrap()
}

fn damage(bytes: &[u8]) -> String {
    match decode(bytes, Colours::Rgb, true) {
        Err(DataError::Picture(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn png_pictures_come_back_as_they_were() {
    for channels in [1, 3, 4] {
        for level in [0, 3, 9] {
            let before = picture(13, 17, channels);
            let bytes = encode(&before, Format::Png(level)).unwrap();
            assert_eq!(decode(&bytes, Colours::AsIs, false).unwrap(), before);
        }
    }
}

#[test]
fn jpeg_pictures_come_back_nearly() {
    let before = smooth(40, 50);
    let of = |quality| encode(&before, Format::Jpeg(quality)).unwrap();
    let after = decode(&of(95), Colours::AsIs, false).unwrap();
    assert_eq!((after.height, after.width, after.channels), (40, 50, 3));
    let worst = before.data.iter().zip(&after.data).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst < Some(12), "{worst:?}");
    assert!(of(20).len() < of(95).len());
    assert_eq!(decode(&of(95), Colours::Gray, false).unwrap().channels, 1);
}

#[test]
fn pictures_that_no_format_holds_are_refused() {
    assert!(encode(&picture(2, 2, 5), Format::Png(3)).is_err());
    assert!(encode(&picture(2, 2, 2), Format::Jpeg(90)).is_err());
    assert!(encode(&Picture::default(), Format::Png(3)).is_err());
    assert!(encode(&picture(1, 70_000, 1), Format::Jpeg(90)).is_err());
    assert!(Picture::new(2, 2, 3, vec![0; 11]).is_err());
}

#[test]
fn bytes_of_no_picture_are_named() {
    assert!(damage(b"").contains("no bytes"));
    assert!(damage(b"GIF89a").contains("47 49 46"));
    assert!(damage(&[0xff, 0xd8]).contains("JPEG"));
    assert!(damage(b"\x89PNG\r\n\x1a\n").contains("PNG"));
}

#[test]
fn jpeg_pictures_cut_off_anywhere_are_named() {
    for before in [smooth(40, 50), picture(33, 20, 1)] {
        let bytes = encode(&before, Format::Jpeg(90)).unwrap();
        // The last bytes of the data may hold nothing but the end of a code.
        for length in 0..bytes.len() - 16 {
            assert!(decode(&bytes[..length], Colours::Rgb, true).is_err(), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn png_pictures_cut_off_anywhere_are_named() {
    let bytes = encode(&picture(20, 20, 3), Format::Png(6)).unwrap();
    // The last chunk says only that this is the end.
    for length in 0..bytes.len() - 12 - 4 {
        assert!(decode(&bytes[..length], Colours::Rgb, true).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn a_changed_byte_never_panics() {
    for bytes in [encode(&smooth(24, 24), Format::Jpeg(80)).unwrap(), encode(&smooth(24, 24), Format::Png(6)).unwrap()]
    {
        for i in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[i] ^= change;
                let _ = decode(&bad, Colours::Rgb, true);
                let _ = decode(&bad, Colours::Gray, true);
            }
        }
    }
}

#[test]
fn extents_beyond_reason_allocate_nothing() {
    let mut bytes = encode(&picture(4, 4, 3), Format::Png(6)).unwrap();
    bytes[16..24].fill(0x7f);
    damage(&bytes);
    let mut bytes = encode(&smooth(16, 16), Format::Jpeg(90)).unwrap();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].fill(0xff);
    damage(&bytes);
}

#[test]
fn parts_and_borders() {
    let whole = picture(4, 5, 3);
    let part = whole.crop(1, 2, 3, 2).unwrap();
    assert_eq!(part.data[..3], whole.data[(2 * 5 + 1) * 3..][..3]);
    assert!(whole.crop(3, 0, 3, 1).is_err() && whole.crop(usize::MAX, 0, 2, 1).is_err());
    let padded = whole.pad(2, 9);
    assert_eq!((padded.height, padded.width), (8, 9));
    assert_eq!(padded.crop(2, 2, 5, 4).unwrap(), whole);
    assert!(padded.data[..2 * 9 * 3].iter().all(|&v| v == 9));
}

#[test]
fn shorter_sides_round_down() {
    assert_eq!(shorter_side(100, 51, 25), (49, 25));
    assert_eq!(shorter_side(51, 100, 25), (25, 49));
    assert!(picture(100, 1, 1).resize(0, 5, Interpolation::Linear).is_err());
}

#[test]
fn colours_without_change_stay() {
    let mut same = picture(9, 11, 3);
    brightness(&mut same, 1.0);
    contrast(&mut same, 1.0);
    saturation(&mut same, 1.0);
    shift_hls(&mut same, 0.0, 0.0, 0.0);
    assert_eq!(same, picture(9, 11, 3));
    let mut gray = picture(9, 11, 3);
    saturation(&mut gray, 0.0);
    assert!(gray.data.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    shift_hls(&mut gray, 0.0, 0.0, 300.0);
    assert!(gray.data.iter().all(|&v| v == 255));
}

#[test]
fn hues_turn() {
    let mut red = Picture::new(1, 1, 3, vec![255, 0, 0]).unwrap();
    shift_hls(&mut red, 60.0, 0.0, 0.0);
    assert_eq!(red.data, [0, 255, 0]);
    shift_hls(&mut red, 60.0, 0.0, 0.0);
    assert_eq!(red.data, [0, 0, 255]);
}

#[test]
fn planes_are_normalised_and_mirrored() {
    let source = Picture::new(1, 2, 3, vec![10, 20, 30, 40, 50, 60]).unwrap();
    let mut normalize = Normalize { mean: [10.0, 0.0, 0.0, 0.0], std: [2.0, 1.0, 1.0, 1.0], ..Normalize::default() };
    let mut out = [0.0f32; 6];
    let mut draws = Key { seed: 0, stream: 0 }.draws();
    normalize.write(&source, &mut draws, &mut out).unwrap();
    assert_eq!(out, [0.0, 15.0, 20.0, 50.0, 30.0, 60.0]);
    normalize.mirror = true;
    normalize.write(&source, &mut draws, &mut out).unwrap();
    assert_eq!(out, [15.0, 0.0, 50.0, 20.0, 60.0, 30.0]);
    assert!(normalize.write(&source, &mut draws, &mut out[..5]).is_err());
}

fn spec(path: &Path) -> RecordSpec {
    let jitter = Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, pca_noise: 0.2, hsl: [20; 3] };
    RecordSpec {
        path: path.display().to_string(),
        index: None,
        labels: None,
        label_width: 1,
        shape: [3, 12, 10],
        batch_size: 5,
        round_batch: true,
        shuffle: true,
        seed: 3,
        seed_augment: None,
        part: (0, 1),
        threads: 1,
        dtype: DType::Float32,
        augment: Augment { rand_crop: true, max_rotate_angle: 30, jitter, ..Augment::to_size(12, 10) },
        normalize: Normalize { rand_mirror: true, ..Normalize::default() },
    }
}

fn write(path: &Path, count: usize) {
    let mut writer = RecordWriter::create(path).unwrap();
    for i in 0..count {
        let header = Header { flag: 0, labels: vec![i as f32], id: i as u64, id2: 0 };
        writer.write(&header.pack(&encode(&picture(20 + i, 30 - i, 3), Format::Png(1)).unwrap())).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn batches_are_the_same_for_every_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rec");
    write(&path, 13);
    let run = |threads| {
        let mut records = Records::open(RecordSpec { threads, ..spec(&path) }).unwrap();
        let mut found = Vec::new();
        for epoch in 0..3 {
            records.start(epoch, 0).unwrap();
            while let Some(batch) = records.next().unwrap() {
                found.push((batch.data.as_bytes().to_vec(), batch.label.to_f64_vec(), batch.pad, batch.borrowed));
            }
        }
        found
    };
    let one = run(1);
    assert_eq!(one.len(), 9);
    assert_eq!((one[2].2, one[2].3), (2, 2));
    assert!(one[0].0 != one[3].0);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn the_first_damage_of_a_batch_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rec");
    let mut writer = RecordWriter::create(&path).unwrap();
    for _ in 0..20 {
        writer.write(&Header { labels: vec![0.0], ..Header::default() }.pack(b"nothing")).unwrap();
    }
    writer.close().unwrap();
    for _ in 0..20 {
        let mut records = Records::open(RecordSpec { threads: 4, shuffle: false, ..spec(&path) }).unwrap();
        let error = records.next().unwrap_err();
        assert!(matches!(error, DataError::Damaged { offset: 0, .. }), "{error}");
    }
}
