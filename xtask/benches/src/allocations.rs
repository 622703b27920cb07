use crate::Case;
use crate::case::PIECES;

/// Counts the allocations of one piece of work for each contender of each case. The count is a mean, since the pieces of a
/// rotation differ.
pub(crate) fn count(cases: &mut [Case]) -> Vec<Vec<f64>> {
    let contenders = |case: &mut Case| {
        let count = case.contenders.iter_mut().map(|contender| {
            contender.warm_up();
            let mut total = 0;
            contender.in_batches(|work| {
                total += allocation_counter::measure(|| work.run()).count_total;
            });
            total as f64 / PIECES as f64
        });
        count.collect()
    };
    cases.iter_mut().map(contenders).collect()
}
