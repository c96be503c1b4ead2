//! A generation's bytes on disk.

use super::encode::{Decoded, Decoder, Encoder};
use crate::source::generation::{Fingerprint, Generation, GenerationId};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

pub(crate) fn encode(generation: &Generation, out: &mut Encoder) {
    out.varint(u64::from(generation.id.0));
    out.bytes(generation.log.as_bytes());
    out.bytes(generation.path.as_os_str().as_bytes());
    let (device, inode) = generation.device_inode;
    out.varint(device);
    out.varint(inode);
    out.varint(generation.fingerprint.length);
    out.u64(generation.fingerprint.hash);
    out.varint(generation.position);
    out.u64(generation.tail_hash);
    out.u8(u8::from(generation.finished));
}

pub(crate) fn decode(from: &mut Decoder<'_>) -> Decoded<Generation> {
    Ok(Generation {
        id: GenerationId(from.varint_as()?),
        log: from.text()?,
        path: PathBuf::from(OsStr::from_bytes(from.bytes()?)),
        device_inode: (from.varint()?, from.varint()?),
        fingerprint: Fingerprint { length: from.varint()?, hash: from.u64()? },
        position: from.varint()?,
        tail_hash: from.u64()?,
        finished: from.u8()? != 0,
    })
}
