//! What writers leave behind, in every order in which they can overlap.

use std::collections::BTreeMap;
use std::time::Duration;

use cache::{Fence, Touch};
use clock::Clock;
use config::defaults::FENCE_FRESH;
use config::{Env, Secrets};

use super::place::{Place, Process, Seen};

#[tokio::test]
async fn who_was_alone_leaves_the_new_value() {
    let place = Place::new().await;
    let [writer, reader, _] = place.processes();
    for version in 1..4 {
        let fence = writer.fence(place.task).await;
        writer.lift(&fence, place.task, version, place.only_own(version)).await;
        assert_eq!(reader.look(&place.entry).await.value(), Some(version));
        // Of lists nobody knows what they are now.
        assert_eq!(reader.look(&place.list()).await.room().floor, Some(version));
    }
    // Who changed nothing leaves nothing.
    let fence = writer.fence(place.task).await;
    writer.give_up(&fence).await;
    assert_eq!(reader.look(&place.entry).await.room().floor, Some(3));
}

/// All orders in which so many writers put up their fences and take them down: each writer is named
/// twice, and first puts up.
fn orders(writers: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..2 * writers {
        let longer = orders.into_iter().flat_map(|order: Vec<usize>| {
            (0..writers)
                .filter(|writer| order.iter().filter(|w| *w == writer).count() < 2)
                .map(|writer| [&*order, &[writer]].concat())
                .collect::<Vec<_>>()
        });
        orders = longer.collect();
    }
    orders
}

#[tokio::test]
async fn who_overlapped_with_somebody_leaves_nothing() {
    let place = Place::new().await;
    let processes = place.processes();
    let orders = orders(processes.len());
    assert_eq!(orders.len(), 90);
    for order in orders {
        let mut fences: BTreeMap<usize, Fence> = BTreeMap::new();
        // Those who had company.
        let mut crowded = [false; 3];
        for (step, writer) in order.iter().enumerate() {
            let process = &processes[*writer];
            if let Some(fence) = fences.remove(writer) {
                let version = i64::try_from(step).expect("a step");
                process.lift(&fence, place.task, version, place.only_own(version)).await;
                let seen = processes[0].look(&place.entry).await;
                let told = match &seen {
                    _ if !fences.is_empty() => matches!(seen, Seen::Fenced),
                    Seen::Value(seen) => !crowded[*writer] && *seen == version,
                    Seen::Room(_) => crowded[*writer],
                    _ => false,
                };
                assert!(told, "{order:?} at {step}: {seen:?}");
            } else {
                crowded[*writer] = !fences.is_empty();
                for other in fences.keys() {
                    crowded[*other] = true;
                }
                fences.insert(*writer, process.fence(place.task).await);
                let seen = processes[0].look(&place.entry).await;
                assert!(matches!(seen, Seen::Fenced), "{order:?} at {step}: {seen:?}");
            }
        }
        assert_eq!(place.redis.fences().await, Vec::<String>::new(), "{order:?}");
    }
}

#[tokio::test]
async fn a_writer_whose_fence_fell_clears_everything() {
    let place = Place::new().await;
    let [writer, reader, late] = place.processes();
    let fence = writer.fence(place.task).await;
    place.forget(&place.of_task("f")).await;
    place.forget(&place.of_user("lf")).await;
    for entry in [place.entry.clone(), place.list()] {
        let room = reader.look(&entry).await.room();
        reader.fill(&entry, &room, 1).await;
        assert_eq!(reader.look(&entry).await.value(), Some(1));
    }
    let other = cache::Entry::list(place.user, "read before, filled after");
    let before = late.look(&other).await.room();
    writer.lift(&fence, place.task, 2, place.only_own(2)).await;
    for entry in [place.entry.clone(), place.list()] {
        assert_eq!(reader.look(&entry).await.room().floor, Some(2), "{entry:?}");
    }
    late.fill(&other, &before, 1).await;
    assert_eq!(reader.look(&other).await.value(), None);
}

