use super::{Batch, Batches, batch_shape, label_shape};
use crate::DataError;
use crate::picture::{Augment, Colours, Normalize, Pixel, decode};
use crate::record::{Header, Place, Places, RecordReader};
use rsym_kernels::parallel::with_threads;
use rsym_kernels::random::{Key, permutation};
use rsym_tensor::{DType, Tensor, TensorError};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Labels by the number of the example.
pub type Labels = HashMap<u64, Vec<f32>>;

/// Which pictures of record files, and how.
#[derive(Clone, Debug)]
pub struct RecordSpec {
    /// The files: see [`Places::find`].
    pub path: String,
    /// The index of the only file.
    pub index: Option<PathBuf>,
    /// Labels that stand in place of those in the files.
    pub labels: Option<Labels>,
    /// Numbers of a label.
    pub label_width: usize,
    /// Channels (1, 3 or 4), rows and columns of a picture.
    pub shape: [usize; 3],
    /// Pictures of a batch.
    pub batch_size: usize,
    /// Whether the last batch is filled with pictures of the next epoch, which goes on behind them.
    pub round_batch: bool,
    /// Whether every epoch has another order.
    pub shuffle: bool,
    /// Which orders.
    pub seed: u64,
    /// Which random changes; without it they follow from `seed`, and differ in every epoch.
    pub seed_augment: Option<u64>,
    /// The number of a part of the records, and how many parts there are.
    pub part: (usize, usize),
    /// How many threads decode.
    pub threads: usize,
    /// The type of data: uint8 and int8 leave out what [`Normalize`] says, but for the mean of int8.
    pub dtype: DType,
    /// From decoded pictures to those of the wanted size.
    pub augment: Augment,
    /// From pictures to numbers.
    pub normalize: Normalize,
}

/// Batches of pictures in record files.
#[derive(Debug)]
pub struct Records {
    spec: RecordSpec,
    places: Places,
    /// Readers of every file, for every thread.
    readers: Vec<Vec<Option<RecordReader>>>,
    epoch: u64,
    order: Vec<u32>,
    /// How many of `order` are done.
    at: usize,
    ended: bool,
}

/// A picture of a batch: which record, and the number that its random changes follow from.
struct Job {
    place: Place,
    key: Key,
}

/// Where the results of a job go.
type Slot<'a, T> = (&'a Job, &'a mut [T], &'a mut [f32], &'a mut u64);

