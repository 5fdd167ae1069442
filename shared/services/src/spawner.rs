//! All children are started by one thread that lives as long as this process.
//!
//! A child asks the kernel for a signal when its parent dies, so that nothing survives even a
//! SIGKILL of this process. But the kernel means the parent *thread*: a child started by a test or
//! by a short-lived thread would be killed as soon as that thread is done.

use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::Error;

struct Job {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

static THREAD: LazyLock<Sender<Job>> = LazyLock::new(|| {
    let (jobs, queue) = channel::<Job>();
    thread::spawn(move || {
        for mut job in queue {
            // Nobody waits for the answer any more: then the child must not run on.
            if let Err(unwanted) = job.answer.send(job.command.spawn())
                && let Ok(mut child) = unwanted.0
            {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    });
    jobs
});

/// Starts a command from the thread that outlives all others.
pub fn spawn(command: Command) -> io::Result<Child> {
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (answer, child) = channel();
    THREAD.send(Job { command, answer }).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

/// Runs a command to its end and takes what it writes.
pub(crate) fn run(mut command: Command, name: &'static str) -> Result<Output, Error> {
    command.stdout(Stdio::piped());
    spawn(command)
        .and_then(Child::wait_with_output)
        .map_err(|source| Error::Spawn { name: name.to_owned(), source })
}