#[tokio::test]
async fn a_writer_who_never_comes_back_keeps_everybody_out_until_its_fence_falls() {
    let place = Place::new().await;
    let [dead, writer, reader] = place.processes();
    place.change_alone(1).await;
    place.forget(&place.of_task("v")).await;
    let before = reader.look(&place.entry).await.room();
    dead.fence(place.task).await;
    assert!(matches!(reader.look(&place.entry).await, Seen::Fenced));
    // Another one comes and goes: the first fence still stands.
    let fence = writer.fence(place.task).await;
    writer.lift(&fence, place.task, 2, place.only_own(2)).await;
    assert!(matches!(reader.look(&place.entry).await, Seen::Fenced));
    assert!(matches!(reader.look(&place.list()).await, Seen::Fenced));

    // Its time is over, by the clock of Redis.
    for key in [place.of_task("f"), place.of_user("lf")] {
        let nonces: Vec<String> = place.redis.ask(&["ZRANGE", &key, "0", "-1"]).await;
        assert_eq!(nonces.len(), 1, "{key}");
        let past = (place.redis.time().await / 1000).to_string();
        place.redis.ask::<i64>(&["ZADD", &key, "XX", "CH", &past, &nonces[0]]).await;
    }
    let room = reader.look(&place.entry).await.room();
    assert_eq!(room.floor, Some(2));
    reader.fill(&place.entry, &before, 1).await;
    assert_eq!(reader.look(&place.entry).await.value(), None);
    reader.fill(&place.entry, &room, 3).await;
    assert_eq!(reader.look(&place.entry).await.value(), Some(3));
    // Whoever comes now is alone.
    let fence = writer.fence(place.task).await;
    writer.lift(&fence, place.task, 4, place.only_own(4)).await;
    assert_eq!(reader.look(&place.entry).await.value(), Some(4));
}

#[tokio::test]
async fn a_writer_who_could_not_put_up_a_fence_clears_everything() {
    let mut place = Place::new().await;
    place.redis.server.stop().expect("Redis stops");
    let clock = Clock::system();
    let url = place.redis.server.address().url;
    let env = Env::of([("REDIS_URL", url.as_str()), ("REDIS_CALL_MS", "5000")]);
    let cache = cache::Cache::from_env(&env, Secrets::new(clock.clone()), clock.clone());
    let cache = cache.expect("a cache");
    let writer = Process { cache: &cache, user: place.user };
    let fence = writer.fence(place.task).await;
    place.redis.server.start().expect("Redis starts again");

    let [reader, ..] = place.processes();
    let room = reader.look(&place.entry).await.room();
    reader.fill(&place.entry, &room, 1).await;
    assert_eq!(reader.look(&place.entry).await.value(), Some(1));
    clock.advance(Duration::from_mins(1));
    writer.lift(&fence, place.task, 2, place.only_own(2)).await;
    assert_eq!(reader.look(&place.entry).await.room().floor, Some(2));
}

#[tokio::test]
async fn floors_only_rise() {
    let place = Place::new().await;
    let [a, b, _] = place.processes();
    let floors = async || {
        let of = async |entry| a.look(&entry).await.room().floor;
        place.forget(&place.of_task("v")).await;
        place.forget(&place.of_user("l")).await;
        (of(place.entry.clone()).await, of(place.list()).await)
    };
    let read = async |version| {
        for entry in [place.entry.clone(), place.list()] {
            place.forget(&place.of_task("v")).await;
            let room = b.look(&entry).await.room();
            b.fill(&entry, &room, version).await;
        }
    };
    place.change_alone(5).await;
    assert_eq!(floors().await, (Some(5), Some(5)));
    place.change_alone(3).await;
    assert_eq!(floors().await, (Some(5), Some(5)), "an older change, told later");
    read(4).await;
    assert_eq!(floors().await, (Some(5), Some(5)), "an older read");
    read(10).await;
    assert_eq!(floors().await, (Some(10), Some(10)), "a newer read: ten is more than nine");
    place.change_alone(9).await;
    assert_eq!(floors().await, (Some(10), Some(10)));
    // An event knows how far a task is, and of lists only that they changed.
    assert!(b.cache.drop(&[place.stale(8)]).await);
    assert_eq!(floors().await, (Some(10), None));
    assert!(b.cache.drop(&[place.stale(12)]).await);
    assert_eq!(floors().await, (Some(12), None));
}

