//! The program `queues`: the verbs behind `make queues`, `make dlq` and `make redrive`.

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use domain::event::Queue;
use queue::desk::{Count, Desk, DeskError, Letter, Place};

const USAGE: &str = "\
usage:
  queues [--aws] list                             what waits in each queue and in its dead letters
  queues [--aws] look QUEUE [MAX] [--verbose]     dead letters of a queue; --verbose shows all of each
  queues [--aws] redrive QUEUE                    sends the dead letters of a queue back to it
Without --aws: the local cloud of this checkout.";

/// What the local cloud leaves while it runs.
const NOTE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.local/cloud.json");
/// Where the events of jobs go whose runs failed: dead letters of no queue.
const FAILED_JOBS: &str = "maintenance-failures";
/// So many letters are looked at if nothing else is said.
const MOST: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<&str>, Vec<&str>) =
        words.iter().map(String::as_str).partition(|word| word.starts_with("--"));
    let has = |option: &str| options.contains(&option);
    if options.iter().any(|option| !["--aws", "--verbose"].contains(option)) {
        return usage();
    }
    let verb = match Verb::of(&words, has("--verbose")) {
        Ok(Some(verb)) => verb,
        Ok(None) => return usage(),
        Err(why) => return failed(&why),
    };
    let place = if has("--aws") { Ok(Place::Aws) } else { Place::local(Path::new(NOTE)).await };
    let place = match place {
        Ok(place) => place,
        Err(why) => return failed(&why),
    };
    let desk = Desk::new(place.client().await);
    let outcome = match verb {
        Verb::List => list(&desk).await,
        Verb::Look { letters, most, verbose } => look(&desk, &letters, most, verbose).await,
        Verb::Redrive(queue) => redrive(&desk, queue).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(DeskError::Unreachable(_)) if place != Place::Aws => {
            failed("the local cloud does not answer: `make up` starts it")
        }
        Err(error) => failed(&error.to_string()),
    }
}

/// What is to be done.
enum Verb {
    List,
    Look { letters: String, most: usize, verbose: bool },
    Redrive(Queue),
}

impl Verb {
    /// None if the words make no sense.
    fn of(words: &[&str], verbose: bool) -> Result<Option<Self>, String> {
        Ok(Some(match *words {
            ["list"] => Self::List,
            ["look", queue] => Self::Look { letters: letters_of(queue)?, most: MOST, verbose },
            ["look", queue, most] => {
                let letters = letters_of(queue)?;
                let most = most.parse().map_err(|_| format!("MAX is no number: {most}"))?;
                Self::Look { letters, most, verbose }
            }
            ["redrive", FAILED_JOBS] => {
                return Err(format!(
                    "{FAILED_JOBS} has no queue to go back to: look at it, and run the job again with \
                     `make trigger FN=maintenance RULE=…`"
                ));
            }
            ["redrive", queue] => Self::Redrive(known(queue)?),
            _ => return Ok(None),
        }))
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "queues: {why}");
    ExitCode::FAILURE
}

fn usage() -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{USAGE}");
    ExitCode::from(2)
}

/// The queue of that name; that of its dead letters will do.
fn known(name: &str) -> Result<Queue, String> {
    Queue::named(name.trim_end_matches("-dlq")).ok_or_else(|| {
        let names = Queue::ALL.map(Queue::name).join(", ");
        if name.is_empty() {
            format!("QUEUE is missing; it is one of {names}")
        } else {
            format!("there is no queue `{name}`; there are {names}")
        }
    })
}

/// The queue that holds the dead letters.
fn letters_of(name: &str) -> Result<String, String> {
    if name == FAILED_JOBS {
        return Ok(FAILED_JOBS.to_owned());
    }
    known(name).map(dead)
}

fn dead(queue: Queue) -> String {
    format!("{}-dlq", queue.name())
}

async fn list(desk: &Desk) -> Result<(), DeskError> {
    let row = |name: &str, cells: [String; 5]| {
        let [visible, in_flight, delayed, oldest, dead] = cells;
        say(format_args!("{name:<21}{visible:>8}{in_flight:>11}{delayed:>9}{oldest:>8}{dead:>14}"));
    };
    let heads = ["visible", "in flight", "delayed", "oldest", "dead letters"];
    row("queue", heads.map(str::to_owned));
    let none = || "-".to_owned();
    for queue in Queue::ALL {
        let Count { visible, in_flight, delayed } = desk.count(queue.name()).await?;
        let letters = all(desk.count(&dead(queue)).await?);
        let cells =
            [visible.to_string(), in_flight.to_string(), delayed.to_string(), none(), letters];
        row(queue.name(), cells);
    }
    let letters = all(desk.count(FAILED_JOBS).await?);
    row(FAILED_JOBS, [none(), none(), none(), none(), letters]);
    say(
        "SQS itself tells nobody how old the oldest is; on AWS the metric ApproximateAgeOfOldestMessage does.",
    );
    Ok(())
}

fn all(count: Count) -> String {
    (count.visible + count.in_flight + count.delayed).to_string()
}

async fn look(desk: &Desk, name: &str, most: usize, verbose: bool) -> Result<(), DeskError> {
    let letters = desk.look(name, most).await?;
    for letter in &letters {
        show(letter, verbose);
    }
    match letters.len() {
        0 => say(format_args!("{name} is empty, or somebody else is looking at it.")),
        _ => say(format_args!(
            "They stay in {name}, visible as before; SQS counts this look as a receive. A look that is broken \
             off hides them for half a minute."
        )),
    }
    Ok(())
}

fn show(letter: &Letter, verbose: bool) {
    let or = |text: &Option<String>| plain(text.as_deref().unwrap_or("-"));
    say(format_args!("message   {}", plain(&letter.id)));
    say(format_args!(
        "  reason  {}",
        letter.reason.as_deref().map_or_else(
            || "none was said: it was received too often (its worker was killed, or took too long)"
                .into(),
            plain
        )
    ));
    say(format_args!("  event   {} {}", or(&letter.event), or(&letter.event_id)));
    say(format_args!("  task    {}", or(&letter.task)));
    say(format_args!("  request {}", or(&letter.request)));
    let received = letter.received.map_or_else(|| "-".to_owned(), |count| count.to_string());
    say(format_args!("  sent    {}, received {received} times", or(&letter.sent_at)));
    if verbose {
        say(format_args!("  body    {}", plain(&letter.body)));
    }
}

async fn redrive(desk: &Desk, queue: Queue) -> Result<(), DeskError> {
    let (name, dead) = (queue.name(), dead(queue));
    say(format_args!("{dead} → {name}. (Ctrl-C ends only the watching.)"));
    let mut last = None;
    let moved = desk.redrive(name, &dead, |progress| {
        if last.replace(progress) != Some(progress) {
            say(format_args!("  {} of {}", progress.moved, progress.of));
        }
    });
    let moved = moved.await?;
    match moved.left {
        0 => say(format_args!("{} went back to {name}; no dead letters are left.", moved.moved)),
        left => say(format_args!(
            "{} went back to {name}; {left} are left: they came meanwhile, or somebody is looking at them. \
             Look (`make dlq QUEUE={name}`), and redrive again.",
            moved.moved
        )),
    }
    Ok(())
}

/// Without what a terminal might obey.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn say(words: impl Display) {
    let _ = writeln!(std::io::stdout(), "{words}");
}
