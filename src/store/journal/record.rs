//! The journal: an append-only file of checksummed records. What follows its last good record is a torn tail.
//!
//! A record counts if its checksum is right and its sequence is the next one. The first that does not ends the
//! journal: nothing behind it is looked at, even if it is whole, because commits were acknowledged in order and a
//! later one may rest on the one that is lost. The number of the journal is in its header, so that a file under
//! another's name is not replayed.

use crate::source::generation::GenerationId;
use crate::store::commit::block_summary::{BlockSummary, RouteStarts};
use crate::store::commit::log_reading::LogReadings;
use crate::store::commit::unread_span::{apply_spans, decode_spans, encode_spans};
use crate::store::commit::{Commit, CommitPayload};
use crate::store::encoding::bytes::{
    Decode, Decoded, Decoder, Encode, Encoder, Malformed, RECORD_LIMIT, checksum, checksum_of_both,
};
use crate::store::encoding::unpacking::unpack;
use crate::store::journal::memtable::Memtable;
use crate::store::journal::state::StoreState;

/// First bytes of every journal.
const MAGIC: &[u8; 8] = b"SPKLJRNL";

/// The version of the journal's format.
pub(crate) const VERSION: u32 = 5;

/// The oldest version that is still read: in its records, blocks do not know when their routes began. Up to version 3 records say nothing of
/// how lines were read, up to version 4 there were no series, whose members would be counted as routes by who knows none.
const OLDEST: u32 = 2;

/// From this version on records are as they are today, but for what they leave out at their ends: they can be copied as they stand.
const OLDEST_ALIKE: u32 = 3;

/// Bytes before the first record: magic, version, number, checksum of these.
const HEADER: usize = 8 + 4 + 8 + 8;

/// Bytes before each record's body: length, length when unpacked, sequence, kind, packing, checksum.
const RECORD: usize = 4 + 4 + 8 + 1 + 1 + 8;

/// How many of these the record's checksum covers, besides the body.
const COVERED: usize = RECORD - 8;

/// Bodies from this length on are compressed.
const WORTH_PACKING: usize = 512;

/// How hard: a journal is short-lived, and its writing is what a backlog waits for.
const PACKING: i32 = -2;

/// No journal has so many records.
const FAR: u64 = 1 << 32;

const CHECKPOINT: u8 = 1;
const COMMIT: u8 = 2;

/// What a journal says.
#[derive(Debug)]
pub(crate) struct JournalReplay {
    /// The checkpoint with all commits applied.
    pub(crate) state: StoreState,
    /// What the commits brought, and the blocks that were open at the checkpoint.
    pub(crate) memtable: Memtable,
    /// Positions when the journal began.
    pub(crate) began: Vec<(GenerationId, u64)>,
    /// Sequence of the last good record.
    pub(crate) sequence: u64,
    /// Bytes up to the end of the checkpoint.
    pub(crate) head: u64,
    /// Bytes up to the end of the last good record.
    pub(crate) good: u64,
    /// Its version.
    pub(crate) version: u32,
}

impl JournalReplay {
    /// Whether it was written by this version, so that its records may be followed by others.
    pub(crate) fn is_of_today(&self) -> bool {
        self.version == VERSION
    }

    /// Whether its records may stand in a journal of this version.
    pub(crate) fn can_be_copied(&self) -> bool {
        self.version >= OLDEST_ALIKE
    }
}

/// What the summaries in a journal say of routes.
fn starts_of(version: u32) -> RouteStarts {
    if version < OLDEST_ALIKE { RouteStarts::OfBlock } else { RouteStarts::Written }
}

/// Why a journal cannot be used at all. (A torn tail is no reason.)
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnusableJournal {
    Newer(u32),
    Older(u32),
    /// At this byte.
    Damaged(u64),
}

/// The head of a new journal: header and checkpoint.
pub(crate) fn encode_head(number: u64, sequence: u64, state: &StoreState, open: &[BlockSummary]) -> Option<Vec<u8>> {
    let mut out = encode_header(VERSION, number);
    let mut body = Encoder::default();
    state.encode(&mut body);
    body.list(open);
    state.readings.encode(&mut body);
    encode_spans(state.spans_unread.values(), &mut body);
    out.bytes.extend_from_slice(&encode_record(sequence, CHECKPOINT, &body.bytes)?);
    Some(out.bytes)
}

/// Magic, version, number and their checksum.
fn encode_header(version: u32, number: u64) -> Encoder {
    let mut out = Encoder::default();
    out.bytes.extend_from_slice(MAGIC);
    out.u32(version);
    out.u64(number);
    out.u64(checksum(&out.bytes));
    out
}

/// The same checkpoint and records, as the journal of another number and of this version: what an older one leaves out of
/// a record may be left out.
pub(crate) fn copy_with_number(journal: &[u8], number: u64) -> Vec<u8> {
    let mut out = encode_header(VERSION, number);
    out.bytes.extend_from_slice(journal.get(HEADER..).unwrap_or_default());
    out.bytes
}

