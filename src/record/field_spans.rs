//! Where in a line's spans the needed fields are.
//!
//! Which variable plays which role is the format's business (`grammar`); here it is asked once, when a parser is made, so
//! that for a line only numbers of spans are left. A field that is not needed has no span, and is then not read at all.

use super::needs::Needs;
use crate::grammar::{DurationUnit, Format, Role, Roles};

/// The spans of the needed fields, by the numbers of their steps, or of a keyed format's places.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldSpans {
    pub(super) request_time: Option<usize>,
    pub(super) upstream: [Option<usize>; 3],
    pub(super) request: Option<usize>,
    pub(super) method: Option<usize>,
    pub(super) target: Option<usize>,
    /// The step of `$args` where `$is_args$args` directly follow the target.
    pub(super) args: Option<usize>,
    pub(super) protocol: Option<usize>,
    pub(super) status: Option<usize>,
    pub(super) bytes: Option<usize>,
    pub(super) host: Option<usize>,
    /// How the four times are written; nothing if all are as nginx writes them.
    pub(super) written: Option<Box<TimesWritten>>,
}

/// How the four times of a format are written that are not all nginx's own.
#[derive(Debug, Clone)]
pub(super) struct TimesWritten {
    pub(super) units: [DurationUnit; 4],
    /// What stands where there is none, besides `-` and nothing.
    pub(super) absent: [String; 4],
}

impl FieldSpans {
    /// Those of a `log_format`, which has each variable in a step of its own.
    pub(super) fn of_plan(format: &Format, needs: &Needs) -> FieldSpans {
        let roles = format.roles();
        let times = needs.times || needs.all;
        let target = needs.target || needs.all;
        let request = step_if(target, format, roles.request);
        let alone = target && request.is_none();
        let target = step_if(alone, format, roles.target);
        let [response, connect, header] = roles.upstream;
        FieldSpans {
            request_time: step_if(times, format, roles.request_time),
            upstream: [
                step_if(times, format, response),
                step_if(times, format, connect),
                step_if(times, format, header),
            ],
            request,
            method: step_if(alone, format, roles.method),
            target,
            args: args_after(format, target),
            protocol: step_if(alone, format, roles.protocol),
            status: step_if(true, format, roles.status),
            bytes: step_if(needs.bytes || needs.all, format, roles.bytes),
            host: step_if(needs.host || needs.all, format, roles.host),
            written: TimesWritten::of_roles(roles),
        }
    }

    /// Those of a keyed format: which variable plays a role is found anew for each line.
    pub(super) fn of_keys(format: &Format, needs: &Needs) -> FieldSpans {
        let roles = format.roles();
        let (times, target) = (needs.times || needs.all, needs.target || needs.all);
        let [response, connect, header] = roles.upstream;
        FieldSpans {
            request_time: format.slot_of(Role::RequestTime, if_needed(times, roles.request_time)),
            upstream: [
                format.slot_of(Role::UpstreamResponse, if_needed(times, response)),
                format.slot_of(Role::UpstreamConnect, if_needed(times, connect)),
                format.slot_of(Role::UpstreamHeader, if_needed(times, header)),
            ],
            request: format.slot_of(Role::Request, if_needed(target, roles.request)),
            method: format.slot_of(Role::Method, if_needed(target, roles.method)),
            target: format.slot_of(Role::Target, if_needed(target, roles.target)),
            args: None,
            protocol: format.slot_of(Role::Protocol, if_needed(target, roles.protocol)),
            status: format.slot_of(Role::Status, roles.status),
            bytes: format.slot_of(Role::Bytes, if_needed(needs.bytes || needs.all, roles.bytes)),
            host: format.slot_of(Role::Host, if_needed(needs.host || needs.all, roles.host)),
            written: None,
        }
    }

    /// All of them.
    pub(super) fn steps(&self) -> [Option<usize>; 12] {
        let FieldSpans { request_time, upstream: [response, connect, header], request, method, target, args, .. } =
            *self;
        let FieldSpans { protocol, status, bytes, host, .. } = *self;
        [request_time, response, connect, header, request, method, target, args, protocol, status, bytes, host]
    }
}

impl TimesWritten {
    fn of_roles(roles: &Roles) -> Option<Box<TimesWritten>> {
        let own = roles.units == [DurationUnit::Seconds; 4] && roles.absent.iter().all(String::is_empty);
        (!own).then(|| Box::new(TimesWritten { units: roles.units, absent: roles.absent.clone() }))
    }
}

/// The variable that plays a role, if the role is needed.
fn if_needed(needed: bool, played: Option<usize>) -> Option<usize> {
    if needed { played } else { None }
}

/// The step that cuts the variable of a role, if the role is needed.
fn step_if(needed: bool, format: &Format, played: Option<usize>) -> Option<usize> {
    format.step_of(if_needed(needed, played)?)
}

/// The step of `$args` if `$is_args$args` directly follow the step `target`: together they are what `$request_uri` would
/// be, and stand side by side in the line, so that one span covers them.
fn args_after(format: &Format, target: Option<usize>) -> Option<usize> {
    let target = target?;
    let mut steps = format.plan().steps.iter().skip(target);
    let (uri, is_args, args) = (steps.next()?, steps.next()?, steps.next()?);
    let joined = uri.literal.is_empty() && is_args.literal.is_empty();
    let names = (&*format.variables().get(is_args.variable)?.name, &*format.variables().get(args.variable)?.name);
    match names {
        ("is_args", "args" | "query_string") if joined => Some(target + 2),
        _ => None,
    }
}
