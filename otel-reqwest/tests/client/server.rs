//! A server that answers what it is told and keeps what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// A response with a status line and an empty body.
pub(crate) fn empty(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// A response that sends its reader elsewhere.
pub(crate) fn redirect(status: &str, location: &str) -> String {
    empty(&format!("{status}\r\nlocation: {location}"))
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Receiver<Vec<String>>,
}

impl Server {
    /// Answers every connection's one request with these bytes and closes it.
    pub(crate) fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(move |stream| {
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    /// Answers the first request with the first of these, the second with the second, and all further ones with the last.
    pub(crate) fn answering_in_turn(answers: impl IntoIterator<Item = String>) -> Self {
        let mut answers: Vec<String> = answers.into_iter().collect();
        answers.reverse();
        Self::start(move |stream| {
            let answer = answers.pop().unwrap();
            let _ = stream.write_all(answer.as_bytes());
            if answers.is_empty() {
                answers.push(answer);
            }
        })
    }

    /// Reads what comes first on a connection and closes it.
    pub(crate) fn hanging_up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Unread bytes would turn the end into a reset.
                let _ = stream.unwrap().read(&mut [0; 4096]);
            }
        });
        let (_, heads) = channel();
        Self { address, heads }
    }

    /// Answers with a status line and an empty body.
    pub(crate) fn with_status(status: &str) -> Self {
        Self::answering(&empty(status))
    }

    /// Answers with these bytes and leaves the connection open as long as the server lives.
    pub(crate) fn stalling(answer: &str) -> Self {
        let answer = answer.to_owned();
        let mut open = Vec::new();
        Self::start(move |stream| {
            let _ = stream.write_all(answer.as_bytes());
            open.push(stream.try_clone());
        })
    }

    /// Reads requests and never answers; connections stay open as long as the server lives.
    pub(crate) fn silent() -> Self {
        let mut open = Vec::new();
        Self::start(move |stream| open.push(stream.try_clone()))
    }

    fn start(mut answer: impl FnMut(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, heads) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head = lines
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                if sender.send(head).is_err() {
                    return;
                }
                answer(&mut stream);
            }
        });
        Self { address, heads }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The head of the next request: the request line and the header lines.
    pub(crate) fn head(&self) -> Vec<String> {
        self.heads.recv_timeout(LIMIT).unwrap()
    }

    /// The head of a request, if one has come.
    pub(crate) fn try_head(&self) -> Option<Vec<String>> {
        self.heads.try_recv().ok()
    }

    /// The values of a header of the next request.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        values(&self.head(), name)
    }
}

/// The values of a header.
pub(crate) fn values(head: &[String], name: &str) -> Vec<String> {
    let value = |line: &String| {
        let (key, value) = line.split_once(": ")?;
        (key == name).then(|| value.to_owned())
    };
    head.iter().filter_map(value).collect()
}
