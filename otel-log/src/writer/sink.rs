//! The file or other writer that the lines go to.

use std::{
    fs::File,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::notice;

pub(super) enum Sink {
    File {
        file: File,
        path: PathBuf,
        /// Set by SIGHUP.
        reopens: Arc<AtomicBool>,
        has_failed_to_reopen: bool,
    },
    Other(Box<dyn Write + Send>),
}

impl Sink {
    pub(super) fn other(writer: impl Write + Send + 'static) -> Self {
        Self::Other(Box::new(writer))
    }

    pub(super) fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::File {
            file: open(path)?,
            path: path.to_owned(),
            reopens: Arc::default(),
            has_failed_to_reopen: false,
        })
    }

    #[cfg(all(feature = "sighup", unix))]
    pub(super) fn reopened_on_sighup(self) -> io::Result<Self> {
        if let Self::File { reopens, .. } = &self {
            signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(reopens))?;
        }
        Ok(self)
    }

    /// Writes the lines. A panic of the writer counts as a failed write.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = catch_unwind(AssertUnwindSafe(|| match self {
            Self::File {
                file,
                path,
                reopens,
                has_failed_to_reopen,
            } => {
                if reopens.swap(false, Ordering::Relaxed) {
                    match open(path) {
                        Ok(reopened) => *file = reopened,
                        Err(error) if !*has_failed_to_reopen => {
                            *has_failed_to_reopen = true;
                            notice::reopen_failed(path, &error);
                        }
                        Err(_) => {}
                    }
                }
                file.write_all(lines)
            }
            Self::Other(writer) => writer.write_all(lines).and_then(|()| writer.flush()),
        }));
        written.unwrap_or_else(|_| Err(io::Error::other("the writer panicked")))
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}
