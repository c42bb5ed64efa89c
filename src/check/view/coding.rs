//! Removing content codings (RFC 9110 §8.4): gzip, deflate, br and zstd, in memory and bounded.

use std::io::{self, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// Maximum number of codings of one body.
const MAX_CODINGS: usize = 8;
/// Maximum window of a zstd frame in bytes: encoders for HTTP must not exceed it (RFC 9659 §3).
const MAX_ZSTD_WINDOW: u64 = 8 << 20;
/// Bytes that are read at once.
const STEP: usize = 16 << 10;

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The bytes are not in the declared coding, or end too early.
    #[error("the body is not valid {coding}: {reason}")]
    Corrupt {
        /// The coding.
        coding: String,
        /// The error.
        reason: String,
    },
    /// The decoded body exceeds the limit.
    #[error("the decoded body is larger than {limit} bytes (`max_body`)")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The coding is not one that can be removed.
    #[error("the content coding `{0}` is not supported")]
    Unsupported(String),
    /// There are more codings than the limit.
    #[error("the body has more than {MAX_CODINGS} content codings")]
    TooMany,
}

/// The codings that the field values of `Content-Encoding` list, in the order in which they were applied, without
/// `identity`.
pub(crate) fn codings<'v>(values: impl Iterator<Item = &'v str>) -> Vec<String> {
    values
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim_matches([' ', '\t']).to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}

/// Removes codings, the last one first. Each result is at most `limit` bytes.
pub(crate) fn decode(bytes: &[u8], codings: &[String], limit: usize) -> Result<Vec<u8>, DecodeError> {
    if codings.len() > MAX_CODINGS {
        return Err(DecodeError::TooMany);
    }
    let mut decoded: Option<Vec<u8>> = None;
    for coding in codings.iter().rev() {
        let input = decoded.as_deref().unwrap_or(bytes);
        decoded = Some(decode_one(input, coding, limit)?);
    }
    Ok(decoded.unwrap_or_else(|| bytes.to_vec()))
}

fn decode_one(input: &[u8], coding: &str, limit: usize) -> Result<Vec<u8>, DecodeError> {
    let decoded = match coding {
        "gzip" | "x-gzip" => read_bounded(MultiGzDecoder::new(input), limit),
        "deflate" => deflate(input, limit),
        "br" => brotli(input, limit),
        "zstd" => zstd(input, limit),
        _ => return Err(DecodeError::Unsupported(coding.to_owned())),
    };
    decoded.map_err(|failure| match failure {
        CodingFailure::TooLarge => DecodeError::TooLarge { limit },
        CodingFailure::Corrupt(reason) => DecodeError::Corrupt {
            coding: coding.to_owned(),
            reason,
        },
    })
}

enum CodingFailure {
    TooLarge,
    Corrupt(String),
}

impl From<io::Error> for CodingFailure {
    fn from(error: io::Error) -> Self {
        Self::Corrupt(match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
            _ => error.to_string(),
        })
    }
}

fn trailing(count: usize) -> CodingFailure {
    CodingFailure::Corrupt(format!("{count} bytes follow its end"))
}

fn read_bounded(reader: impl Read, limit: usize) -> Result<Vec<u8>, CodingFailure> {
    let mut out = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(bound).read_to_end(&mut out)?;
    if out.len() > limit {
        return Err(CodingFailure::TooLarge);
    }
    Ok(out)
}

/// `deflate` is the zlib format (RFC 9110 §8.4.1.2); some servers send the bare deflate stream, which clients accept.
fn deflate(input: &[u8], limit: usize) -> Result<Vec<u8>, CodingFailure> {
    let is_zlib = matches!(input, [first, second, ..]
        if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0);
    let zlib = || {
        let mut reader = ZlibDecoder::new(input);
        let out = read_bounded(&mut reader, limit)?;
        match reader.into_inner().len() {
            0 => Ok(out),
            rest => Err(trailing(rest)),
        }
    };
    let bare = || {
        let mut reader = DeflateDecoder::new(input);
        let out = read_bounded(&mut reader, limit)?;
        match reader.into_inner().len() {
            0 => Ok(out),
            rest => Err(trailing(rest)),
        }
    };
    if !is_zlib {
        return bare();
    }
    // A bare stream can look like a zlib header; the checksum decides.
    match zlib() {
        Err(CodingFailure::Corrupt(reason)) => bare().map_err(|_| CodingFailure::Corrupt(reason)),
        other => other,
    }
}

/// Windows of more than 16 MiB are not part of the coding (RFC 7932 §9.1).
fn brotli(input: &[u8], limit: usize) -> Result<Vec<u8>, CodingFailure> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let (mut left, mut read, mut total) = (input.len(), 0, 0);
    let mut step = vec![0; STEP];
    let mut out = Vec::new();
    loop {
        let (mut room, mut written) = (step.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            &mut step,
            &mut total,
            &mut state,
        );
        out.extend_from_slice(step.get(..written).unwrap_or_default());
        if out.len() > limit {
            return Err(CodingFailure::TooLarge);
        }
        match result {
            BrotliResult::ResultSuccess if left == 0 => return Ok(out),
            BrotliResult::ResultSuccess => return Err(trailing(left)),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(CodingFailure::Corrupt("it ends too early".to_owned())),
            BrotliResult::ResultFailure => return Err(CodingFailure::Corrupt("the data is damaged".to_owned())),
        }
    }
}

