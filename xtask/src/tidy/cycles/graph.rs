//! Groups of nodes of a graph that can reach each other.

use std::collections::{BTreeMap, BTreeSet};

/// The groups of two or more nodes that can all reach each other, each group once.
///
/// A graph of files is small, so each node's reach is searched on its own.
pub(super) fn cycles<N: Clone + Ord>(edges: &BTreeMap<N, BTreeSet<N>>) -> Vec<BTreeSet<N>> {
    let reach: BTreeMap<_, _> = edges
        .keys()
        .map(|node| (node, reachable(edges, node)))
        .collect();
    let mut groups = BTreeSet::new();
    for (node, reached) in &reach {
        let group: BTreeSet<N> = reached
            .iter()
            .filter(|other| reach.get(*other).is_some_and(|back| back.contains(*node)))
            .cloned()
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    Vec::from_iter(groups)
}

/// All nodes that a path of one or more edges leads to.
fn reachable<N: Clone + Ord>(edges: &BTreeMap<N, BTreeSet<N>>, start: &N) -> BTreeSet<N> {
    let mut found = BTreeSet::new();
    let mut next = vec![start];
    while let Some(node) = next.pop() {
        for target in edges.get(node).into_iter().flatten() {
            if found.insert(target.clone()) {
                next.push(target);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles_of(edges: &[(u8, u8)]) -> Vec<Vec<u8>> {
        let mut graph: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry(*from).or_default().insert(*to);
        }
        cycles(&graph).into_iter().map(Vec::from_iter).collect()
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
