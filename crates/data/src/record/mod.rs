//! Record files: byte strings one after the other.
//!
//! A record is one part or several. All numbers are little endian; parts begin at multiples of 4.
//!
//! | part | bytes |
//! | --- | --- |
//! | `0xced7230a` | 4 |
//! | `kind << 29 \| length` | 4 |
//! | content | length |
//! | zeros | up to the next multiple of 4 |
//!
//! A part of kind 0 is a whole record. Content that has the magic number at a multiple of 4 is cut there: the number itself is
//! left out, the first part has kind 1, the last 3, those between 2. The magic number at a multiple of 4 therefore begins a part
//! wherever one looks, which is how reading finds its way again behind damage.
//!
//! An index file (`.idx`) has a line `key <tab> offset` for each record. A record of a picture begins with a [`Header`].

mod header;
mod index;
mod reader;
mod writer;

pub use header::Header;
pub use index::{Place, Places, read_index};
pub use reader::RecordReader;
pub use writer::RecordWriter;

/// First four bytes of every part.
pub const MAGIC: u32 = 0xced7_230a;

/// Longest content of a record, in bytes.
pub const MAX_LENGTH: usize = (1 << 29) - 1;

/// Which part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    First,
    Middle,
    Last,
}

impl Kind {
    /// From the upper three bits of a length.
    fn of(word: u32) -> Option<Kind> {
        [Kind::Whole, Kind::First, Kind::Middle, Kind::Last].get((word >> 29) as usize).copied()
    }

    fn begins(self) -> bool {
        matches!(self, Kind::Whole | Kind::First)
    }
}

/// Bytes of content and the zeros behind it.
fn padded(length: u64) -> u64 {
    length.next_multiple_of(4)
}
