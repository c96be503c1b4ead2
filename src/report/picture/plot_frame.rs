//! Where in a picture its plot lies.

use serde::Serialize;

/// A picture's size and the rectangle of its plot, in pixels. Whoever draws over it, or asks what is under a pointer, needs both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlotFrame {
    /// The whole picture.
    pub width: f64,
    /// The whole picture.
    pub height: f64,
    /// The plot's left edge.
    pub left: f64,
    /// The plot's right edge.
    pub right: f64,
    /// The plot's upper edge.
    pub top: f64,
    /// The plot's lower edge.
    pub bottom: f64,
}

/// A picture that is narrower has its legend in two rows, if it is so high.
const NARROW: f64 = 480.0;
const HIGH: f64 = 250.0;

impl PlotFrame {
    /// A plot with room for the names of latencies on its left, for a legend above it and for times below it.
    pub fn within(width: f64, height: f64) -> PlotFrame {
        let (width, height) = (width.clamp(200.0, 8_000.0), height.clamp(120.0, 4_000.0));
        let top = if width < NARROW && height >= HIGH { 46.0 } else { 30.0 };
        PlotFrame { width, height, left: 54.0, right: width - 8.0, top, bottom: height - 24.0 }
    }

    /// Whether a legend has two rows.
    pub(super) fn is_narrow(&self) -> bool {
        self.width < NARROW && self.height >= HIGH
    }

    /// The place at a share of the plot's width.
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share.clamp(0.0, 1.0)
    }

    /// The place at a share of the plot's height, from below.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share.clamp(0.0, 1.0)
    }
}
