//! How nginx escaped the values of a log_format: its `escape=` parameter.

use std::fmt;
use std::str::FromStr;

/// The `escape=` parameter of `log_format` (`ngx_http_log_escape` and `ngx_http_log_json_variable`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Escape {
    /// `"`, `\`, bytes below 0x20 and from 0x7F on are written `\xHH`; an absent value is `-`.
    #[default]
    Default,
    /// JSON string escapes; bytes that are not UTF-8 stay raw; an absent value is empty.
    Json,
    /// Nothing is escaped; an absent value is empty.
    None,
}

impl Escape {
    /// The name as written after `escape=`.
    pub fn name(self) -> &'static str {
        match self {
            Escape::Default => "default",
            Escape::Json => "json",
            Escape::None => "none",
        }
    }
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Escape {
    type Err = String;

    fn from_str(text: &str) -> Result<Escape, String> {
        match text {
            "default" => Ok(Escape::Default),
            "json" => Ok(Escape::Json),
            "none" => Ok(Escape::None),
            _ => Err(format!("unknown escaping `{text}`: nginx knows default, json and none")),
        }
    }
}
