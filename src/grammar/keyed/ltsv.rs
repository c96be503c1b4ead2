//! Scans a line of labelled tab-separated values (<http://ltsv.org>): `label:value`, tabs between, in any order.

use super::json::ValueForm;
use super::key_path::KeyPath;
use crate::grammar::line::{CutFailure, RejectReason, ValueSpan, find_byte};

/// Gives every value with its label in lower case. A field without a label is refused; an empty one is passed over.
pub(super) fn scan(line: &[u8], each: &mut dyn FnMut(&[u8], ValueSpan, ValueForm)) -> Result<(), CutFailure> {
    let mut path = KeyPath::default();
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let length = find_byte(b'\t', rest).unwrap_or(rest.len());
        let field = rest.get(..length).unwrap_or_default();
        if !field.is_empty() {
            let colon = find_byte(b':', field).filter(|&colon| colon > 0);
            let colon = colon.ok_or(CutFailure { step: 0, at, reason: RejectReason::BadSyntax })?;
            let outer = path.push(field.get(..colon).unwrap_or_default(), false);
            let form = match field.get(colon + 1..) {
                Some(b"" | b"-") => ValueForm::Absent,
                _ => ValueForm::Plain,
            };
            if let Some(label) = path.bytes() {
                each(label, ((at + colon + 1) as u32, (at + length) as u32), form);
            }
            path.back_to(outer);
        }
        at += length + 1;
        if at > line.len() {
            return Ok(());
        }
    }
}
