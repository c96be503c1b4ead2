//! Where a link of a graph leads: `/at?m=..&s=..&t=..&from=..&to=..`.

use crate::error::Result;
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::http::reply::Reply;

pub(super) fn answer(_asked: &Asked, _reader: &Reader<'_>) -> Result<Reply> {
    Ok(Reply::see_other("/"))
}
