//! Pieces of a report that come in the order of completion and are written in the order of the plan.

use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

/// Above so many bytes the pieces are kept in a temporary file: memory stays flat however many cases there are.
const IN_MEMORY: usize = 1 << 20;

/// Holds rendered pieces, each with its place in the plan and a note (a suite, a verdict).
pub(super) struct Spool<T> {
    file: SpooledTempFile,
    end: u64,
    pieces: Vec<Piece<T>>,
}

/// There is one for every case: each byte of it counts.
struct Piece<T> {
    offset: u64,
    index: u32,
    length: u32,
    note: T,
}

impl<T> Spool<T> {
    pub(super) fn new() -> Self {
        Self {
            file: tempfile::spooled_tempfile(IN_MEMORY),
            end: 0,
            pieces: Vec::new(),
        }
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Makes room for so many pieces, as far as that is a number to believe.
    pub(super) fn reserve(&mut self, pieces: usize) {
        self.pieces.reserve_exact(pieces.min(1 << 20));
    }

    /// Takes a piece.
    pub(super) fn push(&mut self, index: usize, note: T, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.pieces.push(Piece {
            offset: self.end,
            // A recording may say anything: what is out of bounds comes last.
            index: u32::try_from(index).unwrap_or(u32::MAX),
            length: u32::try_from(piece.len()).map_err(io::Error::other)?,
            note,
        });
        self.end += piece.len() as u64;
        Ok(())
    }

    /// Gives the pieces another order: by a key made of a piece's place in the plan and its note.
    pub(super) fn order_by<K: Ord>(&mut self, key: impl Fn(usize, &T) -> K) {
        self.pieces.sort_by_key(|piece| key(piece.index as usize, &piece.note));
        for (index, piece) in (0..).zip(&mut self.pieces) {
            piece.index = index;
        }
    }

    /// Gives every piece back, in the order of the plan.
    pub(super) fn each(&mut self, mut take: impl FnMut(&T, &[u8]) -> io::Result<()>) -> io::Result<()> {
        self.pieces.sort_by_key(|piece| piece.index);
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            bytes.resize(piece.length as usize, 0);
            self.file.seek(SeekFrom::Start(piece.offset))?;
            self.file.read_exact(&mut bytes)?;
            take(&piece.note, &bytes)?;
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_in_the_order_of_the_plan_however_many_there_are() {
        let mut spool = Spool::new();
        let piece = vec![b'x'; IN_MEMORY / 4];
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
    fn pieces_can_be_put_in_another_order() {
        let mut spool = Spool::new();
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
