//! A batch cut into what is written at a time: blocks of whole lines, frames, or datagrams.

use super::points::{Point, Points};
use super::protocol::Protocol;

/// The chunks of one batch, in its order.
pub struct Chunks<'a> {
    protocol: Protocol,
    points: Box<dyn Iterator<Item = Point<'a>> + 'a>,
    /// A point that did not fit the chunk before.
    held: Option<Point<'a>>,
    too_long: u64,
}

impl<'a> Chunks<'a> {
    /// The chunks that `protocol` makes of `points`.
    pub fn new(protocol: Protocol, points: &'a Points) -> Chunks<'a> {
        Chunks { protocol, points: Box::new(points.iter()), held: None, too_long: 0 }
    }

    /// Replace `out` with the next chunk and say how many points are in it; 0 when there are no more.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> usize {
        out.clear();
        self.protocol.open_chunk(out);
        let mut count = 0;
        while let Some(point) = self.held.take().or_else(|| self.points.next()) {
            let before = out.len();
            self.protocol.append_point(point, out);
            if out.len() <= self.protocol.chunk_limit() {
                count += 1;
                continue;
            }
            out.truncate(before);
            if count > 0 {
                self.held = Some(point);
                break;
            }
            self.too_long += 1;
        }
        self.protocol.close_chunk(out);
        count
    }

    /// Points left out so far because they alone exceed a datagram (a path of 1.4 KB or more, over UDP only).
    pub fn too_long(&self) -> u64 {
        self.too_long
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::protocol::{CHUNK, DATAGRAM};
    use super::*;
    use crate::time::Timestamp;

    const AT: Timestamp = Timestamp::from_secs(1_322_661_900);

    /// Every chunk with its count.
    fn all(protocol: Protocol, points: &Points) -> (Vec<(Vec<u8>, usize)>, u64) {
        let mut chunks = Chunks::new(protocol, points);
        let (mut out, mut list) = (Vec::new(), Vec::new());
        loop {
            let count = chunks.next_into(&mut out);
            if count == 0 {
                return (list, chunks.too_long());
            }
            list.push((out.clone(), count));
        }
    }

    fn batch(lengths: &[usize]) -> Points {
        let mut points = Points::new();
        for (i, &length) in lengths.iter().enumerate() {
            let node = "n".repeat(100);
            let path = format!("p{i}") + &format!(".{node}").repeat(length);
            assert!(points.push(&path, i as f64 / 7.0, AT));
        }
        points
    }

    #[test]
    fn an_empty_batch_has_no_chunks() {
        for protocol in Protocol::ALL {
            assert!(all(protocol, &Points::new()).0.is_empty());
        }
    }

    #[test]
    fn a_line_longer_than_a_datagram_is_counted_and_the_rest_goes() {
        let points = batch(&[0, 15, 0, 39, 1]);
        let (chunks, too_long) = all(Protocol::Udp, &points);
        assert_eq!(too_long, 2);
        assert_eq!(chunks.iter().map(|(_, count)| count).sum::<usize>(), 3);
        assert_eq!(all(Protocol::Plaintext, &points).1, 0);
    }

    proptest! {
        #[test]
        fn chunks_are_whole_bounded_and_complete(lengths in prop::collection::vec(0usize..13, 0..1200)) {
            let points = batch(&lengths);
            let mut whole = Vec::new();
            points.iter().for_each(|point| Protocol::Plaintext.append_point(point, &mut whole));
            for (protocol, limit) in [(Protocol::Plaintext, CHUNK), (Protocol::Udp, DATAGRAM)] {
                let (chunks, too_long) = all(protocol, &points);
                prop_assert_eq!(too_long, 0);
                let mut joined = Vec::new();
                for (bytes, count) in chunks {
                    prop_assert!(bytes.len() <= limit);
                    prop_assert_eq!(bytes.iter().filter(|&&b| b == b'\n').count(), count);
                    prop_assert_eq!(bytes.last(), Some(&b'\n'));
                    joined.extend(bytes);
                }
                prop_assert_eq!(&joined, &whole);
            }
            let (frames, _) = all(Protocol::Pickle, &points);
            prop_assert_eq!(frames.iter().map(|(_, count)| count).sum::<usize>(), points.len());
            for (frame, _) in frames {
                prop_assert!(frame.len() <= CHUNK);
                let length = u32::from_be_bytes(*frame.first_chunk::<4>().unwrap());
                prop_assert_eq!(length as usize, frame.len() - 4);
                prop_assert!(frame.ends_with(b"e."));
            }
        }
    }
}
