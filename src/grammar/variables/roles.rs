//! Which variables of a format say what about a request: its end, its times, its target.

use super::meaning::{FieldMeaning, MadeVariable, clock_by_name};
use super::{DurationUnit, Variable, VariableKind, nginx_variables};

/// The grammar of the time a request ended at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeNotation {
    /// `$msec`: to the millisecond.
    Msec,
    /// `$time_iso8601`: to the second.
    Iso8601,
    /// `$time_local`: to the second.
    Local,
    /// Any of these, told by its shape: the time of a keyed format.
    Any,
    /// The time of what is wrapped around a line that has none.
    Wrapper,
}

/// The variables (as indexes into [`Format::variables`](crate::grammar::Format::variables)) that play a part in a
/// record. Where several could, the better one is named: `$msec` before `$time_iso8601` before `$time_local`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    /// The time the request ended at.
    pub end: Option<(usize, TimeNotation)>,
    /// `$request_time`.
    pub request_time: Option<usize>,
    /// `$upstream_response_time`, `$upstream_connect_time`, `$upstream_header_time`.
    pub upstream: [Option<usize>; 3],
    /// `$request`, the whole request line.
    pub request: Option<usize>,
    /// `$request_method`.
    pub method: Option<usize>,
    /// `$request_uri`, else `$uri` or `$document_uri`.
    pub target: Option<usize>,
    /// `$server_protocol`.
    pub protocol: Option<usize>,
    /// `$status`.
    pub status: Option<usize>,
    /// `$bytes_sent`, else `$body_bytes_sent`.
    pub bytes: Option<usize>,
    /// `$host`, else `$http_host`, else `$server_name`.
    pub host: Option<usize>,
    /// The units of `request_time` and of `upstream`, in their order; nginx's own are seconds.
    pub units: [DurationUnit; 4],
    /// What these four say where there is none, besides `-` and nothing; mostly empty.
    pub absent: [String; 4],
}

impl Roles {
    /// The roles of a format's variables: of nginx's own, then of those with these meanings, then of those that nginx.conf makes
    /// so, then of those whose name or place says it. `targets` are the variables that stand where a request line has its target.
    pub(crate) fn of_variables(
        variables: &[Variable],
        meanings: &[FieldMeaning],
        made: &[MadeVariable],
        targets: &[usize],
    ) -> Roles {
        let mut roles = Roles::of_nginx(variables);
        roles.add_meanings(variables, meanings);
        let made_so: Vec<FieldMeaning> = made.iter().filter_map(|made| made.meaning.clone()).collect();
        roles.add_meanings(variables, &made_so);
        // What is known to stand for something, or for nothing, is not what its name or place may say.
        let is_made = |variable: &Variable| made.iter().any(|made| made.name == variable.name);
        let named: Vec<FieldMeaning> = variables
            .iter()
            .filter(|variable| !is_made(variable))
            .filter_map(|variable| FieldMeaning::of_name(&variable.name))
            .collect();
        roles.add_meanings(variables, &named);
        if roles.request.is_none() && roles.target.is_none() {
            let own = |at: &&usize| {
                variables.get(**at).is_some_and(|variable| {
                    variable.kind == VariableKind::Text
                        && !nginx_variables::is_known(&variable.name)
                        && !is_made(variable)
                })
            };
            roles.target = targets.iter().find(own).copied();
        }
        if roles.end.is_none() {
            roles.end = clock_by_name(variables)
                .filter(|clock| variables.get(*clock).is_none_or(|variable| !is_made(variable)))
                .map(|clock| (clock, TimeNotation::Any));
        }
        roles
    }

    /// With these meanings: what nginx's own variables say goes before.
    fn add_meanings(&mut self, variables: &[Variable], meanings: &[FieldMeaning]) {
        for meaning in meanings {
            let Some(at) = variables.iter().position(|known| known.name == meaning.variable) else { continue };
            let unit = meaning.unit;
            let [response, connect, header] = &mut self.upstream;
            let [request_unit, response_unit, connect_unit, header_unit] = &mut self.units;
            let [request_absent, response_absent, connect_absent, header_absent] = &mut self.absent;
            let timed = match meaning.stands_for.as_str() {
                "request_time" => Some((&mut self.request_time, request_unit, request_absent)),
                "upstream_response_time" => Some((response, response_unit, response_absent)),
                "upstream_connect_time" => Some((connect, connect_unit, connect_absent)),
                "upstream_header_time" => Some((header, header_unit, header_absent)),
                _ => None,
            };
            if let Some((role, of_role, absent)) = timed {
                if role.is_none() {
                    (*role, *of_role) = (Some(at), unit);
                    absent.clone_from(&meaning.absent);
                }
                continue;
            }
            let role = match meaning.stands_for.as_str() {
                "msec" | "time_iso8601" | "time_local" | "time" => {
                    self.end = self.end.or(Some((at, TimeNotation::Any)));
                    continue;
                }
                "request" => &mut self.request,
                "request_method" => &mut self.method,
                "request_uri" | "uri" | "document_uri" => &mut self.target,
                "server_protocol" => &mut self.protocol,
                "status" => &mut self.status,
                "bytes_sent" | "body_bytes_sent" => &mut self.bytes,
                "host" | "http_host" | "server_name" => &mut self.host,
                _ => continue,
            };
            *role = role.or(Some(at));
        }
    }

    fn of_nginx(variables: &[Variable]) -> Roles {
        let first = |names: &[&str]| names.iter().find_map(|name| variables.iter().position(|v| v.name == *name));
        let end = [
            ("msec", TimeNotation::Msec),
            ("time_iso8601", TimeNotation::Iso8601),
            ("time_local", TimeNotation::Local),
        ];
        Roles {
            end: end.into_iter().find_map(|(name, clock)| Some((first(&[name])?, clock))),
            request_time: first(&["request_time"]),
            upstream: ["upstream_response_time", "upstream_connect_time", "upstream_header_time"]
                .map(|name| first(&[name])),
            request: first(&["request", "request_line"]),
            method: first(&["request_method"]),
            target: first(&["request_uri", "uri", "document_uri"]),
            protocol: first(&["server_protocol"]),
            status: first(&["status"]),
            bytes: first(&["bytes_sent", "body_bytes_sent"]),
            host: first(&["host", "http_host", "server_name"]),
            units: [DurationUnit::Seconds; 4],
            absent: Default::default(),
        }
    }

    /// All of them, in a fixed order.
    pub(crate) fn in_order(&self) -> [Option<usize>; 12] {
        let [response, connect, header] = self.upstream;
        [
            self.end.map(|(variable, _)| variable),
            self.request_time,
            response,
            connect,
            header,
            self.request,
            self.method,
            self.target,
            self.protocol,
            self.status,
            self.bytes,
            self.host,
        ]
    }
}
