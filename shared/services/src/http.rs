//! As much HTTP as asking LocalStack needs.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// LocalStack loads a service at its first call, which takes seconds on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// One request on one connection to 127.0.0.1. HTTP/1.0, so that the answer ends with the
/// connection and is never chunked.
pub(crate) fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Response> {
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (headers, length) = (headers.concat(), body.len());
    let text = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let answer = exchange(port, text.as_bytes(), usize::MAX)?;
    parse(&String::from_utf8_lossy(&answer))
}

/// Sends bytes and reads at most `most` bytes of the answer.
pub(crate) fn exchange(port: u16, bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.take(most as u64).read_to_end(&mut answer)?;
    Ok(answer)
}

fn parse(answer: &str) -> io::Result<Response> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP response");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(invalid)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(invalid)?;
    Ok(Response { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_status_and_body_apart() {
        let parsed = parse("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(parsed, Response { status: 400, body: "{\"a\":1}".into() });
        assert!(parse("+PONG\r\n").is_err());
    }
}
