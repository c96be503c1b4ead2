//! The protocols of carbon: how a point is written, and how many go together.
//!
//! A new protocol is a variant of [`Protocol`] with its arms here, and a file beside this one if it has a form of its own.
//! Nothing else in the crate asks which protocol it is, but for `spikeline check`, which knows the ports that each usually has.

mod pickle;
mod plaintext;

use std::fmt;
use std::str::FromStr;

use super::points::Point;
use crate::error::{Error, Result};

/// The most bytes of a block of lines or of a pickle frame, header included; carbon takes frames up to 1 MiB.
pub const CHUNK: usize = 64 * 1024;

/// The most bytes of a datagram: it fits an Ethernet frame with room for tunnels, so it is never fragmented.
pub const DATAGRAM: usize = 1400;

/// How points are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Lines over TCP; carbon's port 2003.
    Plaintext,
    /// Python pickles over TCP, cheaper for carbon to read; port 2004.
    Pickle,
    /// Lines in datagrams; port 2003. Nothing tells of a datagram that was lost.
    Udp,
}

/// What the chunks of a protocol travel in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// One TCP connection for all chunks.
    Stream,
    /// A UDP datagram for each.
    Datagrams,
}

impl Protocol {
    /// All there are, in the order in which the configuration's messages name them.
    pub const ALL: [Protocol; 3] = [Protocol::Plaintext, Protocol::Pickle, Protocol::Udp];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Plaintext => "plaintext",
            Protocol::Pickle => "pickle",
            Protocol::Udp => "udp",
        }
    }

    pub(super) fn transport(self) -> Transport {
        match self {
            Protocol::Plaintext | Protocol::Pickle => Transport::Stream,
            Protocol::Udp => Transport::Datagrams,
        }
    }

    /// How many bytes of points a chunk may have, with what opens it and without what closes it.
    pub(super) fn chunk_limit(self) -> usize {
        match self {
            Protocol::Plaintext => CHUNK,
            Protocol::Pickle => CHUNK - pickle::CLOSE,
            Protocol::Udp => DATAGRAM,
        }
    }

    /// What stands before the points of a chunk.
    pub(super) fn open_chunk(self, out: &mut Vec<u8>) {
        match self {
            Protocol::Plaintext | Protocol::Udp => {}
            Protocol::Pickle => pickle::open_frame(out),
        }
    }

    pub(super) fn append_point(self, point: Point<'_>, out: &mut Vec<u8>) {
        match self {
            Protocol::Plaintext | Protocol::Udp => plaintext::append_line(point, out),
            Protocol::Pickle => pickle::append_tuple(point, out),
        }
    }

    /// What stands behind the points of a chunk, and what the opening left to be filled in.
    pub(super) fn close_chunk(self, out: &mut Vec<u8>) {
        match self {
            Protocol::Plaintext | Protocol::Udp => {}
            Protocol::Pickle => pickle::close_frame(out),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(name: &str) -> Result<Protocol> {
        Protocol::ALL.into_iter().find(|protocol| protocol.name() == name).ok_or_else(|| {
            Error::usage(format!("unknown carbon protocol {name:?}")).remedy("use `plaintext`, `pickle` or `udp`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_go_by_their_names() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse::<Protocol>().unwrap(), protocol);
        }
        assert!("tcp".parse::<Protocol>().is_err());
    }

    #[test]
    fn a_chunk_without_points_is_no_longer_than_what_opens_and_closes_it() {
        for (protocol, length) in [(Protocol::Plaintext, 0), (Protocol::Udp, 0), (Protocol::Pickle, 10)] {
            let mut out = Vec::new();
            protocol.open_chunk(&mut out);
            protocol.close_chunk(&mut out);
            assert_eq!(out.len(), length, "{protocol}");
        }
    }
}
