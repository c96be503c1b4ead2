//! A quoted address behind a combined line: of `$http_x_forwarded_for`, as in nginx's own `main`, of `$http_x_real_ip`, or of a header
//! of a CDN. A list of addresses is none of a single one's; a single one is named by nothing, and is left without a name.

use super::columns::Columns;
use super::library::FILES;
use crate::grammar::format::Format;
use crate::grammar::line::ValueSpan;

/// What the variable is called that holds such an address.
pub const BARE_ADDRESS: &str = "bare_address";

const FORWARDED_FOR: &str = "http_x_forwarded_for";

/// The format with the address that it ends with under no name of nginx's, if nothing in these lines tells what it is; `base` is the
/// format that it goes on from. Nothing if it has no such column, or if that is certain.
pub(super) fn without_bare_address(lines: &[&[u8]], format: &Format, candidates: &[Format]) -> Option<Format> {
    // A grammar of one's own says what is in the logs.
    if format.wrapper().is_some() || !FILES.iter().any(|(name, _)| *name == format.name()) {
        return None;
    }
    let columns = Columns::of_format(format)?;
    let at = columns.unnamed(FORWARDED_FOR)?;
    let begins = |base: &&Format| base.text().ends_with('"') && base.name() != format.name() && !base.is_keyed();
    let base = candidates.iter().filter(begins).find(|base| format.text().starts_with(base.text()))?;
    if at < base.plan().steps.len() || is_forwarded_for(lines, &columns, at) {
        return None;
    }
    let variable = |text: &str| text.replacen(&format!("${FORWARDED_FOR}"), &format!("${BARE_ADDRESS}"), 1);
    let (front, behind) = format.text().split_at_checked(base.text().len())?;
    let text = format!("{front}{}", variable(behind));
    Format::compile(format.name(), &text, format.escape()).ok().filter(|bare| bare.index_of(BARE_ADDRESS).is_some())
}

/// Whether some line shows that column `at` is a list which each proxy adds to, or none has anything there. A list that always ends
/// with `$remote_addr` may be `$proxy_add_x_forwarded_for`.
fn is_forwarded_for(lines: &[&[u8]], columns: &Columns<'_>, at: usize) -> bool {
    let client = columns.unnamed("remote_addr");
    let mut spans = columns.format.new_spans();
    let (mut present, mut listed, mut ends_otherwise) = (false, false, false);
    for line in lines {
        if columns.format.plan().cut(line, &mut spans).is_err() {
            continue;
        }
        let value = |at: usize| spans.get(at).and_then(|span: &ValueSpan| line.get(span.0 as usize..span.1 as usize));
        let Some(value_there) = value(at).filter(|value| !matches!(*value, b"-" | b"")) else { continue };
        present = true;
        listed |= value_there.contains(&b',');
        ends_otherwise |= client.and_then(value).is_some_and(|client| !value_there.ends_with(client));
    }
    !present || (listed && ends_otherwise)
}