/// One or more frames; skippable ones are skipped (RFC 8878 §3.1).
fn zstd(input: &[u8], limit: usize) -> Result<Vec<u8>, CodingFailure> {
    let corrupt = |error: &dyn std::fmt::Display| CodingFailure::Corrupt(error.to_string());
    let mut rest = input;
    let mut out = Vec::new();
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_ZSTD_WINDOW);
    let mut frames = 0;
    while !rest.is_empty() {
        match decoder.reset(&mut rest) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                rest = usize::try_from(length)
                    .ok()
                    .and_then(|length| rest.get(length..))
                    .ok_or_else(|| corrupt(&"it ends too early"))?;
                continue;
            }
            Err(error) => return Err(corrupt(&error)),
        }
        frames += 1;
        loop {
            let is_finished = decoder
                .decode_blocks(&mut rest, BlockDecodingStrategy::UptoBytes(STEP))
                .map_err(|error| corrupt(&error))?;
            decoder.collect_to_writer(&mut out)?;
            if out.len() > limit {
                return Err(CodingFailure::TooLarge);
            }
            if is_finished {
                break;
            }
        }
        if let (Some(declared), Some(calculated)) =
            (decoder.get_checksum_from_data(), decoder.get_calculated_checksum())
            && declared != calculated
        {
            return Err(corrupt(&"its checksum does not match"));
        }
    }
    if frames == 0 {
        return Err(corrupt(&"it has no frame"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = br#"{"a": 1, "b": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;

    pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = GzEncoder::new(Vec::new(), Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn bare(bytes: &[u8]) -> Vec<u8> {
        let mut writer = DeflateEncoder::new(Vec::new(), Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn zstd_of(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// `{"a": 1}`, from `brotli --best`: the crate here only decodes.
    const BROTLI: [u8; 12] = [0x8b, 0x03, 0x80, 0x7b, 0x22, 0x61, 0x22, 0x3a, 0x20, 0x31, 0x7d, 0x03];

    fn run(bytes: &[u8], coding: &str) -> Result<Vec<u8>, DecodeError> {
        decode(bytes, &codings([coding].into_iter()), 1000)
    }

    #[test]
    fn every_coding_is_removed() {
        for (bytes, coding) in [
            (gzip(TEXT), "gzip"),
            (gzip(TEXT), "X-GZIP"),
            (zlib(TEXT), "deflate"),
            (bare(TEXT), "deflate"),
            (zstd_of(TEXT), "zstd"),
            (TEXT.to_vec(), "identity"),
            (TEXT.to_vec(), " , "),
            (gzip(&gzip(TEXT)), "gzip, gzip"),
            (zstd_of(&gzip(TEXT)), "gzip ,\tzstd"),
            ([gzip(&TEXT[..5]), gzip(&TEXT[5..])].concat(), "gzip"),
            ([zstd_of(&TEXT[..5]), zstd_of(&TEXT[5..])].concat(), "zstd"),
            (
                [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd_of(TEXT)].concat(),
                "zstd",
            ),
        ] {
            assert_eq!(run(&bytes, coding), Ok(TEXT.to_vec()), "{coding}");
        }
        assert_eq!(run(&BROTLI, "br"), Ok(br#"{"a": 1}"#.to_vec()));
    }

    #[test]
    fn damaged_bodies_are_errors() {
        let last = |mut bytes: Vec<u8>| {
            bytes.pop();
            bytes
        };
        let flip = |mut bytes: Vec<u8>| {
            let at = bytes.len() - 6;
            bytes[at] ^= 0x55;
            bytes
        };
        let more = |mut bytes: Vec<u8>| {
            bytes.push(b'x');
            bytes
        };
        for (bytes, coding) in [
            (last(gzip(TEXT)), "gzip"),
            (flip(gzip(TEXT)), "gzip"),
            (more(gzip(TEXT)), "gzip"),
            (TEXT.to_vec(), "gzip"),
            (last(zlib(TEXT)), "deflate"),
            (more(zlib(TEXT)), "deflate"),
            (more(bare(TEXT)), "deflate"),
            (TEXT.to_vec(), "deflate"),
            (last(BROTLI.to_vec()), "br"),
            (more(BROTLI.to_vec()), "br"),
            (TEXT.to_vec(), "br"),
            (last(zstd_of(TEXT)), "zstd"),
            (more(zstd_of(TEXT)), "zstd"),
            (TEXT.to_vec(), "zstd"),
            (gzip(TEXT), "gzip, br"),
        ] {
            let result = run(&bytes, coding);
            assert!(
                matches!(result, Err(DecodeError::Corrupt { .. })),
                "{coding}: {result:?}"
            );
        }
        assert_eq!(
            run(TEXT, "compress"),
            Err(DecodeError::Unsupported("compress".to_owned()))
        );
        assert_eq!(run(TEXT, &"gzip,".repeat(9)), Err(DecodeError::TooMany));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 1 << 20];
        for (bytes, coding) in [
            (gzip(&zeros), "gzip"),
            (zlib(&zeros), "deflate"),
            (bare(&zeros), "deflate"),
            (zstd_of(&zeros), "zstd"),
            (gzip(&gzip(&zeros)), "gzip, gzip"),
        ] {
            let codings = codings([coding].into_iter());
            let limit = 100_000;
            assert_eq!(
                decode(&bytes, &codings, limit),
                Err(DecodeError::TooLarge { limit }),
                "{coding}"
            );
        }
        let exact = gzip(&[7; 1000]);
        assert_eq!(run(&exact, "gzip").map(|out| out.len()), Ok(1000));
        assert!(run(&gzip(&[7; 1001]), "gzip").is_err());
    }
}
