//! An event that comes more than once makes one mail for each reader.

use futures_util::future::join_all;
use mailbox::{Behaviour, Step};

use super::house::{House, WORKER, mails, task_for};

const CREATED: &str = "New Task Created | Review and Take Action";

#[tokio::test]
async fn six_workers_send_one_mail_to_each() {
    let house = House::open().await;
    let (ann, bob) = (house.person("ann").await, house.person("bob").await);
    let mut events = Vec::new();
    for _ in 0..5 {
        let task = ann.create(&task_for(&bob)).await;
        events.push(house.last(&task).await);
    }
    // Each batch has each event twice, in another order each time.
    let batches = (0..6).map(|turn| {
        let mut batch = [events.clone(), events.clone()].concat();
        batch.rotate_left(turn);
        let house = &house;
        async move { house.app.work(WORKER, &batch).await }
    });
    join_all(batches).await;
    assert!(house.app.work(WORKER, &events).await.is_empty(), "everything is sent");
    assert_eq!(house.arrived(), mails(&[[("ann", CREATED); 5], [("bob", CREATED); 5]].concat()));
}

#[tokio::test]
async fn who_sees_a_mail_being_sent_waits_for_it() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    let late = Behaviour { delay_ms: 600_000, delay_at: Step::Data, ..Behaviour::default() };
    house.mailbox.set_behaviour(late).unwrap();
    let second = async {
        house.something_arrives().await;
        let done = house.tell(&event).await;
        house.mailbox.reset_behaviour();
        done
    };
    let (first, second) = tokio::join!(house.tell(&event), second);
    assert!(first && !second, "the second is told to come again");
    house.must_tell(&event).await;
    assert_eq!(house.arrived(), mails(&[("ann", CREATED)]));
}

/// The only way to a second mail: it has the same Message-ID, so that mail programs show one.
#[tokio::test]
async fn a_worker_that_dies_before_it_says_so_costs_one_mail_more() {
    let house = House::open().await;
    let ann = house.person("ann").await;
    let task = ann.create(&task_for(&ann)).await;
    let event = house.last(&task).await;
    let late = Behaviour { delay_ms: 600_000, delay_at: Step::Data, ..Behaviour::default() };
    house.mailbox.set_behaviour(late).unwrap();
    tokio::select! {
        _ = house.tell(&event) => panic!("it waits for the answer"),
        () = house.something_arrives() => {}
    }
    house.mailbox.reset_behaviour();
    assert!(!house.tell(&event).await, "somebody may still be sending it");
    assert_eq!(house.mailbox.mails().len(), 1);
    let lapsed = "UPDATE app.deliveries SET lease_until = now() - interval '1 second'";
    house.app.db.run(lapsed).await;
    assert!(house.tell(&event).await && house.tell(&event).await);
    let ids: Vec<_> = house.mailbox.mails().iter().map(|mail| mail.message_id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(house.delivery(&event, ann.id()).await, ("sent".into(), String::new(), 2));
}
