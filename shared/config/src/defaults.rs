//! The numbers of the system, in one table.

use std::time::Duration;

/// The timeout of an API function, for callers without a Lambda deadline of their own.
pub const FUNCTION_TIMEOUT: Duration = Duration::from_secs(10);
/// What a request leaves of its function's time, to answer 504 itself before it is killed.
pub const ANSWER_RESERVE: Duration = Duration::from_millis(500);
/// The largest body of a request.
pub const BODY_LIMIT: usize = 256 * 1024;
/// The largest form: a token.
pub const FORM_LIMIT: usize = 16 * 1024;

/// Opening a connection to Postgres.
pub const POSTGRES_CONNECT: Duration = Duration::from_secs(1);
/// Waiting for a connection of the pool.
pub const POSTGRES_POOL_WAIT: Duration = Duration::from_millis(500);
/// The same for a worker.
pub const POSTGRES_WORKER_WAIT: Duration = Duration::from_secs(3);
/// One request's time with Postgres, retries included. A little above `statement_timeout` (3 s, set
/// with the role), so that the server's own verdict arrives first.
pub const POSTGRES_CALL: Duration = Duration::from_millis(3500);
/// What a request gives the reader before it asks the writer.
pub const READER_CALL: Duration = Duration::from_secs(1);
/// How long a part that failed is left alone: at first, and at most. It doubles in between.
pub const BREAKER_FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(30);
/// The time that a health check gives Postgres.
pub const POSTGRES_HEALTH: Duration = Duration::from_secs(1);
/// A connection that rested longer is tested before it is used.
pub const POSTGRES_IDLE_BEFORE_CHECK: Duration = Duration::from_secs(2);
/// That test.
pub const POSTGRES_RECYCLE: Duration = Duration::from_millis(300);
/// When unacknowledged data means that a connection is dead.
pub const POSTGRES_TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);

/// Opening a connection to Redis.
pub const REDIS_CONNECT: Duration = Duration::from_millis(200);
/// What a request waits for the credentials of Redis, if they could not be read at the start.
pub const REDIS_SECRET: Duration = Duration::from_secs(1);
/// One call of Redis, however many scripts it has; also the setting `REDIS_CALL_MS`.
pub const REDIS_CALL: Duration = Duration::from_millis(50);
/// How long Redis is told again and again what must not be lost on it.
pub const REDIS_INSIST: Duration = Duration::from_secs(2);
/// When unacknowledged data means that a connection is dead.
pub const REDIS_TCP_USER_TIMEOUT: Duration = Duration::from_secs(2);
/// After so many failed calls in a row Redis is left alone for a while.
pub const REDIS_FAILURES: u32 = 3;
/// How long the fence of a writer stands that does not come back: longer than the function and its
/// statement can live.
pub const FENCE_LIFE: Duration = Duration::from_secs(15);
/// A writer whose fence is older than this does not begin: its environment was frozen, and the fence may
/// fall before the change is made.
pub const FENCE_FRESH: Duration = Duration::from_secs(2);
/// How long an epoch is remembered: longer than any request may need it. One that is gone is as good as
/// another, so there need not be one for everything that was ever asked for.
pub const EPOCH_LIFE: Duration = Duration::from_mins(5);
/// How long it is remembered how far a reader must have come.
pub const FLOOR_LIFE: Duration = Duration::from_hours(1);
/// How long a task is cached (this and the next two: give or take a tenth); the setting
/// `CACHE_TASK_SECONDS`.
pub const TASK_LIFE: Duration = Duration::from_mins(10);
/// How long the lists of a user are cached; the setting `CACHE_LIST_SECONDS`.
pub const LIST_LIFE: Duration = Duration::from_mins(1);
/// How long it is remembered how a user stands.
pub const STANDING_LIFE: Duration = Duration::from_mins(5);
/// The largest value that is cached.
pub const CACHED_LIMIT: usize = 256 * 1024;

