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
        }
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contender").field(&self.name).finish()
    }
}

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
