//! A service in its own process, and its output.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::{error::ProcessError, log_line::LogLine, watched::Watched};

/// A running service whose output is collected. Dropping it kills the process.
///
/// Log lines are read from standard output, and messages such as the service's address from standard error.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Watched<Output>>,
}

#[derive(Debug, Default)]
struct Output {
    stdout: Vec<String>,
    stderr: Vec<String>,
    closed: usize,
}

impl Output {
    /// Returns whether both outputs are closed, as at the end of the process.
    fn is_closed(&self) -> bool {
        self.closed == 2
    }
}

impl Process {
    /// Starts a command without standard input. Errors mention `name`.
    ///
    /// # Errors
    ///
    /// Returns an error if the program cannot be started.
    pub fn start(name: impl Into<String>, command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = Arc::new(Watched::new(Output::default()));
        if let Some(stdout) = child.stdout.take() {
            collect(stdout, Arc::clone(&output), |output| &mut output.stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            collect(stderr, Arc::clone(&output), |output| &mut output.stderr);
        }
        Ok(Self {
            name: name.into(),
            child,
            output,
        })
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on standard error for which `find` returns a value, and returns the value.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends without such a line or the limit passes.
    pub fn wait_for_stderr<R>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&str) -> Option<R>,
    ) -> Result<R, ProcessError> {
        self.wait(limit, |output| {
            output.stderr.iter().find_map(|line| find(line))
        })
    }

    /// Waits until `enough` returns `true` for the log lines so far, and returns these lines.
    ///
    /// # Errors
    ///
    /// Returns an error if the process ends before that or the limit passes.
    pub fn wait_for_logs(
        &self,
        limit: Duration,
        mut enough: impl FnMut(&[LogLine]) -> bool,
    ) -> Result<Vec<LogLine>, ProcessError> {
        self.wait(limit, |output| {
            let lines = parse(&output.stdout);
            enough(&lines).then_some(lines)
        })
    }

    /// Returns the log lines so far. Lines that are not a JSON object are left out.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.output.read(|output| parse(&output.stdout))
    }

    /// Returns all lines of standard output so far, as they were printed.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.output.read(|output| output.stdout.clone())
    }

    /// Returns all lines of standard error so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.output.read(|output| output.stderr.clone())
    }

    /// Sends SIGTERM to the process and waits for its end.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has not ended within the limit.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        send_sigterm(&mut self.child);
        self.wait_for_end(limit)
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    ///
    /// Returns an error if the process has not ended within the limit.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let ended = self.output.wait(limit, || {
            self.output.read(|output| output.is_closed().then_some(()))
        });
        ended.ok_or_else(|| self.error(&format!("has not ended within {limit:?}")))?;
        let status = self.child.wait();
        status.map_err(|error| self.error(&error.to_string()))
    }

    fn wait<R>(
        &self,
        limit: Duration,
        mut find: impl FnMut(&Output) -> Option<R>,
    ) -> Result<R, ProcessError> {
        let found = self.output.wait(limit, || {
            self.output.read(|output| match find(output) {
                Some(found) => Some(Some(found)),
                None => output.is_closed().then_some(None),
            })
        });
        let found = found.ok_or_else(|| {
            self.error(&format!(
                "did not print the expected output within {limit:?}"
            ))
        })?;
        found.ok_or_else(|| self.error("has ended"))
    }

    fn error(&self, what: &str) -> ProcessError {
        let stderr = match self.stderr().join("\n") {
            empty if empty.is_empty() => empty,
            lines => format!("; its standard error: {lines}"),
        };
        ProcessError(format!("{} {what}{stderr}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(
    from: impl Read + Send + 'static,
    output: Arc<Watched<Output>>,
    into: fn(&mut Output) -> &mut Vec<String>,
) {
    thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut bytes = Vec::new();
        while matches!(lines.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            output.update(|output| into(output).push(line));
            bytes.clear();
        }
        output.update(|output| output.closed += 1);
    });
}

fn parse(lines: &[String]) -> Vec<LogLine> {
    lines
        .iter()
        .filter_map(|line| LogLine::parse(line).ok())
        .collect()
}

#[cfg(unix)]
fn send_sigterm(child: &mut Child) {
    // The standard library can only send SIGKILL.
    let _ = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
}

#[cfg(not(unix))]
fn send_sigterm(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        Process::start("shell", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn lines_are_waited_for_on_either_output() {
        let process = shell(r#"echo ready >&2; echo '{"message":"hello"}'; echo plain"#);
        let ready =
            process.wait_for_stderr(LIMIT, |line| line.strip_prefix("rea").map(str::to_owned));
        assert_eq!(ready.unwrap(), "dy");
        let logs = process
            .wait_for_logs(LIMIT, |logs| !logs.is_empty())
            .unwrap();
        assert_eq!(logs[0].message(), "hello");
    }

    #[test]
    fn a_process_that_ends_early_is_an_error_with_its_standard_error() {
        let process = shell("echo no such port >&2; exit 3");
        let error = process
            .wait_for_stderr(LIMIT, |line| line.strip_prefix("ready").map(str::to_owned))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "shell has ended; its standard error: no such port"
        );
    }

    #[test]
    fn terminate_waits_for_the_process_to_end() {
        let mut process = shell("trap 'exit 7' TERM; echo ready >&2; while :; do sleep 0.02; done");
        process
            .wait_for_stderr(LIMIT, |line| (line == "ready").then_some(()))
            .unwrap();
        assert_eq!(process.terminate(LIMIT).unwrap().code(), Some(7));
    }
}
