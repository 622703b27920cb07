//! Groups of nodes of a graph that can reach each other.

use std::collections::BTreeSet;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::{DiGraphMap, NodeTrait};

/// The groups of two or more nodes that can all reach each other, each group once.
pub(super) fn cycles<N: NodeTrait>(
    edges: impl IntoIterator<Item = (N, N)>,
) -> BTreeSet<BTreeSet<N>> {
    let graph: DiGraphMap<N, ()> = edges.into_iter().collect();
    let groups = tarjan_scc(&graph).into_iter();
    let groups = groups.filter(|group| group.len() > 1);
    groups.map(BTreeSet::from_iter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles_of(edges: &[(u8, u8)]) -> Vec<Vec<u8>> {
        let cycles = cycles(edges.iter().copied());
        cycles.into_iter().map(Vec::from_iter).collect()
    }

    #[test]
    fn each_group_is_found_once() {
        assert_eq!(cycles_of(&[(1, 2), (2, 3), (1, 3)]), Vec::<Vec<u8>>::new());
        assert_eq!(cycles_of(&[(1, 2), (2, 3), (3, 1), (3, 4)]), [[1, 2, 3]]);
        assert_eq!(
            cycles_of(&[(1, 2), (2, 1), (2, 3), (3, 4), (4, 3)]),
            [[1, 2], [3, 4]]
        );
    }

    #[test]
    fn a_node_that_only_reaches_itself_is_not_a_cycle() {
        assert_eq!(cycles_of(&[(1, 1), (1, 2)]), Vec::<Vec<u8>>::new());
    }
}
