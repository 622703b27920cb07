//! A writer of lines whose type is erased.

use std::{
    any::type_name,
    fmt,
    io::{self, Write},
};

use tracing_core::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// A writer of any type, for layers that must have the same type whatever they write to. Created by
/// [`Layer::boxed_writer`](crate::Layer::boxed_writer).
///
/// The layer writes a line with one virtual call. Other users of this [`MakeWriter`] get a boxed writer for each call.
pub struct BoxedWriter {
    writer: Box<dyn AnyWriter>,
    name: &'static str,
}

impl BoxedWriter {
    /// Erases the type of a writer.
    #[must_use]
    pub fn new<W>(make_writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        Self {
            writer: Box::new(make_writer),
            name: type_name::<W>(),
        }
    }

    /// Writes a line without allocating a writer for it.
    pub(crate) fn write_line(&self, metadata: &Metadata<'_>, line: &[u8]) -> io::Result<()> {
        self.writer.write_line(metadata, line)
    }
}

impl<'a> MakeWriter<'a> for BoxedWriter {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        self.writer.boxed()
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        self.writer.boxed_for(metadata)
    }
}

impl fmt::Debug for BoxedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BoxedWriter").field(&self.name).finish()
    }
}

/// What a [`BoxedWriter`] can do, for every type of writer.
trait AnyWriter: Send + Sync {
    fn write_line(&self, metadata: &Metadata<'_>, line: &[u8]) -> io::Result<()>;
    fn boxed(&self) -> Box<dyn Write + '_>;
    fn boxed_for(&self, metadata: &Metadata<'_>) -> Box<dyn Write + '_>;
}

impl<W> AnyWriter for W
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn write_line(&self, metadata: &Metadata<'_>, line: &[u8]) -> io::Result<()> {
        self.make_writer_for(metadata).write_all(line)
    }

    fn boxed(&self) -> Box<dyn Write + '_> {
        Box::new(self.make_writer())
    }

    fn boxed_for(&self, metadata: &Metadata<'_>) -> Box<dyn Write + '_> {
        Box::new(self.make_writer_for(metadata))
    }
}
