//! The fault proxy does what tests believe it does; here before Redis.

use std::time::Duration;

use testing::{Proxy, rig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("a connection")
}

/// Asks Redis; nothing if the connection ended.
async fn ask(stream: &mut TcpStream, command: &str) -> Option<String> {
    stream.write_all(format!("{command}\r\n").as_bytes()).await.ok()?;
    let mut buffer = [0; 256];
    let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
    Some(String::from_utf8_lossy(&buffer[..length]).trim().to_owned())
}

#[tokio::test]
async fn it_counts_passes_on_cuts_and_refuses() {
    let proxy = Proxy::before(rig().state.redis.port, 0).await;
    let mut stream = connect(&proxy).await;
    for trips in 1..=5 {
        assert_eq!(ask(&mut stream, "PING").await.as_deref(), Some("+PONG"));
        assert_eq!(proxy.round_trips(), trips);
    }
    proxy.cut();
    assert_eq!(ask(&mut stream, "PING").await, None);
    let mut stream = connect(&proxy).await;
    assert_eq!(ask(&mut stream, "PING").await.as_deref(), Some("+PONG"));
    proxy.refuse(true);
    assert_eq!(ask(&mut stream, "PING").await, None);
    assert_eq!(ask(&mut connect(&proxy).await, "PING").await, None);
    proxy.refuse(false);
    assert_eq!(ask(&mut connect(&proxy).await, "PING").await.as_deref(), Some("+PONG"));
}

#[tokio::test]
async fn it_drops_an_answer_after_the_request_went_through() {
    let proxy = Proxy::before(rig().state.redis.port, 0).await;
    let key = format!("proxy:{}", clock::Clock::system().new_id());
    proxy.drop_next_answers(1);
    assert_eq!(ask(&mut connect(&proxy).await, &format!("INCR {key}")).await, None);
    assert_eq!(proxy.dropped(), 1);
    let counted = ask(&mut connect(&proxy).await, &format!("INCR {key}")).await;
    assert_eq!(counted.as_deref(), Some(":2"), "the first one did go through");
}

#[tokio::test]
async fn it_holds_answers_back() {
    let proxy = Proxy::before(rig().state.redis.port, 0).await;
    let mut stream = connect(&proxy).await;
    proxy.delay(Duration::from_hours(1));
    let held = timeout(Duration::from_millis(300), ask(&mut stream, "PING")).await;
    assert!(held.is_err(), "{held:?}");
}