/// How many calls a user may make, in which time; the setting `RATE_LIMITS` says otherwise.
pub const USER_LIMIT: (u32, Duration) = (100, Duration::from_mins(1));
/// The same for those without a valid token, by where they call from.
pub const IP_LIMIT: (u32, Duration) = (300, Duration::from_mins(1));
/// How many exports a user may ask for.
pub const EXPORTS_LIMIT: (u32, Duration) = (10, Duration::from_hours(1));

/// What a write gives a message that wakes the relay.
pub const WAKE: Duration = Duration::from_millis(300);
/// After one that failed no further one is sent for so long: the schedule of every minute wakes it, too.
pub const WAKE_PAUSE: Duration = Duration::from_secs(5);
/// One attempt at SQS, of those whom nobody waits for,
pub const QUEUE_ATTEMPT: Duration = Duration::from_secs(2);
/// and how many attempts a call gets.
pub const QUEUE_ATTEMPTS: u32 = 3;
/// The time that a health check gives SQS.
pub const QUEUE_HEALTH: Duration = Duration::from_secs(1);

/// How many events the relay takes at a time,
pub const RELAY_BATCH: i32 = 100;
/// and for how long they are lent to it.
pub const RELAY_LEASE: Duration = Duration::from_secs(30);
/// The relay stops so long before its time is up.
pub const RELAY_RESERVE: Duration = Duration::from_secs(5);
/// The relay sleeps when there was nothing to do for so long.
pub const RELAY_IDLE: Duration = Duration::from_secs(2);
/// How often the idle relay looks: at first, and after a while.
pub const RELAY_LOOK: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];
/// How long the relay's heartbeat is heard.
pub const RELAY_HEARTBEAT: Duration = Duration::from_secs(2);

/// How long a secret is used before it is read again.
pub const SECRET_AGE: Duration = Duration::from_mins(10);
/// The least time between two readings that a refused password causes.
pub const SECRET_PAUSE: Duration = Duration::from_secs(1);
/// One attempt at Secrets Manager.
pub const SECRET_ATTEMPT: Duration = Duration::from_secs(2);
/// All attempts at Secrets Manager.
pub const SECRET_CALL: Duration = Duration::from_secs(5);
/// What a start spends on connections before it takes requests without them.
pub const WARM_UP: Duration = Duration::from_secs(2);

/// How long an export belongs to the worker that took it, unless it says that it is still there.
pub const EXPORT_LEASE: Duration = Duration::from_mins(2);
/// How often it says so.
pub const EXPORT_RENEWAL: Duration = Duration::from_secs(20);
/// What a worker keeps of its function's time: to end a file, or to say that there was too much to write.
pub const EXPORT_RESERVE: Duration = Duration::from_secs(10);

/// Opening a connection to S3.
pub const FILES_CONNECT: Duration = Duration::from_secs(2);
/// One attempt at one call of S3, of which the longest sends a part of a file.
pub const FILES_ATTEMPT: Duration = Duration::from_secs(20);
/// All attempts at one call of S3.
pub const FILES_CALL: Duration = Duration::from_mins(1);
/// What is sent of a file at a time, and so what is kept of it in memory. S3 takes ten thousand parts,
/// of at least 5 MiB but for the last: 78 GiB.
pub const FILES_PART: usize = 8 * 1024 * 1024;
/// How long the address of a file can be used.
pub const FILES_LINK: Duration = Duration::from_mins(15);

/// `Retry-After` of 503 `database-unavailable` and of 409 `idempotency-in-progress`, in seconds.
pub const RETRY_AFTER: u32 = 1;
/// `Retry-After` of 503 `auth-unavailable`, in seconds.
pub const RETRY_AFTER_AUTH: u32 = 5;

/// Reaching a mail server: the connection, encryption and sign-in.
pub const MAIL_CONNECT: Duration = Duration::from_secs(5);
/// A whole mail, with the connection that it may need.
pub const MAIL_SEND: Duration = Duration::from_secs(20);
/// Asking a kept connection whether it still lives, and taking leave of one.
pub const MAIL_CHECK: Duration = Duration::from_secs(1);
/// How long a worker has a delivery to itself: longer than it takes to send it and to say so, for each
/// reader of an event; shorter than the queue hides the event.
pub const MAIL_LEASE: Duration = Duration::from_mins(2);
