use crate::DataError;

/// What stands before the content of an example: its labels and number.
///
/// | bytes | |
/// | --- | --- |
/// | 4 | how many labels follow the header; 0 if there is one, in it |
/// | 4 | label, float32 |
/// | 8 | number of the example |
/// | 8 | its upper half, as a rule 0 |
/// | 4 each | labels, float32 |
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// How many labels follow.
    pub flag: u32,
    /// The labels; one if the flag is 0.
    pub labels: Vec<f32>,
    /// Number of the example.
    pub id: u64,
    /// Upper half of the number.
    pub id2: u64,
}

impl Header {
    /// Bytes without labels that follow.
    pub const SIZE: usize = 24;

    /// Splits a record.
    ///
    /// ```
    /// # use rsym_data::record::Header;
    /// let header = Header { flag: 2, labels: vec![3.0, 4.0], id: 7, id2: 0 };
    /// let record = header.pack(b"content");
    /// assert_eq!(Header::unpack(&record)?, (header, &b"content"[..]));
    /// # Ok::<(), rsym_data::DataError>(())
    /// ```
    pub fn unpack(record: &[u8]) -> Result<(Header, &[u8]), DataError> {
        let Some((head, content)) = record.split_first_chunk::<{ Header::SIZE }>() else {
            let what = format!("this record has {} bytes: too few for the header of an example", record.len());
            return Err(DataError::Invalid(what));
        };
        let flag = u32::from_le_bytes(part(head, 0));
        let (id, id2) = (u64::from_le_bytes(part(head, 8)), u64::from_le_bytes(part(head, 16)));
        if flag == 0 {
            return Ok((Header { flag, labels: vec![f32::from_le_bytes(part(head, 4))], id, id2 }, content));
        }
        let size = (flag as usize).saturating_mul(4);
        if content.len() < size {
            let what = format!("the header speaks of {flag} labels, but only {} bytes follow", content.len());
            return Err(DataError::Invalid(what));
        }
        let (labels, content) = content.split_at(size);
        let labels = labels.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok((Header { flag, labels, id, id2 }, content))
    }

    /// Header, labels and content as a record.
    pub fn pack(&self, content: &[u8]) -> Vec<u8> {
        let mut record = Vec::with_capacity(Header::SIZE + self.labels.len() * 4 + content.len());
        let label = if self.flag == 0 { self.labels.first().copied().unwrap_or(0.0) } else { 0.0 };
        record.extend(self.flag.to_le_bytes());
        record.extend(label.to_le_bytes());
        record.extend(self.id.to_le_bytes());
        record.extend(self.id2.to_le_bytes());
        if self.flag > 0 {
            record.extend(self.labels.iter().flat_map(|label| label.to_le_bytes()));
        }
        record.extend(content);
        record
    }
}

fn part<const N: usize>(head: &[u8; Header::SIZE], at: usize) -> [u8; N] {
    std::array::from_fn(|i| head[at + i])
}
