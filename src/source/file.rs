//! Reading a file whole, within bounds.

use std::{fs::File, io::Read as _, path::Path};

/// Most bytes of a suite, case, schema or snapshot file.
pub(crate) const MOST: u64 = 32 << 20;

/// The bytes of a regular file; the error is a fragment that fits after "failed to read `FILE`: ".
pub(crate) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let too_large = || format!("it is larger than {most} bytes");
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    // A pipe or a device could be read for ever.
    if !data.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if data.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(data.len()).unwrap_or_default());
    let file = File::open(path).map_err(|error| error.to_string())?;
    // What the file system says of its size is no promise.
    let read = file.take(most + 1).read_to_end(&mut bytes);
    let length = read.map_err(|error| error.to_string())?;
    if length as u64 > most {
        Err(too_large())
    } else {
        Ok(bytes)
    }
}

/// Whether a path leads, by whatever links, to something below a folder. What is not there is nowhere.
pub(crate) fn is_below(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}
