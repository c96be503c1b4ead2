//! A generation's bytes on disk.

use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

impl Encode for Generation {
    fn encode(&self, out: &mut Encoder) {
        out.varint(u64::from(self.id.0));
        out.bytes(self.log.as_bytes());
        out.bytes(self.path.as_os_str().as_bytes());
        let DeviceInode { device, inode } = self.device_inode;
        out.varint(device);
        out.varint(inode);
        out.varint(self.fingerprint.length);
        out.u64(self.fingerprint.hash);
        out.varint(self.position);
        out.u64(self.tail_hash);
        out.u8(u8::from(self.finished));
    }
}

impl Decode for Generation {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Generation> {
        Ok(Generation {
            id: GenerationId(from.varint_as()?),
            log: from.text()?,
            path: PathBuf::from(OsStr::from_bytes(from.bytes()?)),
            device_inode: DeviceInode { device: from.varint()?, inode: from.varint()? },
            fingerprint: Fingerprint { length: from.varint()?, hash: from.u64()? },
            position: from.varint()?,
            tail_hash: from.u64()?,
            finished: from.u8()? != 0,
        })
    }
}