/// A commit's record, and its cells and lines as they stand in it; `None` if it is too long for one.
pub(crate) fn commit_record(sequence: u64, commit: &Commit) -> Option<(Vec<u8>, CommitPayload)> {
    let mut body = Encoder::default();
    let packed = commit.encode(&mut body);
    encode_record(sequence, COMMIT, &body.bytes).map(|record| (record, packed))
}

/// Header and body, compressed if that is shorter; `None` if it is longer than a record may be.
fn encode_record(sequence: u64, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
    if body.len() > RECORD_LIMIT {
        return None;
    }
    let packed = if body.len() >= WORTH_PACKING { zstd::bulk::compress(body, PACKING).ok() } else { None };
    let packed = packed.filter(|packed| packed.len() < body.len());
    let (packing, stored) = match &packed {
        Some(packed) => (1, packed.as_slice()),
        None => (0, body),
    };
    let mut out = Encoder::default();
    out.u32(u32::try_from(stored.len()).ok()?);
    out.u32(u32::try_from(body.len()).ok()?);
    out.u64(sequence);
    out.u8(kind);
    out.u8(packing);
    out.u64(checksum_of_both(&out.bytes, stored));
    out.bytes.extend_from_slice(stored);
    Some(out.bytes)
}

/// Read a journal up to its torn tail.
pub(crate) fn replay_journal(bytes: &[u8], number: u64) -> Result<JournalReplay, UnusableJournal> {
    let mut rest = Decoder::new(bytes);
    let version = check_header(&mut rest, number)?;
    let starts = starts_of(version);
    let mut at = HEADER;
    let Some((kind, sequence, body, length)) = next_record(&mut rest) else {
        return Err(UnusableJournal::Damaged(to_u64(at)));
    };
    let damaged = |at: usize| move |_: Malformed| UnusableJournal::Damaged(to_u64(at));
    if kind != CHECKPOINT {
        return Err(UnusableJournal::Damaged(to_u64(at)));
    }
    let (state, memtable) = decode_checkpoint(&body, starts).map_err(damaged(at))?;
    at += length;
    let began = state.log_positions();
    let mut replay = JournalReplay { state, memtable, began, sequence, head: to_u64(at), good: to_u64(at), version };
    while let Some((kind, sequence, body, length)) = next_record(&mut rest) {
        if sequence != replay.sequence.wrapping_add(1) || kind != COMMIT {
            break;
        }
        let (commit, packed) = Commit::decode(&mut Decoder::new(&body), starts).map_err(damaged(at))?;
        replay.state.apply_commit(&commit, &packed.cells);
        replay.memtable.apply_commit(commit, packed);
        replay.sequence = sequence;
        at += length;
        replay.good = to_u64(at);
    }
    Ok(replay)
}

/// The version of the journal of this number, if these bytes begin it; `from` is left before the first record.
fn check_header(from: &mut Decoder<'_>, number: u64) -> Result<u32, UnusableJournal> {
    let start = |_| UnusableJournal::Damaged(0);
    if from.take_bytes(MAGIC.len()).map_err(start)? != MAGIC {
        return Err(UnusableJournal::Damaged(0));
    }
    let version = from.u32().map_err(start)?;
    if version > VERSION {
        return Err(UnusableJournal::Newer(version));
    }
    if version < OLDEST {
        return Err(UnusableJournal::Older(version));
    }
    let rest = from.take_bytes(HEADER - MAGIC.len() - 4).map_err(start)?;
    let expected = encode_header(version, number).bytes;
    if expected.ends_with(rest) { Ok(version) } else { Err(UnusableJournal::Damaged(8)) }
}

/// The state and the open blocks that a journal begins with.
fn decode_checkpoint(body: &[u8], starts: RouteStarts) -> Decoded<(StoreState, Memtable)> {
    let mut from = Decoder::new(body);
    let mut state = StoreState::decode(&mut from)?;
    let memtable = Memtable::with_blocks(BlockSummary::decode_list(&mut from, starts)?);
    // A checkpoint up to version 3 ends here.
    if !from.is_empty() {
        state.readings = LogReadings::decode(&mut from)?;
    }
    apply_spans(&mut state.spans_unread, &decode_spans(&mut from)?);
    if from.is_empty() { Ok((state, memtable)) } else { Err(Malformed) }
}

/// The commit whose record these bytes of a journal of that version begin with, if its sequence is at least `least` and not far above
/// it; and the record's length.
pub(crate) fn next_commit(bytes: &[u8], version: u32, least: u64) -> Option<(u64, (Commit, CommitPayload), usize)> {
    // Of most bytes this tells, without a checksum, that they are no record.
    let mut fields = Decoder::new(bytes.get(8..COVERED)?);
    let (sequence, kind) = (fields.u64().ok()?, fields.u8().ok()?);
    if kind != COMMIT || sequence.wrapping_sub(least) > FAR {
        return None;
    }
    let (.., body, length) = next_record(&mut Decoder::new(bytes))?;
    let commit = Commit::decode(&mut Decoder::new(&body), starts_of(version)).ok()?;
    Some((sequence, commit, length))
}