impl Records {
    /// Finds the records.
    pub fn open(spec: RecordSpec) -> Result<Records, DataError> {
        check(&spec)?;
        let places = Places::find(&spec.path, spec.index.as_deref(), spec.part)?;
        if places.places.is_empty() {
            return Err(DataError::Invalid(format!("there is no record in '{}', or in this part of it", spec.path)));
        }
        let files = places.paths.len();
        let readers = (0..spec.threads).map(|_| (0..files).map(|_| None).collect()).collect();
        let mut records = Records { spec, places, readers, epoch: 0, order: Vec::new(), at: 0, ended: false };
        records.order = records.order_of(0);
        Ok(records)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.places.places.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn order_of(&self, epoch: u64) -> Vec<u32> {
        if !self.spec.shuffle {
            return (0..self.len() as u32).collect();
        }
        let order = permutation(Key { seed: self.spec.seed, stream: epoch }, self.len());
        order.into_iter().map(|i| i as u32).collect()
    }

    /// The jobs of the next batch, and how many of them belong to the present epoch; the others to the one after it.
    fn jobs(&mut self) -> (Vec<Job>, usize) {
        let size = self.spec.batch_size;
        let rest = &self.order[self.at..];
        let found = rest.len().min(size);
        let mut jobs: Vec<Job> = rest[..found].iter().map(|&i| self.job(self.epoch, i)).collect();
        self.at += found;
        if found > 0 && found < size && self.spec.round_batch {
            let next = self.order_of(self.epoch + 1);
            jobs.extend(next.iter().cycle().take(size - found).map(|&i| self.job(self.epoch + 1, i)));
            self.ended = true;
        }
        (jobs, found)
    }

    fn job(&self, epoch: u64, record: u32) -> Job {
        // Streams of changes lie apart from those of orders.
        let stream = (u64::from(record) + 1) << 32;
        let key = match self.spec.seed_augment {
            Some(seed) => Key { seed, stream },
            None => Key { seed: self.spec.seed, stream: stream | (epoch & 0xffff_ffff) },
        };
        Job { place: self.places.places[record as usize], key }
    }

    fn batch<T: Pixel>(&mut self, jobs: &[Job]) -> Result<Batch, DataError> {
        let (spec, size) = (&self.spec, self.spec.batch_size);
        let mut data = Tensor::zeros(batch_shape(size, &spec.shape), T::DTYPE).map_err(too_large)?;
        let mut label = Tensor::zeros(label_shape(size, &[spec.label_width]), DType::Float32).map_err(too_large)?;
        let mut index = vec![0; size];
        let planes = data.slice_mut::<T>().map_err(too_large)?.chunks_exact_mut(spec.shape.iter().product());
        let labels = label.slice_mut::<f32>().map_err(too_large)?.chunks_exact_mut(spec.label_width);
        let slots = jobs.iter().zip(planes).zip(labels).zip(&mut index).map(|(((j, p), l), i)| (j, p, l, i));
        run(spec, &self.places.paths, &mut self.readers, slots.collect())?;
        Ok(Batch { data, label, index, pad: 0, borrowed: 0 })
    }
}

fn too_large(error: TensorError) -> DataError {
    DataError::Invalid(error.to_string())
}

fn check(spec: &RecordSpec) -> Result<(), DataError> {
    let refuse = |what: String| Err(DataError::Invalid(what));
    if ![1, 3, 4].contains(&spec.shape[0]) {
        return refuse(format!("data_shape begins with 1, 3 or 4 channels, got {:?}", spec.shape));
    }
    if spec.batch_size == 0 || spec.label_width == 0 || spec.threads == 0 {
        return refuse("batch_size, label_width and preprocess_threads must be positive".into());
    }
    let pixels = spec.shape[1].checked_mul(spec.shape[2]).filter(|&pixels| pixels <= 1 << 28);
    if pixels.and_then(|pixels| pixels.checked_mul(4 * spec.batch_size)).is_none() {
        return refuse(format!("a batch of {} pictures of {:?} is too large", spec.batch_size, spec.shape));
    }
    spec.augment.check()
}

/// Does the jobs of a batch on threads that take one after the other. Of several errors, that of the first job comes out.
fn run<T: Pixel>(
    spec: &RecordSpec,
    paths: &[PathBuf],
    readers: &mut [Vec<Option<RecordReader>>],
    slots: Vec<Slot<'_, T>>,
) -> Result<(), DataError> {
    let (next, count) = (AtomicUsize::new(0), slots.len());
    let slots: Vec<_> = slots.into_iter().map(|slot| Mutex::new(Some(slot))).collect();
    let first: Mutex<Option<(usize, DataError)>> = Mutex::new(None);
    let work = |readers: &mut Vec<Option<RecordReader>>| {
        let mut record = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = slots.get(i).and_then(|slot| locked(slot).take()) else { return };
            if let Err(error) = one(spec, paths, readers, &mut record, slot) {
                let mut first = locked(&first);
                if first.as_ref().is_none_or(|(before, _)| i < *before) {
                    *first = Some((i, error));
                }
                // Jobs before this one are under way already.
                next.store(count, Ordering::Relaxed);
            }
        }
    };
    let threads = readers.len().min(count);
    thread::scope(|scope| {
        for readers in readers.iter_mut().take(threads) {
            scope.spawn(|| with_threads(1, || work(readers)));
        }
    });
    let failed = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(_, error)| Err(error))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads, decodes and changes one picture.
fn one<T: Pixel>(
    spec: &RecordSpec,
    paths: &[PathBuf],
    readers: &mut [Option<RecordReader>],
    record: &mut Vec<u8>,
    (job, planes, labels, index): Slot<'_, T>,
) -> Result<(), DataError> {
    let (file, offset) = job.place;
    let path = &paths[file as usize];
    let reader = match &mut readers[file as usize] {
        Some(reader) => reader,
        empty => empty.insert(RecordReader::open(path)?),
    };
    reader.seek(offset)?;
    if !reader.read_into(record)? {
        return Err(DataError::damaged(path, offset, "the file ends here: is the index that of another file?"));
    }
    fill(spec, record, job.key, planes, labels, index).map_err(|error| error.at(path, offset))
}

