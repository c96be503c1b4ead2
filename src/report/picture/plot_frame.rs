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

impl PlotFrame {
    /// A plot with room for the names of latencies on its left, for a legend above it and for times below it.
    pub fn within(width: f64, height: f64) -> PlotFrame {
        let (width, height) = (width.clamp(200.0, 8_000.0), height.clamp(120.0, 4_000.0));
        PlotFrame { width, height, left: 54.0, right: width - 8.0, top: 30.0, bottom: height - 24.0 }
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
