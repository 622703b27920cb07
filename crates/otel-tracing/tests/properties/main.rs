//! Both layers make the same spans of random programs, apart from the [`differences`](differences::differences).

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

mod bugs;
mod callsites;
mod differences;
#[path = "../support/dropping.rs"]
mod dropping;
mod handle;
mod history;
mod layers;
mod normal;
mod program;
mod run;

use proptest::prelude::*;

use crate::differences::differences;
use crate::layers::Kind;
use crate::normal::normal;
use crate::program::{Program, program};
use crate::run::run;

fn check(program: &Program) -> Result<(), TestCaseError> {
    let upstream = run(program, Kind::Upstream);
    for kind in [Kind::Ours, Kind::ParentBased] {
        // An unsampled span carries the context of its parent, so it has no own ids.
        let merges_unsampled = kind == Kind::ParentBased;
        let (expected, expected_steps) = normal(&upstream, merges_unsampled);
        let expected = differences(expected, &program.options, kind);
        let mut ours = run(program, kind);
        ours.histories.clear();
        let (ours, steps) = normal(&ours, merges_unsampled);
        for (n, (ours, expected)) in steps.iter().zip(&expected_steps).enumerate() {
            prop_assert_eq!(ours, expected, "{:?}, after step {}", kind, n);
        }
        for (ours, expected) in ours.iter().zip(&expected) {
            prop_assert_eq!(ours, expected, "{:?}", kind);
        }
        prop_assert_eq!(ours.len(), expected.len(), "{:?}", kind);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn both_layers_make_the_same_spans(program in program()) {
        check(&program)?;
    }
}
