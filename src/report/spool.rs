//! Pieces of a report that are received in the order of completion and written in the order of the plan.

use std::{
    io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _},
    path::PathBuf,
};

use tempfile::SpooledTempFile;

use super::limits::SPOOL as BUFFER;

/// Rendered pieces, each with its position in the plan and a note (a suite, a section).
pub(super) struct Spool<T> {
    /// In memory, unless there are many.
    file: BufWriter<SpooledTempFile>,
    written: u64,
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
        let file = match folder {
            Some(folder) => SpooledTempFile::new_in(BUFFER, folder),
            None => SpooledTempFile::new(BUFFER),
        };
        Self {
            file: BufWriter::with_capacity(BUFFER, file),
            written: 0,
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
            offset: self.written,
            // The index in a recording is not checked: those out of range are last.
            index: u32::try_from(index).unwrap_or(u32::MAX),
            length: u32::try_from(piece.len()).map_err(io::Error::other)?,
            note,
        });
        self.written += piece.len() as u64;
        self.file.write_all(piece)
    }

    /// Changes the order of the pieces, by a key of a piece's position in the plan and its note.
    pub(super) fn order_by<K: Ord>(&mut self, key: impl Fn(usize, &T) -> K) {
        self.pieces.sort_by_key(|piece| key(piece.index as usize, &piece.note));
        for (index, piece) in (0..).zip(&mut self.pieces) {
            piece.index = index;
        }
    }

    /// Returns every piece, in the order of the plan. There are no further ones.
    pub(super) fn each(&mut self, mut take: impl FnMut(&T, &[u8]) -> io::Result<()>) -> io::Result<()> {
        self.pieces.sort_unstable_by_key(|piece| (piece.index, piece.offset));
        self.file.flush()?;
        let file = self.file.get_mut();
        file.rewind()?;
        let mut reader = BufReader::with_capacity(BUFFER, file);
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
