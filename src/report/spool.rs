//! Pieces of a report that come in the order of completion and are written in the order of the plan.

use std::{
    fs::File,
    io::{self, BufReader, Read as _, Seek as _, Write as _},
    path::PathBuf,
};

use super::{Sink, limits::SPOOL as HELD};

/// Holds rendered pieces, each with its place in the plan and a note (a suite, a verdict).
pub(super) struct Spool<T> {
    /// Where the temporary file is made; none for the system's folder.
    folder: Option<PathBuf>,
    /// All but the last bytes, where there are many.
    file: Option<File>,
    written: u64,
    held: Vec<u8>,
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
    /// Pieces for a report; where there are too many, they wait beside its file.
    pub(super) fn beside(sink: &Sink) -> Self {
        Self {
            folder: sink.folder(),
            ..Self::new()
        }
    }

    fn new() -> Self {
        Self {
            folder: None,
            file: None,
            written: 0,
            held: Vec::new(),
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
        self.pieces.push(Piece {
            offset: self.written + self.held.len() as u64,
            // A recording may say anything: what is out of bounds comes last.
            index: u32::try_from(index).unwrap_or(u32::MAX),
            length: u32::try_from(piece.len()).map_err(io::Error::other)?,
            note,
        });
        self.held.extend_from_slice(piece);
        if self.held.len() >= HELD { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(match &self.folder {
                Some(folder) => tempfile::tempfile_in(folder)?,
                None => tempfile::tempfile()?,
            }),
        };
        file.write_all(&self.held)?;
        self.written += self.held.len() as u64;
        self.held.clear();
        self.held.shrink_to(HELD);
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
        self.pieces.sort_unstable_by_key(|piece| (piece.index, piece.offset));
        if self.file.is_some() {
            self.flush()?;
        }
        let Some(file) = &mut self.file else {
            for piece in &self.pieces {
                // All of it is held: the offsets are within it.
                let start = usize::try_from(piece.offset).map_err(io::Error::other)?;
                take(&piece.note, &self.held[start..start + piece.length as usize])?;
            }
            return Ok(());
        };
        file.rewind()?;
        let mut reader = BufReader::with_capacity(HELD, &mut *file);
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
    fn pieces_come_back_in_the_order_of_the_plan_however_many_there_are() {
        let mut spool = Spool::new();
        let piece = vec![b'x'; HELD / 4];
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
