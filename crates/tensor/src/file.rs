use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Writes a file so that whoever opens `path` finds the old content or all of `bytes`, even after a crash.
///
/// The bytes go to a temporary file in the same folder, which then takes the place of `path`; it is removed on failure.
/// An existing file keeps its permissions, a symbolic link stays and its target changes, and what is no regular file
/// (`/dev/stdout`, a pipe) is written to directly.
///
/// # Errors
/// Whatever the operating system says, with `path` in front.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("net-0001.params");
/// rsym_tensor::write_atomic(&path, b"new")?;
/// assert_eq!(std::fs::read(&path)?, b"new");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    write(path, bytes).map_err(|e| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let target = if old.is_some() { fs::canonicalize(path)? } else { link_target(path) };
    replace(&target, bytes, old.map(|old| old.permissions()))
}

/// Where a link that leads nowhere yet points to; any other path as it is.
fn link_target(path: &Path) -> PathBuf {
    fs::read_link(path).map_or_else(|_| path.to_owned(), |to| folder(path).join(to))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn replace(target: &Path, bytes: &[u8], keep: Option<Permissions>) -> io::Result<()> {
    let folder = folder(target);
    let mut file = temporary(folder)?;
    file.write_all(bytes)?;
    if let Some(permissions) = keep {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|e| e.error)?;
    sync_folder(folder);
    Ok(())
}

/// A new file with the permissions that any other new file gets.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".rsym-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes the new name durable where folders can be synchronised; elsewhere the file is complete all the same.
fn sync_folder(folder: &Path) {
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::{TempDir, tempdir};

    fn names(folder: &TempDir) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_the_content_and_leaves_nothing_else() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a");
        for content in ["a longer first text", "short"] {
            write_atomic(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(&folder), ["a"]);
    }

    #[test]
    fn a_reader_of_the_old_file_keeps_it() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let old = File::open(&path).unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(io::read_to_string(old).unwrap(), "old");
    }

    #[test]
    fn failure_keeps_the_target_and_removes_the_temporary_file() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("directory");
        fs::create_dir(&path).unwrap();
        let error = write_atomic(&path, b"x").unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(replace(&path, b"x", None).is_err());
        assert_eq!(names(&folder), ["directory"]);
    }

    #[test]
    fn a_missing_folder_is_not_found() {
        let folder = tempdir().unwrap();
        let error = write_atomic(folder.path().join("no/a"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder(Path::new("net.params")), Path::new("."));
        assert_eq!(folder(Path::new("a/net.params")), Path::new("a"));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn permissions_stay_and_new_files_get_the_usual_ones() {
            let folder = tempdir().unwrap();
            let (path, usual) = (folder.path().join("a"), folder.path().join("b"));
            fs::write(&usual, "x").unwrap();
            write_atomic(&path, b"x").unwrap();
            assert_eq!(mode(&path), mode(&usual));
            fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
            write_atomic(&path, b"y").unwrap();
            assert_eq!(mode(&path), 0o640);
        }

        #[test]
        fn links_stay_links() {
            let folder = tempdir().unwrap();
            let (target, link) = (folder.path().join("target"), folder.path().join("link"));
            symlink("target", &link).unwrap();
            for content in ["through a dangling link", "through a link"] {
                write_atomic(&link, content.as_bytes()).unwrap();
                assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
                assert_eq!(fs::read_to_string(&target).unwrap(), content);
            }
        }

        #[test]
        fn devices_are_written_to_and_not_replaced() {
            write_atomic("/dev/null", b"x").unwrap();
            assert!(!fs::metadata("/dev/null").unwrap().is_file());
        }
    }
}
