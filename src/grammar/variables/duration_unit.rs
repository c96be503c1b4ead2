//! Units of durations.

/// The unit of a duration's value; nginx's own is the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DurationUnit {
    /// `s`.
    #[default]
    Seconds,
    /// `ms`.
    Millis,
    /// `us`.
    Micros,
    /// `ns`.
    Nanos,
}

impl DurationUnit {
    /// All of them, by name.
    pub(crate) const NAMES: [(&str, DurationUnit); 4] = [
        ("s", DurationUnit::Seconds),
        ("ms", DurationUnit::Millis),
        ("us", DurationUnit::Micros),
        ("ns", DurationUnit::Nanos),
    ];

    /// The unit of that name.
    pub(crate) fn from_name(name: &str) -> Option<DurationUnit> {
        DurationUnit::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, unit)| unit)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        DurationUnit::NAMES.into_iter().find(|(_, unit)| *unit == self).map_or("s", |(name, _)| name)
    }

    /// By how many places the decimal point moves left to give seconds.
    pub(crate) fn decimal_places(self) -> i32 {
        match self {
            DurationUnit::Seconds => 0,
            DurationUnit::Millis => 3,
            DurationUnit::Micros => 6,
            DurationUnit::Nanos => 9,
        }
    }
}
