//! A TCP proxy that counts and spoils.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify};

use crate::random::Random;

/// Stands before a server on this machine. Works below TLS: it sees when bytes flow, not what they say.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: u16,
    /// Until a connection has had so many turns it is still shaking hands: its answers are not dropped.
    handshake: u64,
    refusing: AtomicBool,
    delay_ms: AtomicU64,
    /// The longest time that what passes is held back by chance, either way.
    jitter_us: AtomicU64,
    /// In how many of a hundred cases a request is lost on its way.
    losing: AtomicU32,
    lost: AtomicU64,
    /// In how many of a hundred cases an answer is dropped.
    dropping: AtomicU32,
    /// How many answers are dropped for certain.
    drop_next: AtomicU32,
    dropped: AtomicU64,
    connections: AtomicU64,
    round_trips: AtomicU64,
    random: Mutex<Random>,
    cut: Notify,
}

impl Proxy {
    /// A proxy before Postgres or its pooler, whose connections begin with TLS and SCRAM.
    pub async fn to(server: u16) -> Self {
        Self::before(server, 7).await
    }

    /// A proxy before any server on this port; the first `handshake` turns of a connection are left
    /// alone by `drop_answers`.
    pub async fn before(server: u16, handshake: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            handshake,
            refusing: AtomicBool::new(false),
            delay_ms: AtomicU64::new(0),
            jitter_us: AtomicU64::new(0),
            losing: AtomicU32::new(0),
            lost: AtomicU64::new(0),
            dropping: AtomicU32::new(0),
            drop_next: AtomicU32::new(0),
            dropped: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            round_trips: AtomicU64::new(0),
            random: Mutex::new(Random::seeded(u64::from(port))),
            cut: Notify::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared }
    }

    /// Where to connect instead.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Closes new connections at once, or stops doing so. Cuts those that are open.
    pub fn refuse(&self, on: bool) {
        self.shared.refusing.store(on, Ordering::SeqCst);
        self.cut();
    }

    /// Cuts every open connection.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Holds every answer back for so long.
    pub fn delay(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.shared.delay_ms.store(ms, Ordering::SeqCst);
    }

    /// Holds back each request and each answer for a time by chance, up to this. Most are short, as on a
    /// network; now and then one is long.
    pub fn jitter(&self, most: Duration) {
        let us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        self.shared.jitter_us.store(us, Ordering::SeqCst);
    }

    /// Loses so many of a hundred requests, with the connection: the server never hears of them.
    pub fn lose_requests(&self, percent: u32) {
        self.shared.losing.store(percent, Ordering::SeqCst);
    }

    /// How many requests were lost.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// Lets so many of a hundred requests through but drops their answers, with the connection.
    pub fn drop_answers(&self, percent: u32) {
        self.shared.dropping.store(percent, Ordering::SeqCst);
    }

    /// Does that with the next `count` requests for certain.
    pub fn drop_next_answers(&self, count: u32) {
        self.shared.drop_next.store(count, Ordering::SeqCst);
    }

    /// How many answers were dropped.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How often the client spoke and had to wait for the server, on all connections together.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if shared.refusing.load(Ordering::SeqCst) {
            continue;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(pass(client, Arc::clone(&shared)));
    }
}

/// One connection, until either side or a fault ends it.
async fn pass(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let turns = Turns::default();
    tokio::select! {
        () = requests(from_client, to_server, &shared, &turns) => {}
        () = answers(from_server, to_client, &shared, &turns) => {}
        () = shared.cut.notified() => {}
    }
}

/// The turns of one connection.
#[derive(Default)]
struct Turns {
    count: AtomicU64,
    waiting: AtomicBool,
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, turns: &Turns) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !turns.waiting.swap(true, Ordering::SeqCst) {
            let turn = turns.count.fetch_add(1, Ordering::SeqCst);
            shared.round_trips.fetch_add(1, Ordering::SeqCst);
            if turn >= shared.handshake && shared.chance(&shared.losing).await {
                shared.lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        shared.dawdle().await;
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, turns: &Turns) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let answers_request = turns.waiting.swap(false, Ordering::SeqCst);
        let shaken = turns.count.load(Ordering::SeqCst) > shared.handshake;
        if answers_request && shaken && shared.drops().await {
            shared.dropped.fetch_add(1, Ordering::SeqCst);
            break;
        }
        let delay = shared.delay_ms.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        shared.dawdle().await;
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
}

impl Shared {
    async fn drops(&self) -> bool {
        let take = |n: u32| n.checked_sub(1);
        if self.drop_next.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return true;
        }
        self.chance(&self.dropping).await
    }

    /// True in so many of a hundred cases.
    async fn chance(&self, percent: &AtomicU32) -> bool {
        let percent = percent.load(Ordering::SeqCst);
        percent > 0 && self.random.lock().await.percent(u64::from(percent))
    }

    /// Waits for a time by chance. Half of such times are shorter than a quarter of the longest.
    async fn dawdle(&self) {
        const SCALE: u64 = 1000;
        let most = self.jitter_us.load(Ordering::SeqCst);
        if most > 0 {
            let part = self.random.lock().await.below(SCALE);
            let time = most * part / SCALE * part / SCALE;
            tokio::time::sleep(Duration::from_micros(time)).await;
        }
    }
}
