//! A mail server that fails, and one that refuses.

use aws_config::BehaviorVersion;
use aws_sdk_secretsmanager::Client;
use mailbox::{Behaviour, Failure, Step};
use serde_json::json;
use testing::anything_holds;

use super::house::{House, mails, task_for};

const CREATED: &str = "New Task Created | Review and Take Action";

fn refusal(at: Step, code: u16, times: Option<u32>, to: &str) -> Behaviour {
    let fail = Failure { at, code, times, recipient: Some(format!("{to}@example.com")) };
    Behaviour { fail: Some(fail), ..Behaviour::default() }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    for at in [Step::Rcpt, Step::Data] {
        let task = ann.create(&task_for(&bob)).await;
        let event = house.last(&task).await;
        house.mailbox.set_behaviour(refusal(at, 451, Some(2), "bob")).unwrap();
        assert!(!house.tell(&event).await);
        assert_eq!(house.arrived(), mails(&[("ann", CREATED)]), "bob's does not keep hers back");
        let (state, why, attempts) = house.delivery(&event, bob.id()).await;
        assert_eq!((state.as_str(), attempts), ("sending", 1));
        assert!(why.contains("451") && !why.contains('@'), "{why}");
        // Nobody holds it: the next attempt need not wait for the lease.
        assert!(!house.tell(&event).await);
        house.must_tell(&event).await;
        assert_eq!(house.arrived(), mails(&[("bob", CREATED)]));
        assert_eq!(house.delivery(&event, bob.id()).await, ("sent".into(), String::new(), 3));
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    for (at, code) in [(Step::Rcpt, 550), (Step::Data, 554)] {
        let task = ann.create(&task_for(&bob)).await;
        let event = house.last(&task).await;
        house.mailbox.set_behaviour(refusal(at, code, None, "bob")).unwrap();
        assert!(house.tell(&event).await, "there is nothing to come back for");
        house.mailbox.reset_behaviour();
        house.must_tell(&event).await;
        assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
        let (state, why, _) = house.delivery(&event, bob.id()).await;
        assert_eq!(state, "failed");
        assert!(why.contains(&code.to_string()) && !why.contains('@'), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_loses_nothing() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    let fail = Failure { at: Step::Connect, code: 421, times: None, recipient: None };
    house.mailbox.set_behaviour(Behaviour { fail: Some(fail), ..Behaviour::default() }).unwrap();
    assert!(!house.tell(&event).await && !house.tell(&event).await);
    house.mailbox.reset_behaviour();
    house.must_tell(&event).await;
    assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
}

/// The server had it, and we could not know.
#[tokio::test]
async fn a_mail_without_an_answer_is_sent_again_with_the_same_id() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    let drops = Behaviour { drop_after_data: true, ..Behaviour::default() };
    house.mailbox.set_behaviour(drops).unwrap();
    assert!(!house.tell(&event).await);
    house.mailbox.reset_behaviour();
    assert!(house.tell(&event).await && house.tell(&event).await);
    let ids: Vec<_> = house.mailbox.mails().iter().map(|mail| mail.message_id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn nothing_is_sent_that_could_not_be_claimed() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    house.app.db.run("REVOKE EXECUTE ON FUNCTION api.claim_mails_v1 FROM worker").await;
    assert!(!house.tell(&event).await);
    assert_eq!(house.arrived(), []);
    house.app.db.run("GRANT EXECUTE ON FUNCTION api.claim_mails_v1 TO worker").await;
    house.must_tell(&event).await;
    assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
}

#[tokio::test]
async fn nobody_reads_of_a_mail_in_the_log() {
    let house = House::open().await;
    let ann = house.person("ann-of-the-log").await;
    let title = "a title that stays out of the log";
    let task = ann.create(&json!({"title": title})).await;
    let event = house.last(&task).await;
    let refused = refusal(Step::Rcpt, 550, None, "ann-of-the-log");
    house.mailbox.set_behaviour(refused).unwrap();
    house.must_tell(&event).await;
    assert!(!anything_holds(title) && !anything_holds("ann-of-the-log@"));
}

#[tokio::test]
async fn a_rotated_password_is_read_anew_and_needs_no_restart() {
    let secrets = Client::new(&aws_config::defaults(BehaviorVersion::latest()).load().await);
    let value = |password: &str| json!({"username": "mailer", "password": password}).to_string();
    let name = format!("smtp-{}", clock::Clock::system().new_id());
    let made = secrets.create_secret().name(name).secret_string(value("old")).send().await;
    let arn = made.expect("a secret").arn.expect("its ARN");
    let house = House::with(("SMTP_CREDENTIALS_ARN", arn.clone())).await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    assert!(!house.tell(&event).await, "the server wants another password");
    let put = secrets.put_secret_value().secret_id(&arn).secret_string(value("secret"));
    put.send().await.expect("a new value");
    assert!(house.tell(&event).await, "the old one is in the cache, and is not used");
    assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
}
