//! When a value that was read may be kept.

use cache::{Entry, Filling};
use config::defaults::CACHED_LIMIT;

use super::place::{Place, Seen, Thing};

#[tokio::test]
async fn what_one_process_fills_every_process_finds() {
    let place = Place::new().await;
    let [a, b, _] = place.processes();
    for entry in [place.entry.clone(), place.list()] {
        let room = a.look(&entry).await.room();
        assert_eq!(room.floor, None);
        a.fill(&entry, &room, 1).await;
        assert_eq!(b.look(&entry).await.value(), Some(1));
    }
    // Two who missed at the same time have the same epoch, and both may fill.
    let entry = Entry::list(place.user, "something else");
    let (one, two) = (a.look(&entry).await.room(), b.look(&entry).await.room());
    assert_eq!(one, two);
    a.fill(&entry, &one, 2).await;
    b.fill(&entry, &two, 2).await;
    assert_eq!(a.look(&entry).await.value(), Some(2));
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_kept_after_it() {
    let place = Place::new().await;
    let [reader, writer, other] = place.processes();
    for entry in [place.entry.clone(), place.list()] {
        let before = reader.look(&entry).await.room();
        let fence = writer.fence(place.task).await;
        writer.give_up(&fence).await;
        reader.fill(&entry, &before, 1).await;
        assert_eq!(other.look(&entry).await.value(), None, "{entry:?}");
    }
    // Nor over the value that the writer left.
    let before = reader.look(&place.entry).await.room();
    let fence = writer.fence(place.task).await;
    writer.lift(&fence, place.task, 2, place.only_own(2)).await;
    reader.fill(&place.entry, &before, 1).await;
    assert_eq!(other.look(&place.entry).await.value(), Some(2));
}

#[tokio::test]
async fn under_a_fence_nothing_is_kept_and_nothing_is_found() {
    let place = Place::new().await;
    let [reader, writer, other] = place.processes();
    for (entry, epoch, values) in [
        (place.entry.clone(), place.of_task("e"), place.of_task("v")),
        (place.list(), place.of_user("le"), place.of_user("l")),
    ] {
        let before = reader.look(&entry).await.room();
        let old: String = place.redis.ask(&["GET", &epoch]).await;
        reader.fill(&entry, &before, 1).await;
        let fence = writer.fence(place.task).await;
        assert_eq!(place.redis.ask::<i64>(&["EXISTS", &values]).await, 0, "values are gone");
        reader.fill(&entry, &before, 1).await;
        assert_eq!(place.redis.ask::<i64>(&["EXISTS", &values]).await, 0, "an old epoch");
        // Even if the epoch were the same.
        place.redis.ask::<String>(&["SET", &epoch, &old, "EX", "60"]).await;
        reader.fill(&entry, &before, 1).await;
        assert_eq!(place.redis.ask::<i64>(&["EXISTS", &values]).await, 0, "a fence");
        assert!(matches!(other.look(&entry).await, Seen::Fenced));
        // Even if there were a value.
        place.redis.ask::<i64>(&["HSET", &values, "task", "{}"]).await;
        assert!(matches!(other.look(&entry).await, Seen::Fenced));
        place.forget(&values).await;
        writer.give_up(&fence).await;
    }
}

#[tokio::test]
async fn what_was_read_before_an_event_is_not_kept_after_it() {
    let place = Place::new().await;
    let [reader, relay, other] = place.processes();
    for entry in [place.entry.clone(), place.list()] {
        let before = reader.look(&entry).await.room();
        reader.fill(&entry, &before, 1).await;
        assert!(relay.cache.drop(&[place.stale(2)]).await);
        assert_eq!(other.look(&entry).await.value(), None);
        reader.fill(&entry, &before, 1).await;
        assert_eq!(other.look(&entry).await.value(), None);
    }
}

#[tokio::test]
async fn an_event_does_not_take_a_writers_fence_down() {
    let place = Place::new().await;
    let [writer, relay, reader] = place.processes();
    place.change_alone(1).await;
    let fence = writer.fence(place.task).await;
    assert!(relay.cache.drop(&[place.stale(2)]).await);
    assert!(matches!(reader.look(&place.entry).await, Seen::Fenced));
    writer.lift(&fence, place.task, 3, place.only_own(3)).await;
    // The event may be of another change than the writer's, so its value does not stay.
    assert_eq!(reader.look(&place.entry).await.room().floor, Some(3));
}

#[tokio::test]
async fn a_lost_epoch_is_replaced_by_a_new_one() {
    let place = Place::new().await;
    let [reader, other, _] = place.processes();
    for (entry, epoch) in
        [(place.entry.clone(), place.of_task("e")), (place.list(), place.of_user("le"))]
    {
        let before = reader.look(&entry).await.room();
        place.forget(&epoch).await;
        // Without an epoch nothing is kept,
        reader.fill(&entry, &before, 1).await;
        assert_eq!(place.redis.ask::<i64>(&["EXISTS", &epoch]).await, 0);
        // and the next one is not the lost one.
        let after = other.look(&entry).await.room();
        assert_ne!(before, after);
        reader.fill(&entry, &before, 1).await;
        assert_eq!(other.look(&entry).await.value(), None);
        other.fill(&entry, &after, 1).await;
        assert_eq!(reader.look(&entry).await.value(), Some(1));
    }
}

#[tokio::test]
async fn a_redis_that_has_lost_everything_keeps_nothing_that_was_read_before() {
    let place = Place::new().await;
    let [reader, writer, other] = place.processes();
    let before = reader.look(&place.entry).await.room();
    let fence = writer.fence(place.task).await;
    place.redis.server.flush().expect("Redis is emptied");
    let between = other.look(&place.entry).await.room();
    reader.fill(&place.entry, &before, 1).await;
    other.fill(&place.entry, &between, 1).await;
    assert_eq!(reader.look(&place.entry).await.value(), Some(1), "nobody knows of the writer");
    // But the writer finds its fence gone, before it is answered.
    writer.lift(&fence, place.task, 2, place.only_own(2)).await;
    let after = reader.look(&place.entry).await.room();
    assert_eq!(after.floor, Some(2));
    other.fill(&place.entry, &between, 1).await;
    assert_eq!(reader.look(&place.entry).await.value(), None);
}

#[tokio::test]
async fn lists_live_as_long_as_the_first_of_them() {
    let place = Place::new().await;
    let [reader, ..] = place.processes();
    let room = reader.look(&place.list()).await.room();
    reader.fill(&place.list(), &room, 1).await;
    let lists = place.of_user("l");
    assert!(place.redis.ask::<i64>(&["PTTL", &lists]).await > 0);
    place.redis.ask::<i64>(&["PEXPIRE", &lists, "30000"]).await;
    let other = Entry::list(place.user, "another question");
    let room = reader.look(&other).await.room();
    reader.fill(&other, &room, 1).await;
    assert_eq!(place.redis.ask::<i64>(&["HLEN", &lists]).await, 2);
    assert!(place.redis.ask::<i64>(&["PTTL", &lists]).await <= 30_000, "prolonged");
}

#[tokio::test]
async fn what_is_too_long_is_not_kept_but_how_far_the_database_was() {
    let place = Place::new().await;
    let [reader, writer, other] = place.processes();
    let long = |length| Thing { version: 7, text: "x".repeat(length) };
    let keep = async |thing: &Thing| {
        let room = reader.look(&place.entry).await.room();
        let filling = Filling::new(&place.entry, room, Some(thing), Some(7));
        reader.cache.keep(None, Some(filling)).await;
        other.look(&place.entry).await
    };
    let room = keep(&long(CACHED_LIMIT)).await.room();
    assert_eq!(room.floor, Some(7));
    assert_eq!(keep(&long(CACHED_LIMIT - 1024)).await.value(), Some(7));
    // Neither does a writer leave it.
    let fence = writer.fence(place.task).await;
    let mut written = cache::Written::default();
    written.leave(place.task, &long(CACHED_LIMIT));
    writer.cache.lift(Some(&fence), &written, None).await;
    assert_eq!(other.look(&place.entry).await.value(), None);
}

#[tokio::test]
async fn what_is_not_to_be_kept_leaves_only_its_floor() {
    let place = Place::new().await;
    let [reader, other, _] = place.processes();
    let entry = Entry::uncached_list(place.user);
    let room = reader.look(&entry).await.room();
    reader.fill(&entry, &room, 4).await;
    assert_eq!(other.look(&entry).await.room().floor, Some(4));
    assert_eq!(place.redis.ask::<i64>(&["EXISTS", &place.of_user("l")]).await, 0);
}
