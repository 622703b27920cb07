use crate::Case;

/// Counts the allocations of one piece of work, for each contender of each case.
pub(crate) fn count(cases: &mut [Case]) -> Vec<Vec<u64>> {
    let contenders = |case: &mut Case| {
        let count = case.contenders.iter_mut().map(|contender| {
            let work = &mut contender.work;
            // What is made once in a program's life does not count; some of it the second piece of work makes.
            work.prepare(3);
            work.run();
            work.prepare(1);
            allocation_counter::measure(|| work.run()).count_total
        });
        count.collect()
    };
    cases.iter_mut().map(contenders).collect()
}
