//! The rules of the cache, one by one: its own calls against a real Redis, step by step, in an order
//! that is the test's.

mod fills;
mod keys;
mod model;
mod place;
mod standings;
mod writers;
