use super::{FILE_MAGIC, ParamsError};

/// Files that people take for parameter files, by their first bytes.
const KNOWN: &[(&[u8], &str)] = &[
    (b"\x93NUMPY", "a NumPy .npy array: open it with numpy.load"),
    (b"PK\x03\x04", "a ZIP archive, such as NumPy's .npz: open it with numpy.load"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (&[0, 0, 0, 0, 0, 0, 1, 0x12], "a parameter file of a big-endian machine, which is not supported"),
];

const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What the bytes are, given that they are no parameter file.
pub(super) fn identify(bytes: &[u8]) -> ParamsError {
    match known(bytes).or_else(|| text(bytes)) {
        Some(what) => ParamsError::Other { what },
        None => ParamsError::Magic { bytes: bytes[..bytes.len().min(8)].to_vec() },
    }
}

/// Whether the bytes start as a parameter file does, as far as they go.
pub(super) fn is_params(bytes: &[u8]) -> bool {
    let magic = FILE_MAGIC.to_le_bytes();
    let n = bytes.len().min(magic.len());
    bytes[..n] == magic[..n]
}

fn known(bytes: &[u8]) -> Option<String> {
    KNOWN.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| (*what).to_string())
}

fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if bytes.starts_with(LFS) {
        return Some(lfs(bytes));
    }
    let what = match bytes.first()? {
        b'<' => "an HTML or XML page: the address it was downloaded from does not give the file itself",
        b'{' | b'[' => "JSON text: a symbol file is loaded with sym.load",
        _ => return None,
    };
    Some(what.to_string())
}

fn lfs(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let size = start.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse::<u64>().ok());
    let of = size.map_or(String::new(), |n| format!(" to a file of {n} bytes"));
    format!("a Git LFS pointer{of}: fetch the file itself with `git lfs pull`")
}
