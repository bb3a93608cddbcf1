use super::{Batch, Batches, batch_shape, label_shape};
use crate::DataError;
use crate::csv::{CsvReader, Number};
use rsym_tensor::Tensor;
use std::path::PathBuf;

/// Where examples come from that lie in text files.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// A file with a line for each example, or a folder of such files.
    pub data: PathBuf,
    /// The shape of an example.
    pub data_shape: Vec<usize>,
    /// The same for labels; without it every label is 0.
    pub label: Option<PathBuf>,
    /// The shape of a label.
    pub label_shape: Vec<usize>,
    /// Examples of a batch.
    pub batch_size: usize,
    /// Whether the last batch is filled with the first examples of the next epoch, which goes on behind them. Otherwise it
    /// is filled with what the batch before it has there.
    pub round_batch: bool,
}

impl Default for TableSpec {
    fn default() -> TableSpec {
        TableSpec {
            data: PathBuf::new(),
            data_shape: Vec::new(),
            label: None,
            label_shape: vec![1],
            batch_size: 1,
            round_batch: true,
        }
    }
}

/// Batches of rows of text files.
#[derive(Debug)]
pub struct Table<T> {
    spec: TableSpec,
    data: CsvReader,
    label: Option<CsvReader>,
    /// The batch that is being filled, and the one before it.
    rows: Vec<T>,
    labels: Vec<T>,
    index: Vec<u64>,
    /// The next row.
    row: u64,
    /// The last batch of the epoch was filled with examples of the next.
    ended: bool,
}

impl<T: Number> Table<T> {
    /// Opens the files.
    pub fn open(spec: TableSpec) -> Result<Table<T>, DataError> {
        let (width, label_width) = (size_of_shape(&spec.data_shape)?, size_of_shape(&spec.label_shape)?);
        if spec.batch_size == 0 {
            return Err(DataError::Invalid("batch_size must be positive".into()));
        }
        if spec.label.is_none() && label_width != 1 {
            let what = format!("label_shape is {:?}, but there is no label_csv", spec.label_shape);
            return Err(DataError::Invalid(what));
        }
        let sizes = (spec.batch_size.checked_mul(width), spec.batch_size.checked_mul(label_width));
        let (Some(size), Some(label_size)) = sizes else {
            return Err(DataError::Invalid("a batch of this size is too large".into()));
        };
        Ok(Table {
            data: CsvReader::open(&spec.data, width)?,
            label: spec.label.as_ref().map(|label| CsvReader::open(label, label_width)).transpose()?,
            rows: vec![T::default(); size],
            labels: vec![T::default(); label_size],
            index: vec![0; spec.batch_size],
            row: 0,
            ended: false,
            spec,
        })
    }

    /// Reads an example into its place in the batch; false at the end of the files.
    fn fill(&mut self, place: usize) -> Result<bool, DataError> {
        let (width, label_width) = (self.rows.len() / self.index.len(), self.labels.len() / self.index.len());
        if !self.data.row(&mut self.rows[place * width..][..width])? {
            return Ok(false);
        }
        if let Some(label) = &mut self.label
            && !label.row(&mut self.labels[place * label_width..][..label_width])?
        {
            let what = format!("there are {} labels, but more rows of data", self.row);
            return Err(DataError::Invalid(format!("{}: {what}", label.path().display())));
        }
        self.index[place] = self.row;
        self.row += 1;
        Ok(true)
    }

    fn rewind(&mut self) -> Result<(), DataError> {
        self.row = 0;
        self.data.rewind()?;
        self.label.as_mut().map_or(Ok(()), CsvReader::rewind)
    }

    fn skip(&mut self) -> Result<bool, DataError> {
        let found = self.data.skip()?;
        if let Some(label) = &mut self.label {
            label.skip()?;
        }
        self.row += u64::from(found);
        Ok(found)
    }

    /// Fills what is left of a batch from the beginning of the files.
    fn wrap(&mut self, from: usize) -> Result<usize, DataError> {
        let mut borrowed = 0;
        self.rewind()?;
        for place in from..self.index.len() {
            while !self.fill(place)? {
                self.rewind()?;
                borrowed = 0;
            }
            borrowed += 1;
        }
        Ok(borrowed)
    }
}

impl<T: Number> Batches for Table<T> {
    fn start(&mut self, _: u64, skip: usize) -> Result<(), DataError> {
        self.ended = false;
        self.rewind()?;
        for _ in 0..skip {
            if !self.skip()? {
                break;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Batch>, DataError> {
        let (size, mut found) = (self.spec.batch_size, 0);
        if std::mem::take(&mut self.ended) {
            return Ok(None);
        }
        while found < size && self.fill(found)? {
            found += 1;
        }
        if found == 0 && self.row == 0 {
            return Err(DataError::Invalid(format!("{}: there is no row in it", self.data.path().display())));
        }
        if found == 0 {
            return Ok(None);
        }
        let wraps = found < size && self.spec.round_batch;
        let borrowed = if wraps { self.wrap(found)? } else { 0 };
        let too_large = |error: rsym_tensor::TensorError| DataError::Invalid(error.to_string());
        let data = Tensor::from_slice(batch_shape(size, &self.spec.data_shape), &self.rows).map_err(too_large)?;
        let label = Tensor::from_slice(label_shape(size, &self.spec.label_shape), &self.labels).map_err(too_large)?;
        // What follows belongs to the next epoch.
        self.ended = wraps;
        Ok(Some(Batch { data, label, index: self.index.clone(), pad: size - found, borrowed }))
    }
}

fn size_of_shape(shape: &[usize]) -> Result<usize, DataError> {
    let size = shape.iter().try_fold(1usize, |size, &extent| size.checked_mul(extent)).filter(|&size| size > 0);
    size.ok_or_else(|| DataError::Invalid(format!("the shape of an example must be positive numbers, got {shape:?}")))
}
