//! The ways of a request through the services.

use std::ops::Range;

/// Some of ours, theirs and ours, side by side.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) title: &'static str,
    pub(crate) places: Range<usize>,
}

pub(crate) const OURS_TO_THEIRS: Chain = Chain {
    title: "ours → theirs",
    places: 0..2,
};

const THEIRS_TO_OURS: Chain = Chain {
    title: "theirs → ours",
    places: 1..3,
};

const THROUGH_THEIRS: Chain = Chain {
    title: "ours → theirs → ours",
    places: 0..3,
};

pub(crate) const CHAINS: [Chain; 3] = [OURS_TO_THEIRS, THEIRS_TO_OURS, THROUGH_THEIRS];
