//! What Redis remembers of how a user stands, and what it must not.

use cache::{Bearer, Epoch, Greeting, Stale, Standing, Told, Touch};
use domain::{AccountState, Role};

use super::place::Place;

fn active(not_before: i64, sessions: &[&str]) -> AccountState {
    let sessions = sessions.iter().map(|session| (*session).into()).collect();
    AccountState { active: true, not_before, sessions }
}

impl Place {
    async fn greet(&self, issued_at: i64, session: Option<&str>) -> Greeting {
        let bearer = Bearer { user: self.user, session, issued_at };
        let [process, ..] = self.processes();
        process.cache.greet(bearer, &[Role::User], None, &Touch::Nothing).await.0
    }

    async fn stands(&self, issued_at: i64, session: Option<&str>) -> Standing {
        self.greet(issued_at, session).await.standing
    }

    async fn epoch(&self) -> Epoch {
        match self.stands(1_000, Some("a")).await {
            Standing::Unknown(Some(epoch)) => epoch,
            other => panic!("no epoch, but {other:?}"),
        }
    }

    async fn remember(&self, epoch: &Epoch, state: AccountState) {
        let told = Told { user: self.user, epoch: epoch.clone(), state };
        self.processes()[1].cache.keep(Some(&told), None).await;
    }

    async fn judge_anew(&self) {
        let stale = Stale { standings: vec![self.user], ..Stale::default() };
        assert!(self.processes()[2].cache.drop(&[stale]).await);
    }
}

#[tokio::test]
async fn what_the_database_said_is_remembered() {
    let place = Place::new().await;
    let epoch = place.epoch().await;
    assert_eq!(place.epoch().await, epoch, "the same, until something changes");
    place.remember(&epoch, active(0, &[])).await;
    assert_eq!(place.stands(1_000, Some("a")).await, Standing::Good);
    assert_eq!(place.stands(1_000, None).await, Standing::Good);
}

#[tokio::test]
async fn an_answer_from_before_a_change_is_not_remembered_after_it() {
    let place = Place::new().await;
    let before = place.epoch().await;
    place.judge_anew().await;
    place.remember(&before, active(0, &[])).await;
    assert_ne!(place.epoch().await, before);
    // Nor if Redis has lost what it knew.
    let before = place.epoch().await;
    place.forget(&place.of_user("re")).await;
    place.remember(&before, active(0, &[])).await;
    assert!(matches!(place.stands(1_000, None).await, Standing::Unknown(Some(_))));
    let before = place.epoch().await;
    place.redis.server.flush().expect("Redis is emptied");
    place.remember(&before, active(0, &[])).await;
    assert!(matches!(place.stands(1_000, None).await, Standing::Unknown(Some(_))));
}

#[tokio::test]
async fn what_is_remembered_is_forgotten_by_a_change_and_by_an_event() {
    let place = Place::new().await;
    place.remember(&place.epoch().await, active(0, &[])).await;
    place.judge_anew().await;
    let epoch = place.epoch().await;
    place.remember(&epoch, active(0, &[])).await;
    assert_eq!(place.stands(1_000, None).await, Standing::Good);
    let mut written = cache::Written::default();
    written.judged.push(place.user);
    place.processes()[0].cache.lift(None, &written, None).await;
    assert_ne!(place.epoch().await, epoch);
}

#[tokio::test]
async fn sessions_and_moments_are_told_apart() {
    let place = Place::new().await;
    place.remember(&place.epoch().await, active(500, &["abc", "x-1"])).await;
    for (issued_at, session, standing) in [
        (501, Some("ab"), Standing::Good),
        (501, Some("abcd"), Standing::Good),
        (501, Some("bc"), Standing::Good),
        // Not a pattern.
        (501, Some("..."), Standing::Good),
        (501, None, Standing::Good),
        (501, Some("abc"), Standing::Revoked),
        (501, Some("x-1"), Standing::Revoked),
        (500, Some("new"), Standing::Revoked),
        (499, None, Standing::Revoked),
    ] {
        assert_eq!(place.stands(issued_at, session).await, standing, "{issued_at} {session:?}");
    }
}

#[tokio::test]
async fn who_was_logged_out_and_deactivated_is_told_of_the_first() {
    let place = Place::new().await;
    let state = AccountState { active: false, ..active(500, &["abc"]) };
    place.remember(&place.epoch().await, state).await;
    assert_eq!(place.stands(501, Some("new")).await, Standing::Disabled);
    assert_eq!(place.stands(501, Some("abc")).await, Standing::Revoked);
    assert_eq!(place.stands(500, Some("new")).await, Standing::Revoked);
}

#[tokio::test]
async fn who_is_refused_anyway_is_not_counted() {
    let place = Place::new().await;
    let epoch = place.epoch().await;
    place.remember(&epoch, AccountState { active: false, ..active(500, &[]) }).await;
    let meter = place.of_user("rl");
    place.forget(&meter).await;
    for issued_at in [500, 501] {
        assert_eq!(place.greet(issued_at, None).await.limits, []);
    }
    assert_eq!(place.redis.ask::<i64>(&["EXISTS", &meter]).await, 0);
    place.judge_anew().await;
    assert!(place.greet(501, None).await.limits.len() == 1);
    assert_eq!(place.redis.ask::<i64>(&["EXISTS", &meter]).await, 1);
}

#[tokio::test]
async fn a_text_that_is_none_of_ours_is_not_believed() {
    let place = Place::new().await;
    let standing = place.of_user("rv");
    for text in ["", "active", "active x ", "good 0 ", "active 0", "{}", "active -1 "] {
        place.redis.ask::<String>(&["SET", &standing, text, "EX", "60"]).await;
        let stands = place.stands(1_000, Some("a")).await;
        assert!(matches!(stands, Standing::Unknown(Some(_))), "{text}: {stands:?}");
    }
}
