//! An unread span's bytes on disk, and the spans that hold after some commits.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::source::generation::{DeviceInode, GenerationId};
use crate::source::{UnreadCause, UnreadSpan};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed};
use crate::time::Timestamp;

impl Encode for UnreadSpan {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::from(self.number));
        out.bytes(self.log.as_bytes());
        out.bytes(self.path.as_os_str().as_bytes());
        out.u8(u8::from(self.device_inode.is_some()));
        if let Some(DeviceInode { device, inode }) = self.device_inode {
            out.varint(device);
            out.varint(inode);
        }
        out.varint(self.generation.map_or(0, |generation| u64::from(generation.0) + 1));
        self.from.encode(out);
        self.end().encode(out);
        out.u8(self.cause.code());
        out.bytes(self.why.as_bytes());
        out.u8(u8::from(self.is_withdrawn));
    }
}

impl Decode for UnreadSpan {
    fn decode(from: &mut Decoder<'_>) -> Decoded<UnreadSpan> {
        let number = from.varint_as()?;
        let log = from.text()?;
        let path = PathBuf::from(OsStr::from_bytes(from.bytes()?));
        let device_inode = match from.u8()? {
            0 => None,
            _ => Some(DeviceInode { device: from.varint()?, inode: from.varint()? }),
        };
        let generation = match from.varint()? {
            0 => None,
            above => Some(GenerationId(u32::try_from(above - 1)?)),
        };
        let (begin, end) = (Timestamp::decode(from)?, Timestamp::decode(from)?);
        let code = from.u8()?;
        let cause = UnreadCause::ALL.into_iter().find(|cause| cause.code() == code).ok_or(Malformed)?;
        let why = from.text()?;
        let until = Some(end).filter(|end| *end != Timestamp(i64::MAX));
        let is_withdrawn = from.u8()? != 0;
        Ok(UnreadSpan { number, log, path, device_inode, generation, from: begin, until, cause, why, is_withdrawn })
    }
}

/// Takes in what a commit says of unread spans.
pub(crate) fn apply_spans(held: &mut BTreeMap<u32, UnreadSpan>, changed: &[UnreadSpan]) {
    for span in changed {
        if span.is_withdrawn {
            held.remove(&span.number);
        } else {
            held.insert(span.number, span.clone());
        }
    }
}

/// Appends spans, if there are any: they are the last thing in a record, and one that ends before them has none.
pub(crate) fn encode_spans<'s>(spans: impl ExactSizeIterator<Item = &'s UnreadSpan>, out: &mut Encoder) {
    if spans.len() > 0 {
        out.count(spans.len());
        spans.for_each(|span| span.encode(out));
    }
}

/// The spans at the end of a record.
pub(crate) fn decode_spans(from: &mut Decoder<'_>) -> Decoded<Vec<UnreadSpan>> {
    if from.is_empty() { Ok(Vec::new()) } else { from.list() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_come_back_and_the_last_value_of_a_number_holds() {
        let span = |number: u32, until: Option<i64>| UnreadSpan {
            number,
            log: "/var/log/*.log".to_owned(),
            path: "/var/log/a.log".into(),
            device_inode: number.is_multiple_of(2).then_some(DeviceInode { device: 3, inode: 9 }),
            generation: (number > 2).then(|| GenerationId(number - 3)),
            from: Timestamp(-5),
            until: until.map(Timestamp),
            cause: UnreadCause::Denied,
            why: "denied".to_owned(),
            is_withdrawn: false,
        };
        let spans = [span(1, None), span(2, Some(7)), span(3, None), span(4, None)];
        let mut out = Encoder::default();
        encode_spans(spans.iter(), &mut out);
        assert_eq!(decode_spans(&mut Decoder::new(&out.bytes)).unwrap(), spans);
        assert_eq!(decode_spans(&mut Decoder::new(&[])).unwrap(), []);
        let mut held = BTreeMap::new();
        apply_spans(&mut held, &spans);
        apply_spans(&mut held, &[UnreadSpan { is_withdrawn: true, ..span(3, None) }, span(1, Some(10))]);
        assert_eq!(held.values().cloned().collect::<Vec<_>>(), [span(1, Some(10)), span(2, Some(7)), span(4, None)]);
    }
}