fn fill<T: Pixel>(
    spec: &RecordSpec,
    record: &[u8],
    key: Key,
    planes: &mut [T],
    labels: &mut [f32],
    index: &mut u64,
) -> Result<(), DataError> {
    let (header, content) = Header::unpack(record)?;
    *index = header.id;
    labels.copy_from_slice(label_of(spec, &header)?);
    let colours = match spec.shape[0] {
        1 => Colours::Gray,
        3 => Colours::Rgb,
        _ => Colours::AsIs,
    };
    let picture = decode(content, colours, true)?;
    if picture.channels != spec.shape[0] {
        let what = format!("data_shape has {} channels, this picture {}", spec.shape[0], picture.channels);
        return Err(DataError::Invalid(what));
    }
    let mut draws = key.draws();
    let picture = spec.augment.apply(picture, &mut draws)?;
    spec.normalize.write(&picture, &mut draws, planes)
}

fn label_of<'a>(spec: &'a RecordSpec, header: &'a Header) -> Result<&'a [f32], DataError> {
    let found = match &spec.labels {
        None => &header.labels,
        Some(labels) => labels.get(&header.id).ok_or_else(|| {
            DataError::Invalid(format!("the list (path_imglist) has no label for number {}", header.id))
        })?,
    };
    if found.len() == spec.label_width {
        return Ok(found);
    }
    let what = format!("label_width is {}, but this record has {} labels", spec.label_width, found.len());
    Err(DataError::Invalid(what))
}

impl Batches for Records {
    fn start(&mut self, epoch: u64, skip: usize) -> Result<(), DataError> {
        (self.epoch, self.ended) = (epoch, false);
        self.order = self.order_of(epoch);
        self.at = skip.min(self.order.len());
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Batch>, DataError> {
        if self.ended {
            return Ok(None);
        }
        let (jobs, found) = self.jobs();
        if found == 0 {
            return Ok(None);
        }
        let mut batch = match self.spec.dtype {
            DType::UInt8 => self.batch::<u8>(&jobs)?,
            DType::Int8 => self.batch::<i8>(&jobs)?,
            _ => self.batch::<f32>(&jobs)?,
        };
        if batch.data.dtype() != self.spec.dtype {
            batch.data = batch.data.cast(self.spec.dtype).map_err(too_large)?;
        }
        batch.pad = self.spec.batch_size - found;
        // A file may be smaller than what fills the batch.
        batch.borrowed = (jobs.len() - found).checked_sub(1).map_or(0, |more| more % self.len() + 1);
        Ok(Some(batch))
    }
}

/// Labels by number from the lines of a list: number, labels, path, with tabs between them.
pub fn read_labels(path: &std::path::Path, width: usize) -> Result<Labels, DataError> {
    let text = std::fs::read(path).map_err(DataError::file(path))?;
    let (mut labels, mut offset) = (Labels::new(), 0);
    for line in text.split(|&byte| byte == b'\n') {
        if !line.trim_ascii().is_empty() {
            let what = format!("a line of a list has a number, {width} labels and a path, with tabs between them");
            let (id, label) = list_line(line, width).ok_or_else(|| DataError::damaged(path, offset, what))?;
            labels.insert(id, label);
        }
        offset += line.len() as u64 + 1;
    }
    Ok(labels)
}

fn list_line(line: &[u8], width: usize) -> Option<(u64, Vec<f32>)> {
    let mut fields = line.split(|&byte| byte == b'\t').map(|field| str::from_utf8(field).unwrap_or("").trim());
    let id = fields.next()?.parse().ok()?;
    let label = fields.by_ref().take(width).map(|field| field.parse().ok()).collect::<Option<Vec<f32>>>()?;
    (label.len() == width && fields.next().is_some()).then_some((id, label))
}
