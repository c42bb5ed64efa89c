//! Pieces of a report that are received in the order of completion and written in the order of the plan.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, Write as _},
    path::PathBuf,
};

use super::limits::SPOOL as BUFFER;

/// Rendered pieces, each with its position in the plan and a note (a suite, a section).
pub(super) struct Spool<T> {
    /// The folder of the temporary file; none for the system's folder.
    folder: Option<PathBuf>,
    /// All but the last bytes, if there are many.
    file: Option<File>,
    written: u64,
    buffer: Vec<u8>,
    pieces: Vec<SpooledPiece<T>>,
}

/// There is one for every case, so it is small.
struct SpooledPiece<T> {
    offset: u64,
    index: u32,
    length: u32,
    note: T,
}

impl<T> Spool<T> {
    /// Pieces that go to a temporary file in `folder`, or in the system's folder, if there are many.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            file: None,
            written: 0,
            buffer: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// The number of pieces.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Reserves memory for the given number of pieces, if it is plausible.
    pub(super) fn reserve(&mut self, pieces: usize) {
        self.pieces.reserve_exact(pieces.min(1 << 20));
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, index: usize, note: T, piece: &[u8]) -> io::Result<()> {
        self.pieces.push(SpooledPiece {
            offset: self.written + self.buffer.len() as u64,
            // The index in a recording is not checked: those out of range are last.
            index: u32::try_from(index).unwrap_or(u32::MAX),
            length: u32::try_from(piece.len()).map_err(io::Error::other)?,
            note,
        });
        self.buffer.extend_from_slice(piece);
        if self.buffer.len() >= BUFFER {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(match &self.folder {
                Some(folder) => tempfile::tempfile_in(folder)?,
                None => tempfile::tempfile()?,
            }),
        };
        file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        Ok(())
    }

    /// Changes the order of the pieces, by a key of a piece's position in the plan and its note.
    pub(super) fn order_by<K: Ord>(&mut self, key: impl Fn(usize, &T) -> K) {
        self.pieces.sort_by_key(|piece| key(piece.index as usize, &piece.note));
        for (index, piece) in (0..).zip(&mut self.pieces) {
            piece.index = index;
        }
    }

    /// Returns every piece, in the order of the plan.
    pub(super) fn each(&mut self, mut take: impl FnMut(&T, &[u8]) -> io::Result<()>) -> io::Result<()> {
        self.pieces.sort_unstable_by_key(|piece| (piece.index, piece.offset));
        if self.file.is_some() {
            self.flush()?;
        }
        let Some(file) = &mut self.file else {
            for piece in &self.pieces {
                // Everything is in memory: the offsets are within it.
                let start = usize::try_from(piece.offset).map_err(io::Error::other)?;
                take(&piece.note, &self.buffer[start..start + piece.length as usize])?;
            }
            return Ok(());
        };
        file.rewind()?;
        let mut reader = BufReader::with_capacity(BUFFER, &mut *file);
        let mut bytes = Vec::new();
        let mut at = 0_i64;
        for piece in &self.pieces {
            let offset = i64::try_from(piece.offset).map_err(io::Error::other)?;
            reader.seek_relative(offset - at)?;
            bytes.resize(piece.length as usize, 0);
            reader.read_exact(&mut bytes)?;
            at = offset + i64::from(piece.length);
            take(&piece.note, &bytes)?;
        }
        drop(reader);
        file.seek(io::SeekFrom::End(0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_returned_in_the_order_of_the_plan() {
        let mut spool = Spool::new(None);
        let piece = vec![b'x'; BUFFER / 4];
        for index in (0..8_u8).rev() {
            spool
                .push(index.into(), index, &[&[index][..], &piece].concat())
                .unwrap();
        }
        let mut seen = Vec::new();
        spool
            .each(|note, bytes| {
                assert_eq!((bytes[0], bytes.len()), (*note, piece.len() + 1));
                seen.push(*note);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn order_by_changes_the_order_of_pieces() {
        let mut spool = Spool::new(None);
        for (index, note) in [(2, 'a'), (0, 'b'), (1, 'a'), (3, 'b')] {
            spool.push(index, note, &[]).unwrap();
        }
        spool.order_by(|index, note| (*note, index));
        let mut seen = String::new();
        spool
            .each(|note, _| {
                seen.push(*note);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, "aabb");
    }
}
