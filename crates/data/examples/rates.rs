//! Pictures per second of a record file, as networks are trained on it.
//!
//! `cargo run --profile fast -p rsym-data --example rates -- FILE THREADS`

use rsym_data::DataError;
use rsym_data::batch::{Ahead, RecordSpec, Records};
use rsym_data::picture::{Augment, Jitter, Normalize};
use rsym_tensor::DType;
use std::time::Instant;

fn spec(path: &str, threads: usize, shape: [usize; 3]) -> RecordSpec {
    RecordSpec {
        path: path.into(),
        index: None,
        labels: None,
        label_width: 1,
        shape,
        batch_size: 64,
        round_batch: true,
        shuffle: false,
        seed: 0,
        seed_augment: None,
        part: (0, 1),
        threads,
        dtype: DType::Float32,
        augment: Augment::to_size(shape[1], shape[2]),
        normalize: Normalize::default(),
    }
}

fn rate(spec: RecordSpec) -> Result<f64, DataError> {
    let mut batches = Ahead::new(Records::open(spec)?, 4);
    let mut best = 0.0f64;
    for _ in 0..3 {
        let (start, mut count) = (Instant::now(), 0);
        while let Some(batch) = batches.next()? {
            count += batch.index.len() - batch.pad;
        }
        best = best.max(count as f64 / start.elapsed().as_secs_f64());
        batches.reset()?;
    }
    Ok(best)
}

fn main() -> Result<(), DataError> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "pictures.rec".into());
    let threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(2);
    let plain = spec(&path, threads, [3, 224, 224]);
    let mut trained = plain.clone();
    (trained.shuffle, trained.augment.rand_crop, trained.normalize.rand_mirror) = (true, true, true);
    trained.normalize.mean = [123.68, 116.78, 103.94, 0.0];
    trained.normalize.std = [58.4, 57.1, 57.4, 1.0];
    let mut small = spec(&path, threads, [3, 112, 112]);
    small.augment.resize = Some(128);
    let mut coloured = plain.clone();
    coloured.augment.random_resized_crop = true;
    (coloured.augment.random_area, coloured.augment.aspect_ratio) = ((0.2, 1.0), (0.75, 1.33));
    coloured.augment.jitter = Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, ..Jitter::default() };
    let cases =
        [("crop", plain), ("crop, mirror, normalise", trained), ("resize", small), ("resized crop, colours", coloured)];
    for (name, spec) in cases {
        println!("{name:30} {:8.0}", rate(spec)?);
    }
    Ok(())
}