#[tokio::test]
async fn a_floor_is_raised_also_by_who_leaves_no_value() {
    let place = Place::new().await;
    let [a, b, reader] = place.processes();
    place.change_alone(1).await;
    let (one, two) = (a.fence(place.task).await, b.fence(place.task).await);
    b.lift(&two, place.task, 3, place.only_own(3)).await;
    a.lift(&one, place.task, 2, place.only_own(2)).await;
    // The first moment at which anybody can fill: the floor is there.
    assert_eq!(reader.look(&place.entry).await.room().floor, Some(3));
    assert_eq!(reader.look(&place.list()).await.room().floor, Some(3));
}

/// The other one may have been told of more, and that may be what was lost.
#[tokio::test]
async fn a_lost_floor_is_not_guessed_by_who_was_not_alone() {
    let place = Place::new().await;
    let [a, b, reader] = place.processes();
    let floors = async || {
        let task = reader.look(&place.entry).await.room().floor;
        (task, reader.look(&place.list()).await.room().floor)
    };
    let lose = async || {
        place.forget(&place.of_task("s")).await;
        place.forget(&place.of_user("ls")).await;
    };
    for first_up in [true, false] {
        place.change_alone(1).await;
        let (one, two) = (a.fence(place.task).await, b.fence(place.task).await);
        let (early, late) = if first_up { (one, two) } else { (two, one) };
        b.lift(&early, place.task, 3, place.only_own(3)).await;
        lose().await;
        a.lift(&late, place.task, 2, place.only_own(2)).await;
        assert_eq!(floors().await, (None, None));
    }
    // Neither by who does not find its fence,
    let (one, two) = (a.fence(place.task).await, b.fence(place.task).await);
    b.lift(&two, place.task, 5, place.only_own(5)).await;
    place.redis.server.flush().expect("Redis is emptied");
    a.lift(&one, place.task, 4, place.only_own(4)).await;
    assert_eq!(floors().await, (None, None));
    // nor by an event.
    let mut stale = place.stale(4);
    stale.lists.clear();
    assert!(a.cache.drop(&[stale]).await);
    assert_eq!(floors().await, (None, None));
    // The next read of the writer knows it.
    let room = reader.look(&place.entry).await.room();
    reader.fill(&place.entry, &room, 6).await;
    place.forget(&place.of_task("v")).await;
    assert_eq!(floors().await, (Some(6), None));
}

#[tokio::test]
async fn the_lists_of_everybody_who_is_touched_are_dropped_with_the_lifting() {
    let place = Place::new().await;
    let [writer, a, b] = place.processes();
    let bob = Clock::system().new_id();
    let (early, late) =
        (Process { cache: a.cache, user: bob }, Process { cache: b.cache, user: bob });
    let (list, other) = (cache::Entry::list(bob, "x"), cache::Entry::list(bob, "y"));
    let room = early.look(&list).await.room();
    early.fill(&list, &room, 1).await;
    let before = late.look(&other).await.room();
    let fence = writer.fence(place.task).await;
    assert_eq!(early.look(&list).await.value(), Some(1), "nobody knows of it before");
    writer.lift(&fence, place.task, 2, BTreeMap::from([(place.user, 5), (bob, 7)])).await;
    assert_eq!(early.look(&list).await.room().floor, Some(7));
    late.fill(&other, &before, 1).await;
    assert_eq!(late.look(&other).await.value(), None);
    assert_eq!(writer.look(&place.list()).await.room().floor, Some(5));
}

#[tokio::test]
async fn a_fence_from_before_a_long_sleep_is_not_fresh() {
    let place = Place::new().await;
    let clock = Clock::stopped();
    let url = place.redis.server.address().url;
    let env = Env::of([("REDIS_URL", url.as_str()), ("REDIS_CALL_MS", "5000")]);
    let cache = cache::Cache::from_env(&env, Secrets::new(clock.clone()), clock.clone());
    let cache = cache.expect("a cache");
    let process = Process { cache: &cache, user: place.user };
    let found = cache.greet(process.bearer(), &[], None, &Touch::Change(None)).await.1;
    let cache::Found::Fence(fence) = found else { panic!("no fence, but {found:?}") };
    assert!(cache.is_fresh(&fence));
    clock.advance(FENCE_FRESH);
    assert!(cache.is_fresh(&fence));
    clock.advance(Duration::from_millis(1));
    assert!(!cache.is_fresh(&fence));
}
