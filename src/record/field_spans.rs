//! Where in a line's spans the needed fields are.

use super::needs::Needs;
use crate::grammar::{DurationUnit, Format, Role};

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
    /// The units of the four times; nothing if all are seconds.
    pub(super) units: Option<[DurationUnit; 4]>,
}

impl FieldSpans {
    /// Those of a `log_format`, which has each variable in a step of its own.
    pub(super) fn of_plan(format: &Format, needs: &Needs) -> FieldSpans {
        let roles = format.roles();
        let step = |role: Option<usize>, needed: bool| role.filter(|_| needed).and_then(|role| format.step_of(role));
        let times = needs.times || needs.all;
        let target = needs.target || needs.all;
        let request = step(roles.request, target);
        let alone = target && request.is_none();
        FieldSpans {
            request_time: step(roles.request_time, times),
            upstream: roles.upstream.map(|role| step(role, times)),
            request,
            method: step(roles.method, alone),
            target: step(roles.target, alone),
            args: step(roles.target, alone).and_then(|target| args_after(format, target)),
            protocol: step(roles.protocol, alone),
            status: step(roles.status, true),
            bytes: step(roles.bytes, needs.bytes || needs.all),
            host: step(roles.host, needs.host || needs.all),
            units: Some(roles.units).filter(|units| units.iter().any(|unit| *unit != DurationUnit::Seconds)),
        }
    }

    /// Those of a keyed format: which variable plays a role is found anew for each line.
    pub(super) fn of_keys(format: &Format, needs: &Needs) -> FieldSpans {
        let roles = format.roles();
        let slot = |role: Role, played: Option<usize>, needed: bool| format.slot_of(role, played.filter(|_| needed));
        let (times, target) = (needs.times || needs.all, needs.target || needs.all);
        let [response, connect, header] = roles.upstream;
        FieldSpans {
            request_time: slot(Role::RequestTime, roles.request_time, times),
            upstream: [
                slot(Role::UpstreamResponse, response, times),
                slot(Role::UpstreamConnect, connect, times),
                slot(Role::UpstreamHeader, header, times),
            ],
            request: slot(Role::Request, roles.request, target),
            method: slot(Role::Method, roles.method, target),
            target: slot(Role::Target, roles.target, target),
            args: None,
            protocol: slot(Role::Protocol, roles.protocol, target),
            status: slot(Role::Status, roles.status, true),
            bytes: slot(Role::Bytes, roles.bytes, needs.bytes || needs.all),
            host: slot(Role::Host, roles.host, needs.host || needs.all),
            units: None,
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

/// The step of `$args` if `$is_args$args` directly follow the step `target`.
fn args_after(format: &Format, target: usize) -> Option<usize> {
    let mut steps = format.plan().steps.iter().skip(target);
    let (uri, is_args, args) = (steps.next()?, steps.next()?, steps.next()?);
    let named = |variable: usize, names: &[&str]| {
        format.variables().get(variable).is_some_and(|variable| names.contains(&variable.name.as_str()))
    };
    let joined = uri.literal.is_empty() && is_args.literal.is_empty();
    let fits = joined && named(is_args.variable, &["is_args"]) && named(args.variable, &["args", "query_string"]);
    fits.then_some(target + 2)
}
