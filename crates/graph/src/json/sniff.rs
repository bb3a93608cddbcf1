//! What a text that is no symbol file is instead.

/// What `bytes` are if they are not JSON at all.
pub fn describe(bytes: &[u8]) -> Option<String> {
    let text = bytes.trim_ascii_start();
    let starts = |prefix: &[u8]| text.starts_with(prefix);
    let what = if text.is_empty() {
        "is empty"
    } else if starts(b"{") {
        return None;
    } else if starts(b"<") {
        "is an HTML or XML page, not JSON: the download went wrong"
    } else if starts(b"version https://git-lfs") {
        "is a Git LFS pointer, not the file itself: fetch that with 'git lfs pull'"
    } else if starts(&[0x12, 1, 0, 0, 0, 0, 0, 0]) {
        "holds arrays (.params), not a symbol: load it with nd.load"
    } else if starts(b"PK\x03\x04") || starts(&[0x1f, 0x8b]) {
        "is an archive: unpack it first"
    } else if is_path(text) {
        return Some(format!(
            "'{}' looks like a path: symbol.load reads files, load_json reads text",
            String::from_utf8_lossy(text)
        ));
    } else {
        "does not start with '{'"
    };
    Some(format!("the text {what}"))
}

fn is_path(text: &[u8]) -> bool {
    text.len() < 4096 && !text.contains(&b'\n') && !text.starts_with(b"[") && !text.starts_with(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_called_by_their_name() {
        for (bytes, word) in [
            (&b" \n"[..], "empty"),
            (b"<!DOCTYPE html>", "HTML"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "Git LFS"),
            (b"\x12\x01\0\0\0\0\0\0\0\0", ".params"),
            (b"PK\x03\x04zip", "archive"),
            (b"model/net-symbol.json", "looks like a path"),
            (b"[1, 2]", "'{'"),
        ] {
            assert!(describe(bytes).is_some_and(|d| d.contains(word)), "{word}: {:?}", describe(bytes));
        }
        assert_eq!(describe(b" {"), None);
    }
}