/// The next good record: kind, sequence, unpacked body, bytes it takes. `None` at the end or a torn tail.
fn next_record<'a>(from: &mut Decoder<'a>) -> Option<(u8, u64, std::borrow::Cow<'a, [u8]>, usize)> {
    let mut peek = *from;
    let covered = peek.take_bytes(COVERED).ok()?;
    let mut fields = Decoder::new(covered);
    let length = usize::try_from(fields.u32().ok()?).ok()?;
    let unpacked = usize::try_from(fields.u32().ok()?).ok()?;
    let sequence = fields.u64().ok()?;
    let kind = fields.u8().ok()?;
    let packing = fields.u8().ok()?;
    let expected = peek.u64().ok()?;
    let stored = peek.take_bytes(length).ok()?;
    if checksum_of_both(covered, stored) != expected || unpacked > RECORD_LIMIT {
        return None;
    }
    let body = match packing {
        0 => std::borrow::Cow::Borrowed(stored),
        _ => std::borrow::Cow::Owned(unpack(stored, unpacked)?),
    };
    *from = peek;
    Some((kind, sequence, body, RECORD + length))
}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::RouteId;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    /// A commit of so many names: long ones are compressed, short ones are not.
    fn commit(at: i64, names: u32) -> Commit {
        let mut commit = Commit { at: Timestamp(at), ..Commit::default() };
        for number in 0..names {
            commit.routes.push((RouteId(number), format!("example.com /route/{number}/of/commit/{at}")));
        }
        commit
    }

    /// A journal of these commits, and where its checkpoint and each of its records end.
    fn journal(number: u64, names: &[u32]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = encode_head(number, 40, &StoreState::default(), &[]).unwrap();
        let mut ends = vec![bytes.len()];
        for ((at, sequence), names) in (0..).zip(41..).zip(names) {
            bytes.extend_from_slice(&commit_record(sequence, &commit(at, *names)).unwrap().0);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    proptest! {
        /// Wherever a crash cuts the journal, the commits that are whole count, and nothing else does.
        #[test]
        fn a_torn_journal_is_its_whole_records(names in proptest::collection::vec(0u32..30, 0..6), cut in 0usize..9000) {
            let (bytes, ends) = journal(7, &names);
            let cut = cut % (bytes.len() + 1);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            match replay_journal(&bytes[..cut], 7) {
                Ok(replay) => {
                    prop_assert_eq!(replay.good, ends[whole - 1] as u64);
                    prop_assert_eq!(replay.head, ends[0] as u64);
                    prop_assert_eq!(replay.sequence, 40 + whole as u64 - 1);
                    let last = i64::try_from(whole).unwrap() - 2;
                    prop_assert_eq!(replay.state.last_commit, (last >= 0).then_some(Timestamp(last)));
                }
                Err(UnusableJournal::Damaged(_)) => prop_assert_eq!(whole, 0),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }

        /// A changed bit ends the journal before the record that it is in; one in the head makes it unusable.
        #[test]
        fn a_changed_bit_is_never_read(names in proptest::collection::vec(0u32..30, 1..5), bit in 0usize..90_000) {
            let (mut bytes, ends) = journal(7, &names);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let before = ends.iter().filter(|end| **end <= bit / 8).count();
            match replay_journal(&bytes, 7) {
                Ok(replay) => prop_assert_eq!(replay.good, ends[before - 1] as u64),
                Err(_) => prop_assert_eq!(before, 0),
            }
        }
    }

    #[test]
    fn a_journal_counts_under_its_own_number_and_version_only() {
        let (bytes, _) = journal(7, &[3]);
        assert_eq!(replay_journal(&bytes, 8).unwrap_err(), UnusableJournal::Damaged(8));
        assert_eq!(replay_journal(&copy_with_number(&bytes, 8), 8).unwrap().good, bytes.len() as u64);
        for (version, expected) in
            [(VERSION + 1, UnusableJournal::Newer(VERSION + 1)), (OLDEST - 1, UnusableJournal::Older(1))]
        {
            let mut other = bytes.clone();
            other[8..12].copy_from_slice(&version.to_le_bytes());
            assert_eq!(replay_journal(&other, 7).unwrap_err(), expected);
        }
    }

    /// A record that was left from another life of the file must not follow the good ones.
    #[test]
    fn a_record_out_of_sequence_ends_the_journal() {
        let (mut bytes, ends) = journal(7, &[1, 2]);
        bytes.extend_from_slice(&commit_record(44, &commit(9, 1)).unwrap().0);
        let replay = replay_journal(&bytes, 7).unwrap();
        assert_eq!((replay.good, replay.sequence), (ends[2] as u64, 42));
    }
}
