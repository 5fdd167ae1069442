//! The connection, line by line.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::PATIENCE;

/// TCP, or TLS on it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a conversation ends without `QUIT`.
#[derive(Debug)]
pub(super) enum Gone {
    /// The other side closed the connection, or it broke.
    Closed,
    /// The other side let us wait.
    Silent,
}

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// How a line ended. Its bytes are in [`Lines::bytes`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// It was longer than allowed and was thrown away.
    pub(super) too_long: bool,
    /// It ended with CR LF, not with LF alone.
    pub(super) crlf: bool,
}

pub(super) struct Lines {
    stream: BufReader<Box<dyn Stream>>,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream: BufReader::new(stream), line: Vec::new() }
    }

    /// Reads up to the next LF, keeping at most `limit` bytes of it.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Line, Gone> {
        timeout(PATIENCE, self.read_line(limit)).await.map_err(|_| Gone::Silent)?
    }

    async fn read_line(&mut self, limit: usize) -> Result<Line, Gone> {
        self.line.clear();
        let mut too_long = false;
        let mut last = 0;
        loop {
            let buffer = self.stream.fill_buf().await?;
            if buffer.is_empty() {
                return Err(Gone::Closed);
            }
            let lf = buffer.iter().position(|&byte| byte == b'\n');
            let part = lf.map_or(buffer, |lf| buffer.split_at(lf + 1).0);
            too_long = too_long || self.line.len() + part.len() > limit;
            if !too_long {
                self.line.extend_from_slice(part);
            }
            let before_lf = part.len().checked_sub(2).and_then(|at| part.get(at)).copied();
            let crlf = before_lf.unwrap_or(last) == b'\r';
            last = part.last().copied().unwrap_or(last);
            let length = part.len();
            self.stream.consume(length);
            if lf.is_some() {
                return Ok(Line { too_long, crlf });
            }
        }
    }

    /// The last line, with its end.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// Sends a reply, which may have several lines with CR LF between them.
    pub(super) async fn reply(&mut self, reply: &str) -> Result<(), Gone> {
        let send = async {
            // In one piece: a second small segment would wait for the first one's confirmation.
            self.stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        Ok(timeout(PATIENCE, send).await.map_err(|_| Gone::Silent)??)
    }

    /// Goes on with TLS. What came before it in clear text and was not read is thrown away: anybody
    /// on the way could have put it there.
    pub(super) async fn upgrade(&mut self, acceptor: &TlsAcceptor) -> Result<(), Gone> {
        let nothing = BufReader::new(Box::new(tokio::io::empty()) as Box<dyn Stream>);
        // The buffer stays behind.
        let plain = std::mem::replace(&mut self.stream, nothing).into_inner();
        let secure =
            timeout(PATIENCE, acceptor.accept(plain)).await.map_err(|_| Gone::Silent)??;
        self.stream = BufReader::new(Box::new(secure));
        Ok(())
    }

    /// Ends the connection in order, so that the last reply is not lost.
    pub(super) async fn close(&mut self) {
        let _ = timeout(PATIENCE, self.stream.shutdown()).await;
    }
}
