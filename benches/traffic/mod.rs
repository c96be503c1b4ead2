//! Slow requests as a busy site makes them, as many as are asked for, in the order in which they are logged.

use spikeline::route::RouteId;
use spikeline::source::generation::GenerationId;
use spikeline::store::{Entry, KeepReasons, Locator};
use spikeline::time::Timestamp;

/// Routes of the site; their traffic falls off as 1/rank.
pub const ROUTES: usize = 440;
/// When it begins.
pub const START: i64 = 1_322_611_200_000;
/// A day in milliseconds; each has a log of its own.
pub const DAY: i64 = 86_400_000;

/// xorshift: small, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    pub fn exponential(&mut self) -> f64 {
        -self.unit().max(1e-12).ln()
    }
}

/// A route, as often as it is asked for.
pub struct Popularity(Vec<f64>);

impl Popularity {
    pub fn new() -> Popularity {
        let total: f64 = (1..=ROUTES).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        Popularity(
            (1..=ROUTES)
                .map(|rank| {
                    sum += 1.0 / rank as f64 / total;
                    sum
                })
                .collect(),
        )
    }

    pub fn pick(&self, dice: &mut Dice) -> usize {
        let at = dice.unit();
        self.0.partition_point(|&sum| sum < at).min(ROUTES - 1)
    }
}

/// What a request of a route takes in milliseconds, slow ones aside: lognormal about a median of the route's own.
pub fn common_duration(route: usize, dice: &mut Dice) -> u64 {
    let median = [12.0, 35.0, 80.0, 150.0, 300.0][route % 5] * (1.0 + 0.3 * (route % 11) as f64 / 10.0);
    (median * (0.7 * dice.normal()).exp()) as u64
}

/// An endless stream of slow entries, `per_day` of them a day on average.
pub struct Slow {
    dice: Dice,
    popularity: Popularity,
    per_day: f64,
    time: f64,
    offset: f64,
    day: i64,
    load: f64,
    /// By route: the slot it was last in, and how many of its entries were.
    slots: Vec<(i64, u32)>,
}

impl Slow {
    pub fn new(per_day: u64, seed: u64) -> Slow {
        let slots = vec![(0, 0); ROUTES];
        let (dice, popularity) = (Dice(seed), Popularity::new());
        Slow { dice, popularity, per_day: per_day as f64, time: 0.0, offset: 0.0, day: 0, load: 0.0, slots }
    }

    /// A frequent route's slot has more than five requests above the threshold; a rare one's slowest are whatever they are.
    fn duration(&mut self, route: usize, end: i64) -> Option<(u64, KeepReasons)> {
        let slot = end.div_euclid(10_000);
        let held = &mut self.slots[route];
        *held = if held.0 == slot { (slot, held.1 + 1) } else { (slot, 1) };
        let rare = route > 60;
        if rare && held.1 > 5 {
            return None;
        }
        let dice = &mut self.dice;
        if rare && dice.unit() < 0.75 {
            let duration = common_duration(route, dice);
            let kept =
                if duration >= 1000 { KeepReasons::THRESHOLD.with(KeepReasons::SLOWEST) } else { KeepReasons::SLOWEST };
            return Some((duration, kept));
        }
        let long = if dice.unit() < 0.002 { 60.0 } else { 1.0 };
        let duration = 1000.0 * (0.8 * dice.normal().abs()).exp() * (1.0 + 0.1 * (route % 7) as f64) * long;
        let kept = if rare { KeepReasons::THRESHOLD.with(KeepReasons::SLOWEST) } else { KeepReasons::THRESHOLD };
        Some((duration as u64, kept))
    }
}

impl Iterator for Slow {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let step = DAY as f64 / self.per_day;
            self.load = (self.load + self.dice.normal() * 0.01).clamp(-0.7, 0.7);
            let hour = (self.time / DAY as f64 * std::f64::consts::TAU).sin() * 0.5;
            let gap = step * self.dice.exponential() / (self.load + hour).exp();
            self.time += gap;
            // A hundred lines of about 200 bytes pass between two slow ones.
            self.offset +=
                (gap / step * (self.load + hour).exp() * 20_000.0 * (1.0 + 0.1 * self.dice.normal())).max(150.0);
            let day = self.time as i64 / DAY;
            if day > self.day {
                (self.day, self.offset) = (day, 0.0);
            }
            let route = self.popularity.pick(&mut self.dice);
            let end = START + self.time as i64 - (self.dice.exponential() * 20.0) as i64;
            let Some((duration_ms, mut kept)) = self.duration(route, end) else { continue };
            let dice = &mut self.dice;
            let error = dice.unit() < 0.02;
            if error {
                kept = kept.with(KeepReasons::ERROR);
            }
            let upstream = duration_ms.saturating_sub((dice.exponential() * 3.0) as u64);
            let status = match dice.unit() {
                _ if error => [500, 502, 503, 504][route % 4],
                at if at < 0.05 => 302,
                at if at < 0.08 => 404,
                _ => 200,
            };
            let length = (180.0 + (route % 40) as f64 * 2.0 + 25.0 * dice.normal()).clamp(90.0, 900.0) as u32;
            return Some(Entry {
                end: Timestamp(end),
                duration_ms,
                route: RouteId(route as u32),
                status,
                upstream_ms: (!route.is_multiple_of(9) && dice.unit() > 0.01).then_some(upstream),
                kept,
                locator: Locator { generation: GenerationId(self.day as u32), offset: self.offset as u64, length },
            });
        }
    }
}
