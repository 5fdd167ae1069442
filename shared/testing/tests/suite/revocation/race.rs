//! Requests that race a logout: none of them has Redis vouch for a token that was logged out.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::time::Duration;

use domain::Role;
use futures_util::future::{join, join_all};
use testing::{Caller, Fleet, Random, TestApp};

use super::everywhere::logout_of;
use crate::redis_faults::breakable::{BreakableRedis, setup};
use crate::support::say;

const FUNCTIONS: [(&str, &str); 3] = [
    ("me-get", "/v1/me"),
    ("tasks-list", "/v1/tasks"),
    ("tasks-get", "/v1/tasks/0197a1b2-0000-7000-8000-000000000001"),
];
const PROCESSES: usize = 2;
const TRIES: usize = 8;
/// How many users are at it at the same time.
const LANES: usize = 2;
const LOGOUTS: usize = 1000;
/// On a slow machine there are fewer.
const TIME: Duration = Duration::from_secs(20);

struct Race<'a> {
    app: &'a TestApp,
    fleets: Vec<(&'static str, Fleet)>,
    gone: RefCell<Vec<Caller<'a>>>,
    requests: Cell<usize>,
    /// How long requests take, in microseconds.
    usual: Cell<u64>,
    /// How many requests were let in, of those that began before the logout was over.
    in_time: Cell<usize>,
    found: RefCell<Vec<String>>,
}

impl<'a> Race<'a> {
    async fn of(app: &'a TestApp) -> Self {
        let mut fleets = Vec::new();
        for (function, path) in FUNCTIONS {
            fleets.push((path, Fleet::start(function, &app.env_of(function), PROCESSES)));
        }
        let race = Self {
            app,
            fleets,
            gone: RefCell::default(),
            requests: Cell::new(0),
            usual: Cell::new(5000),
            in_time: Cell::new(0),
            found: RefCell::default(),
        };
        let first = app.caller(Role::User);
        for index in 0..FUNCTIONS.len() * 4 {
            race.ask(&first, index).await;
        }
        // Connections are made before, so that none is waited for.
        let strangers: Vec<_> = (0..LANES).map(|_| app.caller(Role::User)).collect();
        join_all(strangers.iter().map(|caller| race.log_out(caller))).await;
        race
    }

    /// What one function answers.
    async fn ask(&self, caller: &Caller<'_>, index: usize) -> (u16, Option<String>) {
        self.requests.set(self.requests.get() + 1);
        let (path, fleet) = &self.fleets[index % FUNCTIONS.len()];
        let mut reply = fleet.answer(&caller.get(path).event).await.expect("an answer");
        for _ in 1..TRIES {
            // On a busy machine.
            if reply.code().as_deref() != Some("database-unavailable") {
                break;
            }
            reply = fleet.answer(&caller.get(path).event).await.expect("an answer");
        }
        (reply.status(), reply.code())
    }

    /// The issuer tells that somebody has signed out. It does so until it is told that it was heard, with
    /// another token each time: nobody knows whether the first one was used.
    async fn log_out(&self, caller: &Caller<'_>) {
        for _ in 0..TRIES {
            let reply = logout_of(self.app, caller.person()).send().await;
            if reply.code().as_deref() != Some("database-unavailable") {
                reply.expect(200);
                return;
            }
        }
        panic!("the logout is not heard");
    }

    /// Asks some functions: nobody is to be let in.
    async fn is_out(&self, caller: &Caller<'_>, functions: Range<usize>, when: &str) {
        let all = join_all(functions.map(|index| self.ask(caller, index))).await;
        for (status, code) in all {
            if code.as_deref() != Some("token-revoked") {
                self.found.borrow_mut().push(format!("{status} {code:?} {when}"));
            }
        }
    }

    /// Somebody comes, for the first time or not, and is logged out at the same time.
    async fn round(&self, random: &mut Random) {
        let caller = self.app.caller(Role::User);
        if random.percent(30) {
            self.ask(&caller, random.index(3)).await;
        }
        let one = random.index(FUNCTIONS.len());
        // At any time while the requests are under way.
        let wait = Duration::from_micros(random.below(self.usual.get()));
        let requests = async {
            let watch = self.app.clock.stopwatch();
            let early = join_all((0..FUNCTIONS.len()).map(|index| self.ask(&caller, index))).await;
            let took = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.usual.set(1 + (self.usual.get() * 7 + took.min(1_000_000)) / 8);
            early
        };
        let ((), early) = join(
            async {
                tokio::time::sleep(wait).await;
                self.log_out(&caller).await;
                self.is_out(&caller, one..one + 1, "after the logout").await;
            },
            requests,
        )
        .await;
        for (status, code) in early {
            if status >= 500 {
                self.found.borrow_mut().push(format!("{status} {code:?}"));
            }
            self.in_time.set(self.in_time.get() + usize::from(status != 401));
        }
        self.is_out(&caller, 0..FUNCTIONS.len(), "after all").await;
        self.gone.borrow_mut().push(caller);
    }

    /// Rounds until there are so many, or the time is over, or `enough` says so.
    async fn run(&self, logouts: usize, enough: impl Fn(&Self) -> bool) {
        let watch = self.app.clock.stopwatch();
        let lanes = (0..LANES).map(async |lane| {
            let mut random = Random::seeded(24 + lane as u64);
            while self.gone.borrow().len() < logouts && watch.elapsed() < TIME && !enough(self) {
                self.round(&mut random).await;
            }
        });
        join_all(lanes).await;
    }

    fn tell(&self) {
        let (gone, found) = (self.gone.borrow().len(), self.found.borrow());
        say(&format!(
            "X24: {gone} logouts, {} requests, of which {} were let in before, wrong {}: {:?}",
            self.requests.get(),
            self.in_time.get(),
            found.len(),
            found.first()
        ));
    }
}

#[tokio::test]
async fn no_request_that_races_a_logout_revives_the_token() {
    let redis = BreakableRedis::start("revocation-race");
    let app = TestApp::with(setup(redis.port(), "5000")).await;
    let race = Race::of(&app).await;
    race.run(LOGOUTS, |_| false).await;
    // Much later, too.
    let gone = race.gone.borrow().clone();
    for some in gone.chunks(LANES) {
        let later = some.iter().enumerate();
        join_all(later.map(|(at, caller)| race.is_out(caller, at..at + 1, "much later"))).await;
    }
    race.tell();
    assert_eq!(race.found.take(), Vec::<String>::new());
    assert!(race.in_time.get() > 0, "nobody was let in before: the test shows nothing");
}

/// Known bad: what Postgres said before the logout is kept after it.
#[tokio::test]
async fn the_race_finds_the_standing_that_is_kept_without_its_epoch() {
    let redis = BreakableRedis::start("revocation-hasty");
    let mut setup = setup(redis.port(), "5000");
    setup.env.push(("REDIS_KNOWN_BAD", "hasty-standing".to_owned()));
    let app = TestApp::with(setup).await;
    let race = Race::of(&app).await;
    race.run(LOGOUTS, |race| !race.found.borrow().is_empty()).await;
    race.tell();
    assert!(!race.found.take().is_empty(), "the known bad form was not found out");
}
