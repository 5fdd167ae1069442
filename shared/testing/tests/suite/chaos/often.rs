//! Every message comes six times, in any order, to six workers at the same time.

use std::collections::BTreeSet;

use domain::Role;
use domain::event::Envelope;
use futures_util::future::join_all;
use testing::{Random, Scene};

use super::world::World;

const TIMES: usize = 6;

fn shuffled(events: &[Envelope], random: &mut Random) -> Vec<Envelope> {
    let mut events = events.to_vec();
    for index in (1..events.len()).rev() {
        events.swap(index, random.index(index + 1));
    }
    events
}

#[tokio::test]
async fn each_event_has_one_effect() {
    let world = World::open(Scene::default()).await;
    let alice = world.somebody(Role::User).await;
    world.stage.pause().await;
    world.stories(&alice, 8).await;
    let sql = "SELECT payload FROM app.outbox";
    let rows = world.app.db.rows(sql, &[]).await;
    let events: Vec<Envelope> =
        rows.iter().map(|row| serde_json::from_value(row.get(0)).expect("an event")).collect();
    let mut random = Random::seeded(u64::from(std::process::id()));
    for entry in catalog::workers() {
        let spec = entry.spec;
        let ours: Vec<Envelope> = events
            .iter()
            .filter(|event| event.event.queues().contains(&spec.queue))
            .cloned()
            .collect();
        let orders: Vec<Vec<Envelope>> = (0..TIMES)
            .map(|_| shuffled(&[&ours[..], &ours[..3.min(ours.len())]].concat(), &mut random))
            .collect();
        let work = orders.iter().map(|order| async {
            for batch in order.chunks(spec.batch as usize) {
                // Who finds a mail on its way to be sent by another comes again later.
                let mut batch = batch.to_vec();
                while !batch.is_empty() {
                    let again = world.app.work(spec.name, &batch).await;
                    batch.retain(|event| again.contains(&event.id));
                    batch.dedup_by_key(|event| event.id);
                }
            }
        });
        join_all(work).await;
    }
    world.app.db.run("DELETE FROM app.outbox").await;
    world.judged("each message six times", &BTreeSet::new()).await;
}
