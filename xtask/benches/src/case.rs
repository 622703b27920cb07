use std::fmt;
use std::hint::black_box;

/// One thing that several contenders do.
#[derive(Debug)]
pub struct Case {
    pub(crate) name: String,
    pub(crate) contenders: Vec<Contender>,
}

impl Case {
    /// Creates a case. Ours comes first; each other one makes a row of the table.
    pub fn new(name: &str, ours: Contender, others: impl IntoIterator<Item = Contender>) -> Self {
        Self {
            name: name.to_owned(),
            contenders: [ours].into_iter().chain(others).collect(),
        }
    }
}

/// One way to do it.
pub struct Contender {
    pub(crate) name: String,
    pub(crate) work: Box<dyn Work>,
    /// How many inputs are prepared at once.
    pub(crate) at_once: usize,
}

impl Contender {
    /// Creates a contender that does `work` once on each thing that `prepare` makes. Preparing is not measured;
    /// dropping what `work` returns is.
    pub fn new<I: 'static, O: 'static>(
        name: &str,
        prepare: impl Fn() -> I + 'static,
        work: impl Fn(&mut I) -> O + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            work: Box::new(Prepared {
                inputs: Vec::new(),
                prepare,
                work,
            }),
            at_once: usize::MAX,
        }
    }

    /// Prepares each input just before the work on it, so that the work finds what `prepare` has left behind.
    #[must_use]
    pub fn one_by_one(mut self) -> Self {
        self.at_once = 1;
        self
    }

    /// Works until all that is made only once in a program is made, for every piece of a rotation.
    pub(crate) fn warm_up(&mut self) {
        self.in_batches(|work| work.run());
    }

    /// Prepares [`PIECES`] inputs in small batches, and hands each batch to `run`. Nothing is left of them.
    pub(crate) fn in_batches(&mut self, mut run: impl FnMut(&mut dyn Work)) {
        let batch = FEW.min(self.at_once);
        for _ in 0..PIECES / batch {
            self.work.prepare(batch);
            run(self.work.as_mut());
        }
        self.work.prepare(0);
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contender").field(&self.name).finish()
    }
}

/// Pieces of work whose mean is an exact count. The length of a rotation divides it.
pub(crate) const PIECES: usize = 100;
/// A program does not hold hundreds of inputs at once.
const FEW: usize = 5;

/// Work in batches, so that neither the clock nor the dynamic call counts.
pub(crate) trait Work {
    /// Prepares as many inputs, in place of those before.
    fn prepare(&mut self, count: usize);
    /// Works once on each of them.
    fn run(&mut self);
}

struct Prepared<I, P, W> {
    inputs: Vec<I>,
    prepare: P,
    work: W,
}

impl<I, O, P: Fn() -> I, W: Fn(&mut I) -> O> Work for Prepared<I, P, W> {
    fn prepare(&mut self, count: usize) {
        self.inputs.clear();
        self.inputs.extend((0..count).map(|_| (self.prepare)()));
    }

    fn run(&mut self) {
        for input in &mut self.inputs {
            drop(black_box((self.work)(black_box(input))));
        }
    }
}
