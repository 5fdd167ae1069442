//! Free ports.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use crate::Error;

/// Below the range from which Linux takes the local ports of outgoing connections (32768 and up):
/// there, any connection could take a port between our choice and the service's start, or while
/// a stopped service is to come back on the same port.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Each process starts at another place, and within a process no port is given out twice soon.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let mut random = [0; 2];
    // Without random numbers all start at the same place, and take the next free one from there.
    let _ = aws_lc_rs::rand::fill(&mut random);
    AtomicU16::new(u16::from_le_bytes(random))
});

/// The ports of one set of services, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Postgres itself.
    pub postgres: u16,
    /// The pooler in front of Postgres.
    pub pgbouncer: u16,
    /// Redis.
    pub redis: u16,
    /// LocalStack's gateway.
    pub localstack: u16,
}

impl Ports {
    /// Four ports that nobody uses.
    pub fn free() -> Result<Self, Error> {
        Ok(Self {
            postgres: free_port()?,
            pgbouncer: free_port()?,
            redis: free_port()?,
            localstack: free_port()?,
        })
    }
}

/// One port that nobody uses.
pub fn free_port() -> Result<u16, Error> {
    for _ in 0..COUNT {
        let port = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::NoFreePort { from: FIRST, to: FIRST + COUNT - 1 })
}

fn is_free(port: u16) -> bool {
    let try_out = || {
        let socket =
            socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // It does not listen, and lets others share: until a program starts it holds a copy of all
        // that was open when it was forked, and a copy of this must not take the port.
        set_socket_reuseaddr(&socket, true)?;
        // All addresses, because a service on 0.0.0.0 has the port on 127.0.0.1, too.
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))
    };
    try_out().is_ok()
}

/// Says clearly that a port is taken, which services themselves say in many ways.
pub fn require_free(name: &'static str, port: u16) -> Result<(), Error> {
    if is_free(port) { Ok(()) } else { Err(Error::PortTaken { name, port }) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn ports_are_different_and_below_the_ephemeral_range() {
        let ports = Ports::free().unwrap();
        let mut all = [ports.postgres, ports.pgbouncer, ports.redis, ports.localstack];
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(all.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)));
    }

    #[test]
    fn a_taken_port_is_refused_by_name() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = require_free("redis", port).unwrap_err();
        assert!(error.to_string().starts_with(&format!("port {port} for redis is taken")));
    }

    #[test]
    fn a_port_stays_free_while_programs_start() {
        let programs = thread::spawn(|| {
            for _ in 0..300 {
                Command::new("true").status().unwrap();
            }
        });
        while !programs.is_finished() {
            require_free("redis", free_port().unwrap()).unwrap();
        }
        programs.join().unwrap();
    }
}
